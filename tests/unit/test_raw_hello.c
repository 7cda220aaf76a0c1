/* What can be steered in a ClientHello, and what libssl makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hello_ext.h"
#include "raw_kit.h"
#include "reader.h"
#include "tls_extension.h"

#define JUNK 200

/* The extensions of the first ClientHello, which must be one record. */
static struct reader extensions_of(const struct raw_client *c)
{
    size_t n;
    const uint8_t *const flight = raw_client_first_flight(c, &n);
    struct reader r = reader_of(flight, n);
    struct reader part;

    (void)reader_bytes(&r, 5 + 4 + 2 + 32);
    part = reader_vec8(&r);
    part = reader_vec16(&r);
    part = reader_vec8(&r);
    part = reader_vec16(&r);
    assert_false(part.failed);
    return part;
}

static struct tls_extension extension_of(const struct raw_client *c, uint16_t type)
{
    struct reader block = extensions_of(c);
    struct tls_extension ext;

    while (tls_extension_next(&block, &ext)) {
        if (ext.type == type) {
            return ext;
        }
    }
    return (struct tls_extension){0};
}

static struct raw_client *client_of(const struct raw_config *config)
{
    struct raw_client *c;

    assert_int_equal(raw_client_new(config, &c), RP_OK);
    return c;
}

static struct raw_session *session(struct raw_kit *k)
{
    struct raw_config config;

    raw_config_init(&config, NULL);
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established);
    return raw_kit_session(k);
}

static void what_is_not_wanted_is_left_out(void **state)
{
    static const uint16_t wanted[] = {TLS_EXT_SUPPORTED_VERSIONS, TLS_EXT_KEY_SHARE};
    struct raw_config config;
    struct raw_client *c;
    struct reader block;
    struct tls_extension ext;

    (void)state;
    raw_config_init(&config, NULL);
    raw_hello_only(&config.hello, RAW_TLS13);
    config.hello.n_groups = 0;
    config.hello.n_signatures = 0;
    config.hello.n_psk_modes = 0;
    c = client_of(&config);
    block = extensions_of(c);
    for (size_t i = 0; i < 2; i++) {
        assert_true(tls_extension_next(&block, &ext));
        assert_int_equal(ext.type, wanted[i]);
    }
    assert_true(reader_done(&block));
    raw_client_free(&c);
}

static void anything_can_be_added(void **state)
{
    static const uint8_t body[] = {1, 2, 3};
    struct raw_config config;
    struct raw_client *c;
    struct reader block;
    struct tls_extension ext = {0};

    (void)state;
    raw_config_init(&config, "a.example");
    config.hello.names[1] = "b.example";
    config.hello.n_names = 2;
    config.hello.ticket_ext = RAW_TICKET_BYTES;
    config.hello.ticket = body;
    config.hello.ticket_len = sizeof body;
    config.hello.padding = 1000;
    config.hello.ticket_request_ext = true;
    config.hello.ticket_request = (struct ticket_request){3, 1};
    config.hello.extra[0] = (struct raw_extension){0x1a1a, body, sizeof body};
    config.hello.extra[1] = (struct raw_extension){0x1a1a, NULL, 0};
    config.hello.n_extra = 2;
    c = client_of(&config);
    assert_int_equal(extension_of(c, TLS_EXT_SERVER_NAME).len, 2 + 2 * (3 + 9));
    assert_int_equal(extension_of(c, TLS_EXT_SESSION_TICKET).len, 3);
    assert_int_equal(extension_of(c, TLS_EXT_PADDING).len, 1000);
    assert_memory_equal(extension_of(c, TICKET_REQUEST_TYPE).body, "\3\1", 2);
    block = extensions_of(c);
    for (int last = 0; last < 2;) {
        assert_true(tls_extension_next(&block, &ext));
        last += ext.type == 0x1a1a;
    }
    assert_int_equal(ext.len, 0);
    assert_true(reader_done(&block));
    raw_client_free(&c);
}

static void session_ids_are_sent_as_they_are(void **state)
{
    static const size_t lens[] = {0, 1, 16, 31, 32};
    struct raw_config config;
    struct raw_client *c;
    size_t n;

    (void)state;
    raw_config_init(&config, NULL);
    memset(config.hello.session_id, 0x5a, sizeof config.hello.session_id);
    config.hello.random_session_id = false;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        const uint8_t *flight;

        config.hello.session_id_len = lens[i];
        c = client_of(&config);
        flight = raw_client_first_flight(c, &n);
        assert_int_equal(flight[5 + 4 + 2 + 32], lens[i]);
        assert_memory_equal(flight + 5 + 4 + 2 + 33, config.hello.session_id, lens[i]);
        raw_client_free(&c);
    }
}

static void what_cannot_be_encoded_is_refused(void **state)
{
    struct raw_config config;
    struct raw_client *c;

    (void)state;
    raw_config_init(&config, NULL);
    config.hello.padding = 65536;
    assert_int_equal(raw_client_new(&config, &c), RP_INVALID);
    assert_null(c);
    config.hello.padding = 65000; /* with the others it is too long */
    config.hello.extra[0] = (struct raw_extension){1, (const uint8_t *)"", 0};
    config.hello.n_extra = RAW_EXTRA_MAX + 1;
    assert_int_equal(raw_client_new(&config, &c), RP_INVALID);
    raw_config_init(&config, NULL);
    config.hello.shares[0] = 999;
    assert_int_equal(raw_client_new(&config, &c), RP_INVALID);
    raw_config_init(&config, NULL);
    config.hello.session_id_len = 33;
    assert_int_equal(raw_client_new(&config, &c), RP_INVALID);
}

