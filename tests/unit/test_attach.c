/* What an attached SSL_CTX does when all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attach_kit.h"
#include "memory.h"

static enum rp_verdict good(enum rp_mechanism mechanism)
{
    return mechanism == RP_MECHANISM_PSK ? RP_VERDICT_RENEWED : RP_VERDICT_ACCEPTED;
}

static void resumes_by_each_mechanism(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, server, m);

        kit_expect(kit, server, session, good(m));
        kit_expect(kit, server, session, good(m));
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void resumes_at_another_attached_context(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *here = kit_server(kit, &options);
    SSL_CTX *there = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, here, m);

        kit_expect(kit, there, session, good(m));
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(here);
    SSL_CTX_free(there);
}

static void tells_what_became_of_it(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        struct kit_offer offer = {
            .version = m == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
            .name = KIT_NAME,
            .prepare = m == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
        };
        struct kit_outcome first;
        struct kit_outcome second;

        kit_connect(kit, server, &offer, &first);
        assert_true(first.done && first.info.issued);
        assert_int_equal(first.info.age_ms, 0);
        assert_int_equal(first.info.sealed_ms, -1);
        assert_false(first.info.has_key);
        assert_string_equal(rp_verdict_text(first.info.verdict), "none");

        kit_wait(kit, 2500);
        offer.session = first.session;
        kit_connect(kit, server, &offer, &second);
        assert_true(second.resumed);
        assert_int_equal(second.info.mechanism, m);
        assert_true(second.info.has_key);
        assert_memory_equal(second.info.key_name, first.info.issued_name, 16);
        assert_int_equal(second.info.sealed_ms, 2500);
        assert_int_equal(second.info.age_ms, 2500);
        assert_int_equal(second.info.issued, m == RP_MECHANISM_PSK);
        SSL_SESSION_free(first.session);
        SSL_SESSION_free(second.session);
    }
    SSL_CTX_free(server);
}

static void an_unattached_connection_tells_nothing(void **state)
{
    struct kit *kit = *state;
    SSL_CTX *server = kit_plain_server(kit);
    const struct kit_offer offer = {.version = TLS1_3_VERSION};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_true(out.done);
    assert_int_equal(out.info.mechanism, RP_MECHANISM_NONE);
    assert_int_equal(out.info.verdict, RP_VERDICT_NONE);
    assert_int_equal(out.info.age_ms, -1);
    SSL_SESSION_free(out.session);
    SSL_CTX_free(server);
}

/* Sealed once: the client that resumed has nothing newer than before. */
static void a_tls12_session_is_never_renewed(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    SSL_SESSION *by_ticket = kit_full(kit, server, TLS1_2_VERSION);
    SSL_SESSION *by_id = kit_full_by_id(kit, server);
    struct kit_offer offer = {.version = TLS1_2_VERSION, .name = KIT_NAME};
    struct kit_outcome out;

    offer.session = by_ticket;
    kit_connect(kit, server, &offer, &out);
    assert_true(out.resumed && !out.info.issued);
    assert_int_equal(out.n_sessions, 0);

    /* By ID, from a client that would take a ticket: no ticket, else it were sealed twice. */
    offer.session = by_id;
    kit_connect(kit, server, &offer, &out);
    assert_true(out.resumed && !out.info.issued);
    assert_int_equal(out.info.mechanism, RP_MECHANISM_SESSION_ID);
    assert_int_equal(out.n_sessions, 0);
    SSL_SESSION_free(by_ticket);
    SSL_SESSION_free(by_id);
    SSL_CTX_free(server);
}

