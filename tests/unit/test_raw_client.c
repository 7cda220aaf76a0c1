/* The raw client against libssl in memory: what it reports, what it survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "raw_kit.h"
#include "writer.h"

static struct raw_config config_of(uint16_t version)
{
    struct raw_config config;

    raw_config_init(&config, "localhost");
    raw_hello_only(&config.hello, version);
    return config;
}

/* A handshake that must come about; its session. */
static struct raw_session *full(struct raw_kit *k, const struct raw_config *config)
{
    raw_kit_connect(k, config);
    raw_kit_run(k);
    assert_string_equal(raw_kit_result(k)->why.text, "");
    assert_true(raw_kit_result(k)->established);
    assert_false(raw_kit_result(k)->resumed);
    return raw_kit_session(k);
}

static void tls13_full_and_resumed(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s = full(k, &config);
    const struct raw_result *r = raw_kit_result(k);
    size_t n;

    assert_int_equal(r->version, RAW_TLS13);
    assert_int_equal(r->n_tickets, 2);
    assert_int_equal(r->n_sessions, 2);
    assert_int_equal(r->n_certificates, 1);
    assert_int_equal(r->signature, 0x0403);
    assert_int_equal(r->phase, RAW_PHASE_APPLICATION);
    assert_int_equal(r->end, RAW_END_OPEN);
    assert_int_equal(r->handshake_us, 1000);
    assert_non_null(raw_client_certificate(k->client, 0, &n));
    assert_null(raw_client_certificate(k->client, 1, &n));
    assert_non_null(raw_client_ticket(k->client, 1, &n));
    assert_null(raw_client_ticket(k->client, 2, &n));
    assert_int_equal(s->lifetime_s, 7200);

    raw_hello_offer(&config.hello, s, k->now_us);
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    r = raw_kit_result(k);
    assert_true(r->established && r->resumed);
    assert_int_equal(SSL_session_reused(k->ssl), 1);
    assert_int_equal(r->n_certificates, 0);
    assert_string_equal(r->fingerprint, "22[2.7] 20 23[8.2] 23[20.6] 23[4.8]");
    raw_session_free(&s);
}

static void tls12_full_and_resumed(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS12);
    struct raw_session *s = full(k, &config);
    struct raw_session *next;

    assert_true(raw_kit_result(k)->extended_master_secret);
    assert_true(raw_kit_result(k)->ticket_promised);
    assert_true(s->ticket_len != 0);
    raw_hello_offer_ticket(&config.hello, s);
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established && raw_kit_result(k)->resumed);
    assert_int_equal(SSL_session_reused(k->ssl), 1);
    /* No new ticket came: the one that was taken is still good. */
    next = raw_kit_session(k);
    assert_int_equal(next->ticket_len, s->ticket_len);
    assert_memory_equal(next->secret, s->secret, sizeof s->secret);
    raw_session_free(&next);
    raw_session_free(&s);
}

static void tls12_by_id(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS12);
    struct raw_session *s;

    config.hello.ticket_ext = RAW_TICKET_ABSENT;
    s = full(k, &config);
    assert_int_equal(s->id_len, 32);
    assert_int_equal(s->ticket_len, 0);
    /* libssl drops a session whose connection was cut: this one ends in order. */
    assert_int_equal(raw_client_send_alert(k->client, 1, 0), RP_OK);
    raw_kit_run(k);
    raw_hello_offer(&config.hello, s, k->now_us);
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established && raw_kit_result(k)->resumed);
    assert_memory_equal(raw_kit_result(k)->session_id, s->id, 32);
    raw_session_free(&s);
}

static void data_goes_both_ways(void **state)
{
    static const uint16_t versions[] = {RAW_TLS12, RAW_TLS13};
    struct raw_kit *const k = *state;
    size_t n;

    for (size_t i = 0; i < 2; i++) {
        const struct raw_config config = config_of(versions[i]);
        struct raw_session *s = full(k, &config);

        assert_int_equal(raw_client_send(k->client, (const uint8_t *)"ping", 4), RP_OK);
        raw_kit_run(k);
        assert_memory_equal(raw_client_received(k->client, &n), "ping", 4);
        assert_int_equal(n, 4);
        raw_session_free(&s);
    }
}

