/* Who serves a name, and that a connection is then wholly theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/tls1.h>

#include "attach_kit.h"
#include "hello_edit.h"
#include "text.h"

#define OTHER_NAME "www.bank.example"
#define REFUSED "refused.example"
#define UNATTACHED "unattached.example"

struct sites {
    struct kit kit;
    SSL_CTX *listener; /* KIT_NAME and whoever sends no name */
    SSL_CTX *other;
    SSL_CTX *plain;
    int n_calls;
    char name[256]; /* last asked for */
};

static SSL_CTX *choose(SSL *ssl, const char *name, void *cookie)
{
    struct sites *s = cookie;
    struct text t = text_of(s->name, sizeof s->name);

    (void)ssl;
    s->n_calls++;
    text_add(&t, name != NULL ? name : "(none)");
    if (name == NULL || strcmp(name, KIT_NAME) == 0) {
        return s->listener;
    }
    if (strcmp(name, OTHER_NAME) == 0) {
        return s->other;
    }
    return strcmp(name, UNATTACHED) == 0 ? s->plain : NULL;
}

static void attach_others(struct sites *s, struct rp_attach_options other)
{
    struct rp_attach_options options = kit_options(&s->kit);

    options.select = choose;
    options.select_cookie = s;
    s->listener = kit_server(&s->kit, &options);
    s->other = kit_server(&s->kit, &other);
    s->plain = kit_plain_server(&s->kit);
}

static struct sites *sites_new(void)
{
    struct sites *s = calloc(1, sizeof *s);

    assert_non_null(s);
    kit_init(&s->kit, NULL);
    return s;
}

static int setup(void **state)
{
    struct sites *s = sites_new();
    struct rp_attach_options other = kit_options(&s->kit);

    other.domain = KIT_OTHER_DOMAIN;
    attach_others(s, other);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct sites *s = *state;

    SSL_CTX_free(s->listener);
    SSL_CTX_free(s->other);
    SSL_CTX_free(s->plain);
    kit_fini(&s->kit);
    free(s);
    return 0;
}

static void connect_as(struct sites *s, int version, const char *name, SSL_SESSION *session,
                       struct kit_outcome *out)
{
    const struct kit_offer offer = {.version = version, .name = name, .session = session};

    kit_connect(&s->kit, s->listener, &offer, out);
}

static void each_site_resumes_its_own(void **state)
{
    static const char *const names[] = {KIT_NAME, OTHER_NAME, NULL};
    struct sites *s = *state;

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct kit_outcome full;
            struct kit_outcome again;

            connect_as(s, version, names[i], NULL, &full);
            assert_true(full.done && full.info.issued);
            assert_string_equal(s->name, names[i] != NULL ? names[i] : "(none)");
            connect_as(s, version, names[i], full.session, &again);
            assert_true(again.resumed);
            SSL_SESSION_free(full.session);
            SSL_SESSION_free(again.session);
        }
    }
}

static void no_site_resumes_another(void **state)
{
    struct sites *s = *state;

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct kit_outcome full;
        struct kit_outcome again;

        connect_as(s, version, KIT_NAME, NULL, &full);
        assert_int_equal(SSL_SESSION_set1_hostname(full.session, OTHER_NAME), 1);
        connect_as(s, version, OTHER_NAME, full.session, &again);
        assert_true(again.done && !again.resumed && again.info.issued);
        assert_string_equal(rp_verdict_text(again.info.verdict), "wrong-domain");
        SSL_SESSION_free(full.session);
        SSL_SESSION_free(again.session);
    }
}

static void names_come_in_lower_case(void **state)
{
    struct sites *s = *state;
    struct kit_outcome out;

    connect_as(s, TLS1_3_VERSION, "WWW.Bank.EXAMPLE", NULL, &out);
    assert_true(out.done);
    assert_string_equal(s->name, OTHER_NAME);
    SSL_SESSION_free(out.session);
}

static void a_refused_name_gets_its_alert(void **state)
{
    struct sites *s = *state;

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct kit_outcome out;

        connect_as(s, version, REFUSED, NULL, &out);
        assert_false(out.done);
        assert_int_equal(out.alert, SSL_AD_UNRECOGNIZED_NAME);
    }
}

static void a_context_that_is_not_attached_serves_nobody(void **state)
{
    struct sites *s = *state;
    struct kit_outcome out;

    connect_as(s, TLS1_3_VERSION, UNATTACHED, NULL, &out);
    assert_false(out.done);
    assert_int_equal(out.alert, SSL_AD_INTERNAL_ERROR);
}

/* libssl has the last word on it. */
static void a_malformed_name_counts_as_none(void **state)
{
    struct sites *s = *state;
    const struct kit_offer offer = {.version = TLS1_3_VERSION, .name = KIT_NAME};
    struct hello_edit *h = malloc(sizeof *h);
    struct rp_ssl_info info;
    size_t n = 0;
    uint8_t *body;

    assert_non_null(h);
    hello_edit_make(&s->kit, &offer, h);
    body = hello_edit_find(h, TLSEXT_TYPE_server_name, &n);
    assert_non_null(body);
    body[n - 1] = '\0';
    assert_false(hello_edit_offer(s->listener, h, &info));
    assert_string_equal(s->name, "(none)");
    free(h);
}