static void counts_tickets(void **state)
{
    static const struct {
        unsigned num_tickets;
        unsigned max_tickets;
        int asked_full; /* -1: no request */
        int asked_resumed;
        unsigned full;
        unsigned resumed;
    } cases[] = {
        {0, 0, -1, 0, 2, 1},  {1, 0, -1, 0, 1, 1}, {5, 0, -1, 0, 5, 1},
        {0, 0, 4, 3, 4, 3},   {0, 0, 1, 1, 1, 1},  {0, 3, 9, 9, 3, 3},
        {2, 0, 255, 2, 8, 2}, {2, 0, 1, 0, 1, 0},  {2, 0, 3, 255, 3, 8},
    };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t asked[2] = {(uint8_t)cases[i].asked_full, (uint8_t)cases[i].asked_resumed};
        struct kit_offer offer = {.version = TLS1_3_VERSION,
                                  .asked = cases[i].asked_full < 0 ? NULL : asked};
        struct rp_attach_options options = kit_options(kit);
        struct kit_outcome full;
        struct kit_outcome again;
        SSL_CTX *server;

        options.num_tickets = cases[i].num_tickets;
        options.max_tickets = cases[i].max_tickets;
        server = kit_server(kit, &options);
        kit_connect(kit, server, &offer, &full);
        assert_true(full.done);
        assert_int_equal(full.n_sessions, cases[i].full);
        assert_int_equal(full.hint, offer.asked == NULL ? -1 : (int)cases[i].full);
        offer.session = full.session;
        kit_connect(kit, server, &offer, &again);
        assert_true(again.resumed);
        assert_int_equal(again.n_sessions, cases[i].resumed);
        assert_int_equal(again.hint, offer.asked == NULL ? -1 : (int)cases[i].resumed);
        SSL_SESSION_free(full.session);
        SSL_SESSION_free(again.session);
        SSL_CTX_free(server);
    }
}

/* The client's first share is of another group than the server's. */
static void ask_again(SSL *client, SSL *server, void *arg)
{
    (void)arg;
    assert_int_equal(SSL_set1_groups_list(client, "X25519:P-256"), 1);
    assert_int_equal(SSL_set1_groups_list(server, "P-256"), 1);
}

static void a_request_counts_after_a_hello_retry(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    const uint8_t asked[2] = {4, 3};
    struct kit_offer offer = {.version = TLS1_3_VERSION, .asked = asked, .prepare = ask_again};
    struct kit_outcome full;
    struct kit_outcome again;

    kit_connect(kit, server, &offer, &full);
    assert_true(full.done);
    assert_int_equal(full.n_sessions, 4);
    assert_int_equal(full.hint, 4);
    offer.session = full.session;
    kit_connect(kit, server, &offer, &again);
    assert_true(again.resumed);
    assert_int_equal(again.n_sessions, 3);
    assert_int_equal(again.hint, 3);
    SSL_SESSION_free(full.session);
    SSL_SESSION_free(again.session);
    SSL_CTX_free(server);
}

static void a_request_for_none_gets_none(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    const uint8_t asked[2] = {0, 0};
    const struct kit_offer offer = {.version = TLS1_3_VERSION, .asked = asked};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && !out.info.issued);
    assert_int_equal(out.n_sessions, 0);
    assert_int_equal(out.hint, 0);
    SSL_CTX_free(server);
}

static void without_tickets_only_the_id_resumes(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    struct kit_offer offer = {.version = TLS1_3_VERSION, .name = KIT_NAME};
    struct kit_outcome out;
    SSL_CTX *server;

    options.no_tickets = true;
    server = kit_server(kit, &options);
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && !out.info.issued);
    assert_int_equal(out.n_sessions, 0);

    offer.version = TLS1_2_VERSION; /* with a ticket extension */
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && out.info.issued);
    assert_false(SSL_SESSION_has_ticket(out.session));
    kit_expect(kit, server, out.session, RP_VERDICT_ACCEPTED);
    SSL_SESSION_free(out.session);
    SSL_CTX_free(server);
}

static void an_option_set_before_counts_as_no_tickets(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    const struct kit_offer offer = {.version = TLS1_3_VERSION};
    SSL_CTX *server = kit_plain_server(kit);
    struct kit_outcome out;

    (void)SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    assert_int_equal(rp_attach(server, &options, NULL), RP_OK);
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done);
    assert_int_equal(out.n_sessions, 0);
    SSL_CTX_free(server);
}