static void keys_are_updated(void **state)
{
    struct raw_kit *const k = *state;
    const struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s = full(k, &config);
    size_t n;

    assert_int_equal(SSL_key_update(k->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    raw_kit_run(k);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raw_client_send(k->client, (const uint8_t *)"ping", 4), RP_OK);
        raw_kit_run(k);
    }
    (void)raw_client_received(k->client, &n);
    assert_int_equal(n, 12);
    raw_session_free(&s);
}

static void fed_byte_by_byte_it_is_the_same(void **state)
{
    static const uint16_t versions[] = {RAW_TLS12, RAW_TLS13};
    struct raw_kit *const k = *state;

    k->piece = 1;
    for (size_t i = 0; i < 2; i++) {
        const struct raw_config config = config_of(versions[i]);
        struct raw_session *s = full(k, &config);

        raw_session_free(&s);
    }
    k->piece = 0;
}

static void the_first_flight_follows_from_the_seed(void **state)
{
    static const uint8_t seed[RAW_SEED_LEN] = {3};
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_client *again = NULL;
    const uint8_t *first;
    const uint8_t *second;
    size_t n;
    size_t m;

    config.seed = seed;
    config.hello.shares[1] = RAW_GROUP_P256;
    config.hello.shares[2] = RAW_GROUP_P384;
    config.hello.n_shares = 3;
    raw_kit_connect(k, &config);
    assert_int_equal(raw_client_new(&config, &again), RP_OK);
    first = raw_client_first_flight(k->client, &n);
    second = raw_client_first_flight(again, &m);
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    raw_client_free(&again);
    config.seed = NULL;
    assert_int_equal(raw_client_new(&config, &again), RP_OK);
    second = raw_client_first_flight(again, &m);
    assert_int_equal(n, m);
    assert_memory_not_equal(first, second, n);
    raw_client_free(&again);
}

static void early_data_are_read(void **state)
{
    static const char early[] = "early";
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s;

    assert_int_equal(SSL_CTX_set_max_early_data(k->ctx, 1000), 1);
    (void)SSL_CTX_set_recv_max_early_data(k->ctx, 1000);
    s = full(k, &config);
    assert_int_equal(s->max_early_data, 1000);
    raw_hello_offer(&config.hello, s, k->now_us);
    config.hello.early_data = true;
    config.early = (const uint8_t *)early;
    config.early_len = sizeof early;
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established);
    assert_int_equal(raw_kit_result(k)->early, RAW_EARLY_ACCEPTED);
    assert_string_equal(k->early, early);
    assert_int_equal(SSL_CTX_set_max_early_data(k->ctx, 0), 1);
    raw_session_free(&s);
}

static void a_cookie_is_returned(void **state)
{
    struct raw_kit *const k = *state;
    const struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s;

    k->stateless = true;
    s = full(k, &config);
    assert_true(raw_kit_result(k)->hello_retry);
    assert_true(k->cookie_right);
    /* libssl refuses any PSK after a cookie, its own client's too: nothing to resume here. */
    k->stateless = false;
    raw_session_free(&s);
}

/* A HelloRetryRequest with a cookie of so many bytes, 0: none, that asks for no other group. */
static void feed_retry(struct raw_client *c, size_t cookie_len)
{
    static const uint8_t random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                     0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                     0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                     0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    static const uint8_t zeroes[1024];
    uint8_t bytes[66000];
    struct writer w = writer_of(bytes, sizeof bytes);
    size_t message;
    size_t exts;

    writer_u8(&w, 2);
    message = writer_open(&w, 3);
    writer_u16(&w, RAW_TLS12);
    writer_bytes(&w, random, sizeof random);
    writer_u8(&w, 0);
    writer_u16(&w, 0x1301);
    writer_u8(&w, 0);
    exts = writer_open(&w, 2);
    writer_u16(&w, 43);
    writer_u16(&w, 2);
    writer_u16(&w, RAW_TLS13);
    if (cookie_len != 0) {
        writer_u16(&w, 44);
        writer_u16(&w, (uint16_t)(cookie_len + 2));
        writer_u16(&w, (uint16_t)cookie_len);
    }
    for (size_t left = cookie_len; left != 0;) {
        const size_t part = left < sizeof zeroes ? left : sizeof zeroes;

        writer_bytes(&w, zeroes, part);
        left -= part;
    }
    writer_close(&w, exts, 2);
    writer_close(&w, message, 3);
    assert_false(w.failed);
    for (size_t at = 0; at < writer_len(&w);) {
        const size_t left = writer_len(&w) - at;
        const size_t part = left < 16384 ? left : 16384;
        const uint8_t header[] = {22, 3, 3, (uint8_t)(part >> 8), (uint8_t)part};

        raw_client_feed(c, header, sizeof header, 1);
        raw_client_feed(c, bytes + at, part, 1);
        at += part;
    }
}

