/* How long sessions live, as advertised and as kept, and what a client can make us look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/rand.h>

#include "attach_kit.h"
#include "hello_edit.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)

static enum rp_verdict good(enum rp_mechanism mechanism)
{
    return mechanism == RP_MECHANISM_PSK ? RP_VERDICT_RENEWED : RP_VERDICT_ACCEPTED;
}

static void expires_to_the_second(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server;

    options.session_timeout_ms = 10 * SECOND;
    server = kit_server(kit, &options);
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, server, m);

        if (SSL_SESSION_has_ticket(session)) {
            assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 10);
        }
        kit_wait(kit, 10 * SECOND);
        kit_expect(kit, server, session, good(m));
        kit_wait(kit, 1);
        kit_expect(kit, server, session, RP_VERDICT_EXPIRED);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

/* libssl compares times with its own clock; what ours says of the wall does not matter to it. */
static void a_wall_clock_that_is_off_does_not_matter(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session;

        kit->wall_offset_s = 365 * 24 * 3600;
        session = kit_full_for(kit, server, m);
        kit->wall_offset_s = 0;
        kit_expect(kit, server, session, good(m));
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static SSL_SESSION *next_of_chain(struct kit *kit, SSL_CTX *server, SSL_SESSION *session,
                                  struct kit_outcome *out)
{
    const struct kit_offer offer = {
        .version = TLS1_3_VERSION, .name = KIT_NAME, .session = session};

    kit_connect(kit, server, &offer, out);
    assert_true(out->done);
    SSL_SESSION_free(session);
    return out->session;
}

/* Sy et al., 2018: each resumption renews the ticket, but not for ever. */
static void a_chain_ends_at_max_age(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    struct kit_outcome out;
    SSL_SESSION *session;
    SSL_CTX *server;

    options.session_timeout_ms = 20 * SECOND;
    options.max_age_ms = 30 * SECOND;
    server = kit_server(kit, &options);
    session = kit_full(kit, server, TLS1_3_VERSION);
    for (int age_s = 10; age_s < 30; age_s += 10) {
        kit_wait(kit, 10 * SECOND);
        session = next_of_chain(kit, server, session, &out);
        assert_string_equal(rp_verdict_text(out.info.verdict), "accepted-renew");
        assert_int_equal(out.info.age_ms, age_s * SECOND);
        assert_int_equal(out.info.sealed_ms, 10 * SECOND);
        assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session),
                         30 - age_s < 20 ? 30 - age_s : 20);
    }
    kit_wait(kit, 10 * SECOND);
    kit_expect(kit, server, session, RP_VERDICT_ACCEPTED); /* the last: nothing is left to give */
    kit_wait(kit, 1);
    session = next_of_chain(kit, server, session, &out);
    assert_false(out.resumed);
    assert_string_equal(rp_verdict_text(out.info.verdict), "expired");
    assert_int_equal(out.info.age_ms, 0);
    kit_wait(kit, 10 * SECOND);
    kit_expect(kit, server, session, RP_VERDICT_RENEWED); /* a new chain */
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

struct limited { /* a server on a keyring of its own */
    struct kit kit;
    SSL_CTX *server;
};

static void limited_init(struct limited *l, int64_t rotate_ms, int64_t accept_ms)
{
    const struct rp_keyring_options keyring = {.rotate_ms = rotate_ms, .accept_ms = accept_ms};

    kit_init(&l->kit, &keyring);
    l->server = NULL;
}

static void limited_attach(struct limited *l)
{
    const struct rp_attach_options options = kit_options(&l->kit);

    l->server = kit_server(&l->kit, &options);
}

static void limited_fini(struct limited *l)
{
    SSL_CTX_free(l->server);
    kit_fini(&l->kit);
}

static void a_hint_is_clipped_to_what_the_ring_opens(void **state)
{
    struct limited l;

    limited_init(&l, HOUR, HOUR);
    (void)state;
    limited_attach(&l);
    for (enum rp_mechanism m = RP_MECHANISM_TICKET; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(&l.kit, l.server, m);
        const unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);

        /* The rest of this epoch and an hour; the key does not open in its last instant. */
        assert_int_equal(hint, m == RP_MECHANISM_TICKET ? 7199 : 5399);
        SSL_SESSION_free(session);
        kit_wait(&l.kit, HOUR / 2);
    }
    limited_fini(&l);
}

static void a_hint_is_at_most_seven_days(void **state)
{
    struct limited l;
    struct rp_attach_options options;
    SSL_SESSION *session;

    limited_init(&l, 24 * HOUR, 24 * 30 * HOUR);
    options = kit_options(&l.kit);
    (void)state;
    options.session_timeout_ms = 7 * 24 * HOUR;
    options.max_age_ms = 30 * 24 * HOUR;
    l.server = kit_server(&l.kit, &options);
    session = kit_full(&l.kit, l.server, TLS1_3_VERSION);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 604800);
    SSL_SESSION_free(session);
    limited_fini(&l);
}