static void without_a_cache_no_id_is_given(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    const struct kit_offer offer = {.version = TLS1_2_VERSION, .prepare = kit_no_tickets};
    struct kit_outcome out;
    SSL_CTX *server;

    options.cache = NULL;
    server = kit_server(kit, &options);
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && !out.info.issued);
    assert_null(out.session);
    SSL_CTX_free(server);
}

static void refuses_bad_options(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options bad[9];
    SSL_CTX *server = kit_plain_server(kit);
    struct rp_error err;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bad[i] = kit_options(kit);
    }
    bad[0].keyring = NULL;
    bad[1].clock.boot_ms = NULL;
    bad[2].clock.wall_s = NULL;
    bad[3].domain = NULL;
    bad[4].policy_len = 1;
    bad[5].num_tickets = 256;
    bad[6].session_timeout_ms = INT64_C(7) * 24 * 3600 * 1000 + 1;
    bad[7].session_timeout_ms = 999;
    bad[8].max_age_ms = -1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err.text[0] = '\0';
        assert_int_equal(rp_attach(server, &bad[i], &err), RP_INVALID);
        assert_string_not_equal(err.text, "");
        assert_int_equal(rp_attach(server, &bad[i], NULL), RP_INVALID);
    }
    bad[0] = kit_options(kit);
    bad[0].domain = "nobody";
    assert_int_equal(rp_attach(server, &bad[0], &err), RP_NOT_FOUND);
    assert_non_null(strstr(err.text, "nobody"));
    bad[0] = kit_options(kit);
    assert_int_equal(rp_attach(NULL, &bad[0], &err), RP_INVALID);
    assert_int_equal(rp_attach(server, NULL, &err), RP_INVALID);
    assert_int_equal(rp_attach(server, &bad[0], &err), RP_OK); /* it was left unchanged */
    SSL_CTX_free(server);
}

static void attaches_once(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    struct rp_error err;

    assert_int_equal(rp_attach(server, &options, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "already"));
    kit_expect_new(kit, server, TLS1_3_VERSION, RP_VERDICT_RENEWED);
    SSL_CTX_free(server);
}

static void attach_survives_any_failed_allocation(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_plain_server(kit);
    enum rp_status status = RP_NO_MEMORY;
    SSL_SESSION *session;
    long n = 0;

    for (; status != RP_OK; n++) {
        memory_fail_after(n);
        status = rp_attach(server, &options, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
    }
    assert_true(n > 1);
    session = kit_full(kit, server, TLS1_3_VERSION);
    kit_expect(kit, server, session, RP_VERDICT_RENEWED);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

/* Out of memory costs a full handshake, not the connection. */
static void a_handshake_survives_any_failed_allocation(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, server, m);
        const struct kit_offer offer = {
            .version = SSL_SESSION_get_protocol_version(session),
            .name = KIT_NAME,
            .session = session,
            .prepare = m == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
        };
        bool resumed = false;

        for (long n = 0; !resumed; n++) {
            struct kit_outcome out;

            memory_fail_after(n);
            kit_connect(kit, server, &offer, &out);
            memory_fail_after(-1);
            assert_true(out.done);
            resumed = out.resumed;
            assert_true(n < 20);
            SSL_SESSION_free(out.session);
        }
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_by_each_mechanism),
        cmocka_unit_test(resumes_at_another_attached_context),
        cmocka_unit_test(tells_what_became_of_it),
        cmocka_unit_test(an_unattached_connection_tells_nothing),
        cmocka_unit_test(a_tls12_session_is_never_renewed),
        cmocka_unit_test(counts_tickets),
        cmocka_unit_test(a_request_counts_after_a_hello_retry),
        cmocka_unit_test(a_request_for_none_gets_none),
        cmocka_unit_test(without_tickets_only_the_id_resumes),
        cmocka_unit_test(an_option_set_before_counts_as_no_tickets),
        cmocka_unit_test(without_a_cache_no_id_is_given),
        cmocka_unit_test(refuses_bad_options),
        cmocka_unit_test(attaches_once),
        cmocka_unit_test(attach_survives_any_failed_allocation),
        cmocka_unit_test(a_handshake_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