/* Junk, and then a PSK that is right: libssl takes the first that it knows. */
static void one_identity_of_many_is_found(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_session *s = session(k);
    struct raw_psk psks[JUNK + 1];
    struct raw_config config;
    struct hello_psk_offer offer;
    struct tls_extension ext;

    for (size_t i = 0; i < JUNK; i++) {
        psks[i] = (struct raw_psk){.identity = s->ticket + 16, .identity_len = 40};
    }
    raw_config_init(&config, NULL);
    raw_hello_offer_psk(&config.hello, s, k->now_us);
    psks[JUNK] = config.hello.psk;
    config.hello.psks = psks;
    config.hello.n_psks = JUNK + 1;
    raw_kit_connect(k, &config);
    ext = extension_of(k->client, TLS_EXT_PRE_SHARED_KEY);
    assert_true(hello_psk_decode(ext.body, ext.len, &offer));
    assert_int_equal(offer.n_identities, JUNK + 1);
    raw_kit_run(k);
    assert_string_equal(raw_kit_result(k)->why.text, "");
    assert_true(raw_kit_result(k)->established);
    if (raw_kit_result(k)->resumed) {
        assert_int_equal(raw_kit_result(k)->psk_index, JUNK);
    }
    raw_session_free(&s);
}

static void a_long_identity_goes_over_several_records(void **state)
{
    static uint8_t junk[40000];
    struct raw_kit *const k = *state;
    struct raw_config config;

    raw_config_init(&config, NULL);
    config.hello.psk = (struct raw_psk){.identity = junk, .identity_len = sizeof junk};
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established);
    assert_false(raw_kit_result(k)->resumed);
}

/* The shapes of wrong binder lists: identities, binders that are counted, right or refused. */
static void wrong_lists_of_binders_are_refused(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_session *s = session(k);
    struct raw_config config;
    struct raw_psk two[2];

    raw_config_init(&config, NULL);
    raw_hello_offer_psk(&config.hello, s, k->now_us);
    config.hello.n_extra_binders = 1;
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    /* libssl looks at the binder of the PSK that it takes alone, and lets more of them pass. */
    assert_int_equal(extension_of(k->client, TLS_EXT_PRE_SHARED_KEY).len,
                     2 + 2 + s->ticket_len + 4 + 2 + 33 + 33);

    two[0] = config.hello.psk;
    two[1] = (struct raw_psk){.identity = s->ticket, .identity_len = 40};
    config.hello.n_extra_binders = 0;
    config.hello.psks = two;
    config.hello.n_psks = 2;
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established && raw_kit_result(k)->resumed);
    config.hello.swap_binders = true;
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_int_equal(raw_kit_result(k)->end, RAW_END_ALERT);
    raw_session_free(&s);
}

struct edit_log {
    unsigned n;
    bool spoil; /* in the last moment, after the binders */
};

static void edit(void *cookie, enum raw_edit when, unsigned nth, uint8_t *message, size_t *len,
                 size_t room)
{
    struct edit_log *const log = cookie;

    assert_true(*len < room);
    assert_int_equal(nth, 0);
    assert_int_equal(when, log->n++ == 0 ? RAW_EDIT_UNBOUND : RAW_EDIT_ENCODED);
    if ((when == RAW_EDIT_ENCODED) == log->spoil) {
        message[6] ^= 1; /* a byte of the random */
    }
}

static void an_edit_may_come_before_the_binders_or_after(void **state)
{
    struct raw_kit *const k = *state;
    struct raw_session *s = session(k);
    struct raw_config config;
    struct edit_log log = {0, true};

    raw_config_init(&config, NULL);
    raw_hello_offer_psk(&config.hello, s, k->now_us);
    config.hello.edit = edit;
    config.hello.edit_cookie = &log;
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_int_equal(log.n, 2);
    assert_int_equal(raw_kit_result(k)->end, RAW_END_ALERT);
    log = (struct edit_log){0, false};
    raw_kit_connect(k, &config);
    raw_kit_run(k);
    assert_true(raw_kit_result(k)->established && raw_kit_result(k)->resumed);
    raw_session_free(&s);
}

static void an_age_is_obfuscated_and_never_negative(void **state)
{
    const struct raw_session s = {.age_add = 0xfffffff0, .received_us = 5000};

    (void)state;
    assert_int_equal(raw_obfuscated_age(&s, 5000), 0xfffffff0);
    assert_int_equal(raw_obfuscated_age(&s, 5000 + 32000), 16);
    assert_int_equal(raw_obfuscated_age(&s, 0), 0xfffffff0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_wanted_is_left_out),
        cmocka_unit_test(anything_can_be_added),
        cmocka_unit_test(session_ids_are_sent_as_they_are),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
        cmocka_unit_test(one_identity_of_many_is_found),
        cmocka_unit_test(a_long_identity_goes_over_several_records),
        cmocka_unit_test(wrong_lists_of_binders_are_refused),
        cmocka_unit_test(an_edit_may_come_before_the_binders_or_after),
        cmocka_unit_test(an_age_is_obfuscated_and_never_negative),
    };

    return cmocka_run_group_tests(tests, raw_kit_set_up, raw_kit_tear_down);
}