static void a_retry_must_ask_for_something_that_can_be_done(void **state)
{
    static const struct {
        size_t cookie_len;
        const char *why; /* NULL: it is followed */
    } cases[] = {
        {0, "a HelloRetryRequest that asks for no change"},
        {60000, NULL},
        {65500, "no ClientHello has room for the 65500 bytes of the server's cookie"},
    };
    struct raw_kit *const k = *state;
    const struct raw_config config = config_of(RAW_TLS13);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        raw_kit_connect(k, &config);
        feed_retry(k->client, cases[i].cookie_len);
        if (cases[i].why == NULL) {
            assert_int_equal(raw_kit_result(k)->end, RAW_END_OPEN);
        } else {
            assert_int_equal(raw_kit_result(k)->end, RAW_END_GARBAGE);
            assert_string_equal(raw_kit_result(k)->why.text, cases[i].why);
        }
    }
}

/* RFC 8446 section 5.1: what comes in the clear behind ServerHello is not EncryptedExtensions. */
static void a_record_does_not_go_on_under_other_keys(void **state)
{
    static const uint8_t seed[RAW_SEED_LEN] = {9};
    static const uint8_t extensions[] = {8, 0, 0, 2, 0, 0};
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s;
    uint8_t bytes[1024];
    size_t n;

    config.seed = seed;
    s = full(k, &config);
    raw_session_free(&s);
    n = (size_t)k->recorded[3] << 8 | k->recorded[4];
    assert_true(n > 64 && n < 256);
    memcpy(bytes, k->recorded, 5 + n);
    memcpy(bytes + 5 + n, extensions, sizeof extensions);

    for (size_t more = 1; more <= sizeof extensions; more++) {
        struct raw_client *c;

        assert_int_equal(raw_client_new(&config, &c), RP_OK);
        bytes[3] = (uint8_t)((n + more) >> 8);
        bytes[4] = (uint8_t)(n + more);
        raw_client_feed(c, bytes, 5 + n + more, 1);
        assert_int_equal(raw_client_result(c)->end, RAW_END_GARBAGE);
        assert_string_equal(raw_client_result(c)->why.text,
                            "a handshake record of the server goes on where its keys change");
        raw_client_free(&c);
    }
}

static void what_comes_after_the_end_is_dropped(void **state)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
    struct raw_kit *const k = *state;
    const struct raw_config config = config_of(RAW_TLS13);
    const struct raw_result *r;

    raw_kit_connect(k, &config);
    raw_client_sent(k->client, 1, 10);
    raw_client_feed(k->client, alert, sizeof alert, 30);
    raw_client_feed(k->client, alert, sizeof alert, 40);
    raw_client_end(k->client, RAW_END_CLOSED, NULL);
    r = raw_kit_result(k);
    assert_int_equal(r->end, RAW_END_ALERT);
    assert_true(r->alert.seen);
    assert_int_equal(r->alert.description, 40);
    assert_int_equal(r->alert.phase, RAW_PHASE_HELLO);
    assert_int_equal(r->first_byte_us, 20);
    assert_string_equal(r->why.text, "alert 40 (handshake_failure) from the server, phase hello");
    assert_string_equal(r->fingerprint, "21[a2.40] alert");
}

static void nothing_is_sent_before_its_time(void **state)
{
    struct raw_kit *const k = *state;
    const struct raw_config config = config_of(RAW_TLS12);
    struct raw_session *s = NULL;

    raw_kit_connect(k, &config);
    assert_int_equal(raw_client_send(k->client, (const uint8_t *)"x", 1), RP_INVALID);
    assert_int_equal(raw_client_renegotiate(k->client, false), RP_INVALID);
    assert_int_equal(raw_client_session(k->client, 0, &s), RP_NOT_FOUND);
    assert_null(s);
}