static void ask_for_another_group(SSL *client, SSL *server, void *arg)
{
    (void)arg;
    assert_int_equal(SSL_set1_groups_list(client, "P-256:X25519"), 1);
    assert_int_equal(SSL_set1_groups_list(server, "X25519"), 1);
}

/* The second ClientHello comes to the chosen SSL_CTX, which has no select of its own. */
static void a_hello_retry_request_asks_again(void **state)
{
    struct sites *s = *state;
    struct kit_offer offer = {
        .version = TLS1_3_VERSION, .name = OTHER_NAME, .prepare = ask_for_another_group};
    struct kit_outcome full;
    struct kit_outcome again;

    s->n_calls = 0;
    kit_connect(&s->kit, s->listener, &offer, &full);
    assert_true(full.done && full.info.issued);
    assert_int_equal(s->n_calls, 2);
    offer.session = full.session;
    kit_connect(&s->kit, s->listener, &offer, &again);
    assert_true(again.resumed);
    offer.prepare = NULL;
    SSL_SESSION_free(again.session);
    kit_connect(&s->kit, s->other, &offer, &again); /* as on another host */
    assert_true(again.resumed);
    SSL_SESSION_free(full.session);
    SSL_SESSION_free(again.session);
}

static void a_site_brings_its_own_settings(void **state)
{
    struct sites *s = sites_new();
    struct rp_attach_options other = kit_options(&s->kit);
    struct kit_outcome out;

    (void)state;
    other.num_tickets = 5;
    attach_others(s, other);
    connect_as(s, TLS1_3_VERSION, KIT_NAME, NULL, &out);
    assert_int_equal(out.n_sessions, 2);
    SSL_SESSION_free(out.session);
    connect_as(s, TLS1_3_VERSION, OTHER_NAME, NULL, &out);
    assert_int_equal(out.n_sessions, 5);
    SSL_SESSION_free(out.session);

    assert_int_equal(SSL_CTX_set_max_proto_version(s->other, TLS1_2_VERSION), 1);
    connect_as(s, TLS1_3_VERSION, OTHER_NAME, NULL, &out);
    assert_int_equal(out.alert, SSL_AD_PROTOCOL_VERSION);
    connect_as(s, TLS1_2_VERSION, OTHER_NAME, NULL, &out);
    assert_true(out.done);
    SSL_SESSION_free(out.session);

    SSL_CTX_set_verify(s->other, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    connect_as(s, TLS1_2_VERSION, OTHER_NAME, NULL, &out);
    assert_false(out.done);
    assert_int_equal(out.alert, SSL_AD_HANDSHAKE_FAILURE);
    connect_as(s, TLS1_2_VERSION, KIT_NAME, NULL, &out);
    assert_true(out.done);
    SSL_SESSION_free(out.session);
    (void)teardown((void **)&s);
}

static void a_site_without_tickets_gives_none(void **state)
{
    struct sites *s = sites_new();
    struct rp_attach_options other = kit_options(&s->kit);
    struct kit_outcome out;

    (void)state;
    other.no_tickets = true;
    attach_others(s, other);
    connect_as(s, TLS1_3_VERSION, OTHER_NAME, NULL, &out);
    assert_true(out.done && !out.info.issued);
    assert_int_equal(out.n_sessions, 0);
    connect_as(s, TLS1_2_VERSION, OTHER_NAME, NULL, &out);
    assert_true(out.done && out.info.issued);
    assert_false(SSL_SESSION_has_ticket(out.session));
    SSL_SESSION_free(out.session);
    connect_as(s, TLS1_2_VERSION, KIT_NAME, NULL, &out);
    assert_true(SSL_SESSION_has_ticket(out.session));
    SSL_SESSION_free(out.session);
    (void)teardown((void **)&s);
}

static int switch_too_late(SSL *ssl, int *al, void *arg)
{
    (void)al;
    (void)SSL_set_SSL_CTX(ssl, arg);
    return SSL_TLSEXT_ERR_OK;
}

/* The session would be sealed for one site and be resumed at another. */
static void a_switch_after_the_choice_issues_nothing(void **state)
{
    struct sites *s = *state;

    (void)SSL_CTX_set_tlsext_servername_callback(s->listener, switch_too_late);
    (void)SSL_CTX_set_tlsext_servername_arg(s->listener, s->other);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct kit_outcome out;

        connect_as(s, version, KIT_NAME, NULL, &out);
        assert_true(out.done && !out.info.issued);
        assert_int_equal(out.n_sessions, 0);
    }
    (void)SSL_CTX_set_tlsext_servername_callback(s->listener, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_site_resumes_its_own),
        cmocka_unit_test(no_site_resumes_another),
        cmocka_unit_test(names_come_in_lower_case),
        cmocka_unit_test(a_refused_name_gets_its_alert),
        cmocka_unit_test(a_context_that_is_not_attached_serves_nobody),
        cmocka_unit_test(a_malformed_name_counts_as_none),
        cmocka_unit_test(a_hello_retry_request_asks_again),
        cmocka_unit_test(a_site_brings_its_own_settings),
        cmocka_unit_test(a_site_without_tickets_gives_none),
        cmocka_unit_test(a_switch_after_the_choice_issues_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