/* Through every epoch of the window, up to the last second promised, and not beyond the root. */
static void a_session_lives_while_its_root_opens(void **state)
{
    (void)state;
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        struct limited l;
        SSL_SESSION *session;

        limited_init(&l, 10 * SECOND, 30 * SECOND);
        limited_attach(&l);
        session = kit_full_for(&l.kit, l.server, m);
        for (int at_s = 0; at_s < 39; at_s++) {
            if (SSL_SESSION_has_ticket(session)) {
                assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 39);
            }
            kit_expect(&l.kit, l.server, session, good(m));
            kit_wait(&l.kit, SECOND);
        }
        kit_expect(&l.kit, l.server, session, good(m)); /* at 39 s */
        kit_wait(&l.kit, SECOND);
        kit_expect(&l.kit, l.server, session, RP_VERDICT_UNKNOWN_KEY);
        SSL_SESSION_free(session);
        limited_fini(&l);
    }
}

/* The keeper is down: the key is still there, but must not open any more. */
static void a_window_left_behind_opens_and_seals_nothing(void **state)
{
    (void)state;
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        struct limited l;
        struct kit_offer offer = {
            .version = m == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
            .name = KIT_NAME,
            .prepare = m == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
        };
        struct kit_outcome out;
        SSL_SESSION *session;

        limited_init(&l, 10 * SECOND, 30 * SECOND);
        limited_attach(&l);
        session = kit_full_for(&l.kit, l.server, m);
        l.kit.now_ms += 41 * SECOND;
        offer.session = session;
        kit_connect(&l.kit, l.server, &offer, &out);
        assert_true(out.done && !out.resumed && !out.info.issued);
        assert_string_equal(rp_verdict_text(out.info.verdict), "expired");
        assert_int_equal(out.n_sessions, 0);
        SSL_SESSION_free(session);
        limited_fini(&l);
    }
}

static void make_key_file(char *path, size_t len)
{
    uint8_t bytes[80];
    const int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(RAND_bytes(bytes, sizeof bytes), 1);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(close(fd), 0);
}

