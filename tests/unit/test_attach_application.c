/* What attach takes over of the application's own callbacks, and what it chains to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "attach_kit.h"

static int no_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                  EVP_MAC_CTX *mac, int seals)
{
    (void)ssl, (void)name, (void)iv, (void)cipher, (void)mac, (void)seals;
    return -1;
}

/* libssl would prefer its kind of callback to the other. */
static void takes_the_place_of_the_applications_ticket_keys(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_plain_server(kit);

    assert_int_equal(SSL_CTX_set_tlsext_ticket_key_evp_cb(server, no_key), 1);
    assert_int_equal(rp_attach(server, &options, NULL), RP_OK);
    kit_expect_new(kit, server, TLS1_2_VERSION, RP_VERDICT_ACCEPTED);
    SSL_CTX_free(server);
}

static int other_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seals)
{
    static const unsigned char key[32] = {1, 2, 3};
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    (void)ssl;
    if (seals != 0) {
        memset(name, 'n', 16);
        memset(iv, 'i', 16);
    }
    assert_int_equal(EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, iv, seals), 1);
    assert_int_equal(EVP_MAC_init(mac, key, sizeof key, params), 1);
    return 1;
}

/* It must not be set, but no session of a key that is none of ours resumes. */
static void no_ticket_of_a_callback_set_later_resumes(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    assert_int_equal(SSL_CTX_set_tlsext_ticket_key_evp_cb(server, other_key), 1);
    kit_expect_new(kit, server, TLS1_2_VERSION, RP_VERDICT_UNKNOWN_KEY);
    kit_expect_new(kit, server, TLS1_3_VERSION, RP_VERDICT_UNKNOWN_KEY);
    SSL_CTX_free(server);
}

static int count_hello(SSL *ssl, int *al, void *arg)
{
    (void)ssl;
    *al = SSL_AD_ACCESS_DENIED;
    return ++*(int *)arg > 1 ? SSL_CLIENT_HELLO_ERROR : SSL_CLIENT_HELLO_SUCCESS;
}

static void calls_the_applications_client_hello_first(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    const struct kit_offer offer = {.version = TLS1_2_VERSION};
    struct kit_outcome out;
    int n_calls = 0;
    SSL_CTX *server;

    options.client_hello = count_hello;
    options.client_hello_arg = &n_calls;
    server = kit_server(kit, &options);
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && out.info.issued);
    assert_int_equal(n_calls, 1);
    SSL_SESSION_free(out.session);
    kit_connect(kit, server, &offer, &out);
    assert_false(out.done);
    assert_int_equal(out.alert, SSL_AD_ACCESS_DENIED);
    SSL_CTX_free(server);
}

struct own_cache { /* an application's, of one session */
    SSL_SESSION *session;
    int n_new;
    int n_get;
};

static int own_new(SSL *ssl, SSL_SESSION *session)
{
    struct own_cache *own = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    own->n_new++;
    SSL_SESSION_free(own->session);
    own->session = session;
    return 1;
}

static SSL_SESSION *own_get(SSL *ssl, const unsigned char *id, int n, int *copy)
{
    struct own_cache *own = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void)id, (void)n;
    own->n_get++;
    *copy = 1;
    return own->session;
}

static SSL_CTX *server_with_own_cache(struct kit *kit, struct rp_cache *cache,
                                      struct own_cache *own)
{
    struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_plain_server(kit);

    options.cache = cache;
    assert_int_equal(SSL_CTX_set_app_data(server, own), 1);
    SSL_CTX_sess_set_new_cb(server, own_new);
    SSL_CTX_sess_set_get_cb(server, own_get);
    assert_int_equal(rp_attach(server, &options, NULL), RP_OK);
    return server;
}

static void chains_to_the_applications_cache(void **state)
{
    struct kit *kit = *state;
    struct own_cache own = {0};
    SSL_CTX *server = server_with_own_cache(kit, NULL, &own);
    SSL_SESSION *session = kit_full_by_id(kit, server);
    struct kit_offer offer = {.version = TLS1_2_VERSION,
                              .name = "other.shop.example",
                              .session = session,
                              .prepare = kit_no_tickets};
    struct kit_outcome out;

    assert_int_equal(own.n_new, 1);
    kit_expect(kit, server, session, RP_VERDICT_ACCEPTED);
    assert_int_equal(own.n_get, 1);
    kit_connect(kit, server, &offer, &out); /* judged like any other */
    assert_true(out.done && !out.resumed);
    assert_int_equal(out.info.verdict, RP_VERDICT_WRONG_SNI);
    SSL_SESSION_free(out.session);
    SSL_SESSION_free(own.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

/* A ticket would carry the old master secret under a newer key, with a life of its own. */
static void a_session_of_the_applications_cache_becomes_no_ticket(void **state)
{
    struct kit *kit = *state;
    struct own_cache own = {0};
    SSL_CTX *server = server_with_own_cache(kit, NULL, &own);
    SSL_SESSION *session = kit_full_by_id(kit, server);
    struct kit_offer offer = {.version = TLS1_2_VERSION, .name = KIT_NAME, .session = session};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out); /* with an empty ticket extension */
    assert_true(out.done && out.resumed && !out.info.issued);
    assert_int_equal(out.info.mechanism, RP_MECHANISM_SESSION_ID);
    assert_int_equal(out.n_sessions, 0);
    SSL_SESSION_free(out.session);
    offer.name = "other.shop.example"; /* not resumed: a session of its own, so a ticket */
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && !out.resumed && out.info.issued);
    assert_true(SSL_SESSION_has_ticket(out.session));
    SSL_SESSION_free(out.session);
    SSL_SESSION_free(own.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

static void does_not_chain_where_it_serves(void **state)
{
    struct kit *kit = *state;
    struct own_cache own = {0};
    SSL_CTX *server = server_with_own_cache(kit, kit->cache, &own);
    SSL_SESSION *session = kit_full_by_id(kit, server);

    kit_expect(kit, server, session, RP_VERDICT_ACCEPTED);
    assert_int_equal(own.n_new, 0);
    assert_int_equal(own.n_get, 0);
    SSL_SESSION_free(session);
    session = kit_full(kit, server, TLS1_3_VERSION);
    assert_int_equal(own.n_new, 2); /* one a ticket, as libssl would */
    SSL_SESSION_free(own.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_place_of_the_applications_ticket_keys),
        cmocka_unit_test(no_ticket_of_a_callback_set_later_resumes),
        cmocka_unit_test(calls_the_applications_client_hello_first),
        cmocka_unit_test(chains_to_the_applications_cache),
        cmocka_unit_test(a_session_of_the_applications_cache_becomes_no_ticket),
        cmocka_unit_test(does_not_chain_where_it_serves),
    };

    return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