static void every_flipped_byte_of_the_server_is_survived(void **state)
{
    static const uint8_t seed[RAW_SEED_LEN] = {5};
    static const uint16_t versions[] = {RAW_TLS12, RAW_TLS13};
    struct raw_kit *const k = *state;

    for (size_t i = 0; i < 2; i++) {
        struct raw_config config = config_of(versions[i]);
        struct raw_session *s;
        uint8_t bytes[8192];
        size_t n;

        config.seed = seed;
        s = full(k, &config);
        raw_session_free(&s);
        n = k->n_recorded;
        assert_true(n < sizeof bytes);
        memcpy(bytes, k->recorded, n);
        for (size_t at = 0; at < n; at += 3) {
            struct raw_client *c;

            assert_int_equal(raw_client_new(&config, &c), RP_OK);
            bytes[at] ^= 0x41;
            raw_client_feed(c, bytes, n, 1);
            bytes[at] ^= 0x41;
            assert_true(raw_client_result(c)->end != RAW_END_LOCAL);
            raw_client_free(&c);
        }
    }
}

static void a_recorded_server_is_believed_again(void **state)
{
    static const uint8_t seed[RAW_SEED_LEN] = {6};
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s;
    struct raw_client *c;

    config.seed = seed;
    s = full(k, &config);
    raw_session_free(&s);
    assert_int_equal(raw_client_new(&config, &c), RP_OK);
    raw_client_feed(c, k->recorded, k->n_recorded, 1);
    assert_true(raw_client_result(c)->established);
    assert_int_equal(raw_client_result(c)->n_sessions, 2);
    raw_client_free(&c);
}

/* False once the nth allocation is no longer there to fail. */
static bool fails_at(const struct raw_kit *k, const struct raw_config *config, long nth)
{
    struct raw_client *c = NULL;
    struct raw_session *s = NULL;
    enum rp_status status;

    memory_fail_after(nth);
    status = raw_client_new(config, &c);
    if (status == RP_OK) {
        raw_client_feed(c, k->recorded, k->n_recorded, 1);
        status = raw_client_session(c, 0, &s);
    }
    memory_fail_after(-1);
    if (status == RP_OK) {
        assert_true(raw_client_result(c)->established);
    }
    raw_session_free(&s);
    raw_client_free(&c);
    return status != RP_OK;
}

static void memory_may_run_out_anywhere(void **state)
{
    static const uint16_t versions[] = {RAW_TLS12, RAW_TLS13};
    static const uint8_t seed[RAW_SEED_LEN] = {8};
    struct raw_kit *const k = *state;

    for (size_t i = 0; i < 2; i++) {
        struct raw_config config = config_of(versions[i]);
        struct raw_session *s;
        long nth = 0;

        config.seed = seed;
        s = full(k, &config);
        raw_session_free(&s);
        while (fails_at(k, &config, nth)) {
            nth++;
        }
        assert_in_range(nth, 10, 1000);
    }
}

static void an_offer_without_memory_is_refused(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_config config = config_of(RAW_TLS13);
    struct raw_session *s = full(k, &config);
    struct raw_client *c = NULL;
    enum rp_status status;
    long nth = 0;

    raw_hello_offer(&config.hello, s, k->now_us);
    do {
        memory_fail_after(nth++);
        status = raw_client_new(&config, &c);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && c == NULL));
    } while (status != RP_OK);
    assert_in_range(nth, 6, 100);
    raw_client_free(&c);
    raw_session_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls13_full_and_resumed),
        cmocka_unit_test(tls12_full_and_resumed),
        cmocka_unit_test(tls12_by_id),
        cmocka_unit_test(data_goes_both_ways),
        cmocka_unit_test(keys_are_updated),
        cmocka_unit_test(fed_byte_by_byte_it_is_the_same),
        cmocka_unit_test(the_first_flight_follows_from_the_seed),
        cmocka_unit_test(early_data_are_read),
        cmocka_unit_test(a_cookie_is_returned),
        cmocka_unit_test(a_retry_must_ask_for_something_that_can_be_done),
        cmocka_unit_test(a_record_does_not_go_on_under_other_keys),
        cmocka_unit_test(what_comes_after_the_end_is_dropped),
        cmocka_unit_test(nothing_is_sent_before_its_time),
        cmocka_unit_test(every_flipped_byte_of_the_server_is_survived),
        cmocka_unit_test(a_recorded_server_is_believed_again),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(an_offer_without_memory_is_refused),
    };

    return cmocka_run_group_tests(tests, raw_kit_set_up, raw_kit_tear_down);
}