static void load(struct kit *kit, const char *first, const char *second)
{
    const char *const paths[] = {first, second};
    struct rp_error err = {{0}};

    if (rp_keyring_load_files(kit->keyring, paths, second != NULL ? 2 : 1, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
}

static void static_keys_of_both_lengths_serve(void **state)
{
    (void)state;
    for (size_t len = 48; len <= 80; len += 32) {
        char first[] = "/tmp/reprise-key-XXXXXX";
        char second[] = "/tmp/reprise-key-XXXXXX";
        struct limited l;

        limited_init(&l, 0, 0);
        make_key_file(first, len);
        make_key_file(second, len);
        load(&l.kit, first, NULL);
        limited_attach(&l);
        for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
            SSL_SESSION *session = kit_full_for(&l.kit, l.server, m);

            kit_expect(&l.kit, l.server, session, good(m));
            load(&l.kit, second, first);
            kit_expect(&l.kit, l.server, session, good(m));
            load(&l.kit, second, NULL);
            kit_expect(&l.kit, l.server, session, RP_VERDICT_UNKNOWN_KEY);
            load(&l.kit, first, NULL);
            SSL_SESSION_free(session);
        }
        limited_fini(&l);
        assert_int_equal(unlink(first), 0);
        assert_int_equal(unlink(second), 0);
    }
}

/* One key for all domains: the session itself tells them apart. */
static void static_keys_do_not_mix_domains(void **state)
{
    char path[] = "/tmp/reprise-key-XXXXXX";
    struct limited l;
    struct rp_attach_options options;
    SSL_CTX *other;

    limited_init(&l, 0, 0);
    (void)state;
    make_key_file(path, 80);
    load(&l.kit, path, NULL);
    limited_attach(&l);
    options = kit_options(&l.kit);
    options.domain = KIT_OTHER_DOMAIN;
    other = kit_server(&l.kit, &options);
    for (enum rp_mechanism m = RP_MECHANISM_TICKET; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(&l.kit, l.server, m);

        kit_expect(&l.kit, other, session, RP_VERDICT_WRONG_DOMAIN);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(other);
    limited_fini(&l);
    assert_int_equal(unlink(path), 0);
}

/* A server of plain libssl under the same key: OpenSSL's 80 bytes lie as nginx's do. */
static void a_ticket_of_another_server_is_foreign(void **state)
{
    char path[] = "/tmp/reprise-key-XXXXXX";
    struct limited l;
    SSL_CTX *plain;
    uint8_t key[80];
    FILE *file;

    limited_init(&l, 0, 0);
    (void)state;
    make_key_file(path, sizeof key);
    load(&l.kit, path, NULL);
    limited_attach(&l);
    plain = kit_plain_server(&l.kit);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(key, 1, sizeof key, file), sizeof key);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(SSL_CTX_set_tlsext_ticket_keys(plain, key, sizeof key), 1);
    for (enum rp_mechanism m = RP_MECHANISM_TICKET; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(&l.kit, plain, m);

        kit_expect(&l.kit, l.server, session, RP_VERDICT_FOREIGN);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(plain);
    limited_fini(&l);
    assert_int_equal(unlink(path), 0);
}

static struct rp_ssl_info offer_identities(struct kit *kit, SSL_CTX *server, SSL_SESSION *session,
                                           size_t n, size_t identity_len)
{
    const struct kit_offer offer = {
        .version = TLS1_3_VERSION, .name = KIT_NAME, .session = session};
    struct hello_edit *h = malloc(sizeof *h);
    uint8_t *identity = calloc(1, identity_len);
    const unsigned char *ticket = NULL;
    size_t ticket_len = 0;
    struct rp_ssl_info info;

    assert_true(h != NULL && identity != NULL);
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
    memcpy(identity, ticket, 16); /* a live key name, in front of junk */
    hello_edit_make(kit, &offer, h);
    hello_edit_psks(h, n, identity, identity_len);
    assert_true(hello_edit_offer(server, h, &info));
    assert_false(info.resumed);
    assert_int_equal(info.mechanism, RP_MECHANISM_PSK);
    free(identity);
    free(h);
    return info;
}

static void a_flood_of_identities_is_not_looked_at(void **state)
{
    static const struct {
        size_t n;
        size_t len;
        enum rp_verdict verdict;
    } cases[] = {
        {4, 200, RP_VERDICT_FORGED},     {5, 200, RP_VERDICT_TOO_MANY},
        {200, 200, RP_VERDICT_TOO_MANY}, {1, 20480, RP_VERDICT_FORGED},
        {1, 20481, RP_VERDICT_TOO_MANY}, {4, 5120, RP_VERDICT_FORGED},
        {4, 5121, RP_VERDICT_TOO_MANY},  {1, 40000, RP_VERDICT_TOO_MANY},
    };
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    SSL_SESSION *session = kit_full(kit, server, TLS1_3_VERSION);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rp_ssl_info info =
            offer_identities(kit, server, session, cases[i].n, cases[i].len);

        assert_string_equal(rp_verdict_text(info.verdict), rp_verdict_text(cases[i].verdict));
        /* The key was not even looked up, let alone used. */
        assert_int_equal(info.has_key, cases[i].verdict == RP_VERDICT_FORGED);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

static void ask_for_another_group(SSL *client, SSL *server, void *arg)
{
    (void)arg;
    assert_int_equal(SSL_set1_groups_list(client, "P-256:X25519"), 1);
    assert_int_equal(SSL_set1_groups_list(server, "X25519"), 1);
}

/* All callbacks run twice. */
static void a_hello_retry_request_does_not_matter(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    const uint8_t asked[2] = {3, 2};
    struct kit_offer offer = {.version = TLS1_3_VERSION,
                              .name = KIT_NAME,
                              .asked = asked,
                              .prepare = ask_for_another_group};
    struct kit_outcome full;
    struct kit_outcome again;

    kit_connect(kit, server, &offer, &full);
    assert_true(full.done && !full.resumed);
    assert_int_equal(full.n_sessions, 3);
    offer.session = full.session;
    kit_connect(kit, server, &offer, &again);
    assert_true(again.resumed);
    assert_int_equal(again.n_sessions, 2);
    assert_string_equal(rp_verdict_text(again.info.verdict), "accepted-renew");
    SSL_SESSION_free(full.session);
    SSL_SESSION_free(again.session);
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_to_the_second),
        cmocka_unit_test(a_wall_clock_that_is_off_does_not_matter),
        cmocka_unit_test(a_chain_ends_at_max_age),
        cmocka_unit_test(a_hint_is_clipped_to_what_the_ring_opens),
        cmocka_unit_test(a_hint_is_at_most_seven_days),
        cmocka_unit_test(a_session_lives_while_its_root_opens),
        cmocka_unit_test(a_window_left_behind_opens_and_seals_nothing),
        cmocka_unit_test(static_keys_of_both_lengths_serve),
        cmocka_unit_test(static_keys_do_not_mix_domains),
        cmocka_unit_test(a_ticket_of_another_server_is_foreign),
        cmocka_unit_test(a_flood_of_identities_is_not_looked_at),
        cmocka_unit_test(a_hello_retry_request_does_not_matter),
    };

    return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
