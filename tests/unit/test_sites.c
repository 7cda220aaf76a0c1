#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "authority.h"
#include "memory.h"
#include "names.h"
#include "serve_kit.h"
#include "sites_visit.h"
#include "text.h"

/* Names. */

static void names_match(void **state)
{
    static const char *const list[] = {
        "www.example.com", "*.example.com", "*.shop.example.com", NULL,
        "example.com",     "*.com",         "www.example.com"};
    static const struct {
        const char *name;
        size_t place;
    } cases[] = {
        {"www.example.com", 0},
        {"a.example.com", 1},
        {"shop.example.com", 1},
        {"a.shop.example.com", 2},
        {"a.b.shop.example.com", NAMES_NONE},
        {"b.a.example.com", NAMES_NONE},
        {"example.com", 4},
        {"other.com", 5},
        {"com", NAMES_NONE},
        {".com", NAMES_NONE},
        {".example.com", NAMES_NONE},
        {"*.example.com", 1},
        {"", NAMES_NONE},
        {".", NAMES_NONE},
        {"www.example.co", NAMES_NONE},
        {"www.example.comm", NAMES_NONE},
        {NULL, NAMES_NONE},
    };
    struct names *names;

    (void)state;
    assert_int_equal(names_new(list, sizeof list / sizeof list[0], &names), RP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(names_find(names, cases[i].name), cases[i].place);
    }
    names_free(&names);
    names_free(&names);
}

static void many_names_match(void **state)
{
    static char text[1024][24];
    const char *list[1024];
    struct names *names;

    (void)state;
    for (size_t i = 0; i < 1024; i++) {
        struct text t = text_of(text[i], sizeof text[i]);

        text_addf(&t, i % 2 == 0 ? "site%zu.example" : "*.s%zu.example", i);
        list[i] = text[i];
    }
    assert_int_equal(names_new(list, 1024, &names), RP_OK);
    for (size_t i = 0; i < 1024; i++) {
        char name[24];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, i % 2 == 0 ? "site%zu.example" : "x.s%zu.example", i);
        assert_int_equal(names_find(names, name), i);
    }
    assert_int_equal(names_find(names, "site1.example"), NAMES_NONE);
    names_free(&names);
}

static void names_survive_want_of_memory(void **state)
{
    static const char *const list[] = {"a", "b", "*.c"};
    struct names *names;
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status != RP_OK) {
        memory_fail_after(n++);
        status = names_new(list, 3, &names);
        assert_true(status == RP_OK ? names != NULL : names == NULL);
    }
    memory_fail_after(-1);
    assert_true(n > 4);
    names_free(&names);
}

static void authorities_are_read(void **state)
{
    static const struct {
        const char *value;
        const char *host; /* NULL: refused */
    } cases[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.Com:443", "example.com"},
        {"example.com.", "example.com"},
        {"example.com.:8443", "example.com"},
        {"example.com:", "example.com"},
        {"127.0.0.1:1", "127.0.0.1"},
        {"[::1]", "[::1]"},
        {"[FE80::1]:65535", "[fe80::1]"},
        {"a_b-c.example", "a_b-c.example"},
        {"", NULL},
        {".", NULL},
        {":443", NULL},
        {"example.com:123456", NULL},
        {"example.com:4x", NULL},
        {"example.com:4:4", NULL},
        {"user@example.com", NULL},
        {"example.com/", NULL},
        {"example.com, other.com", NULL},
        {"example.com other.com", NULL},
        {" example.com", NULL},
        {"exam\tple.com", NULL},
        {"ex\xc3\xa4mple.com", NULL},
        {"[::1", NULL},
        {"[]", NULL},
        {"[::1]x", NULL},
        {"[example.com]", NULL},
        {"a?b", NULL},
        {"a#b", NULL},
    };
    char host[AUTHORITY_HOST_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(authority_host(cases[i].value, host), cases[i].host != NULL);
        if (cases[i].host != NULL) {
            assert_string_equal(host, cases[i].host);
        }
    }
}

static void long_authorities_are_refused(void **state)
{
    char value[AUTHORITY_HOST_MAX + 2];
    char host[AUTHORITY_HOST_MAX + 1];

    (void)state;
    memset(value, 'a', sizeof value);
    value[AUTHORITY_HOST_MAX] = '\0';
    assert_true(authority_host(value, host));
    value[AUTHORITY_HOST_MAX] = 'a';
    value[AUTHORITY_HOST_MAX + 1] = '\0';
    assert_false(authority_host(value, host));
}

/* Sites. */

#define TWO_SITES                                                                                  \
    "listen:\n"                                                                                    \
    "  - address: 127.0.0.1:0\n"                                                                   \
    "    sites:\n"                                                                                 \
    "      - name: a.example\n"                                                                    \
    "        certificate: [ec.pem, rsa.pem]\n"                                                     \
    "        key: [ec.key, rsa.key]\n"                                                             \
    "      - name: \"*.b.example\"\n"                                                              \
    "        certificate: rsa.pem\n"                                                               \
    "        key: rsa.key\n"
#define STRICT "    strict_sni: on\n"

static int kit_setup(void **state)
{
    static struct serve_kit kit;

    serve_kit_init(&kit);
    serve_kit_add_rsa(&kit);
    *state = &kit;
    return 0;
}

static int kit_teardown(void **state)
{
    serve_kit_fini(*state);
    return 0;
}

/* One handshake in memory; what the client saw. */
struct seen {
    bool done;
    int key_type; /* of the server's certificate */
    int alert;    /* reason in the client's error queue; 0: none */
    char alpn[16];
};

struct asked {
    const char *sni;
    const char *ciphers; /* TLS 1.2 then; NULL: TLS 1.3 */
    const char *alpn;    /* in wire format */
    size_t alpn_len;
};

static SSL *client_new(SSL_CTX *ctx, const struct asked *asked)
{
    SSL *ssl = SSL_new(ctx);

    assert_non_null(ssl);
    if (asked->ciphers != NULL) {
        assert_int_equal(SSL_set_max_proto_version(ssl, TLS1_2_VERSION), 1);
        assert_int_equal(SSL_set_cipher_list(ssl, asked->ciphers), 1);
    }
    if (asked->sni != NULL) {
        assert_int_equal(SSL_set_tlsext_host_name(ssl, asked->sni), 1);
    }
    if (asked->alpn != NULL) {
        assert_int_equal(
            SSL_set_alpn_protos(ssl, (const unsigned char *)asked->alpn, (unsigned)asked->alpn_len),
            0);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

static void look(SSL *client, struct seen *out)
{
    const unsigned char *alpn;
    unsigned alpn_len;
    struct text t = text_of(out->alpn, sizeof out->alpn);

    SSL_get0_alpn_selected(client, &alpn, &alpn_len);
    text_add_n(&t, (const char *)alpn, alpn_len);
    out->key_type = EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(client)));
}

static void connect_to(const struct sites *sites, const struct asked *asked,
                       struct sites_visit *visit, struct seen *out)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *client = client_new(ctx, asked);
    SSL *server = SSL_new(sites_listener_ctx(sites, 0));
    BIO *ends[2];

    memset(out, 0, sizeof *out);
    assert_int_equal(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
    SSL_set_bio(client, ends[0], ends[0]);
    SSL_set_bio(server, ends[1], ends[1]);
    SSL_set_accept_state(server);
    assert_int_equal(SSL_set_app_data(server, visit), 1);
    for (unsigned i = 0; i < 10 && !out->done && out->alert == 0; i++) {
        bool client_done;

        ERR_clear_error();
        client_done = SSL_do_handshake(client) == 1;
        out->alert = ERR_GET_REASON(ERR_peek_last_error());
        ERR_clear_error();
        out->done = SSL_do_handshake(server) == 1 && client_done;
    }
    if (out->done) {
        look(client, out);
    }
    ERR_clear_error();
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(ctx);
}

static void certificate_is_chosen_by_name_and_cipher(void **state)
{
    struct serve_kit *kit = *state;
    const struct {
        struct asked asked;
        int key_type;
    } cases[] = {
        {{.sni = "a.example"}, EVP_PKEY_EC},
        {{.sni = "A.Example"}, EVP_PKEY_EC},
        {{.sni = "x.b.example"}, EVP_PKEY_RSA},
        {{.sni = "x.y.b.example"}, EVP_PKEY_EC}, /* nobody's, so the first */
        {{.sni = NULL}, EVP_PKEY_EC},
        {{.sni = "a.example", .ciphers = "aRSA"}, EVP_PKEY_RSA},
        {{.sni = "a.example", .ciphers = "aECDSA"}, EVP_PKEY_EC},
    };
    struct sites_visit visit;
    struct seen seen;

    assert_int_equal(serve_kit_configure(kit, TWO_SITES), RP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        connect_to(kit->sites, &cases[i].asked, &visit, &seen);
        assert_true(seen.done);
        assert_int_equal(seen.key_type, cases[i].key_type);
        assert_int_equal(visit.has_sni, cases[i].asked.sni != NULL);
    }
    connect_to(kit->sites, &cases[1].asked, &visit, &seen);
    assert_string_equal(visit.sni, "a.example");
    connect_to(kit->sites, &cases[1].asked, NULL, &seen); /* nobody wants to know */
    assert_true(seen.done);
}

static void strict_sni_refuses_other_names(void **state)
{
    struct serve_kit *kit = *state;
    const struct asked good = {.sni = "x.b.example"};
    const struct asked unknown = {.sni = "c.example"};
    const struct asked missing = {.sni = NULL};
    struct sites_visit visit;
    struct seen seen;

    assert_int_equal(serve_kit_configure(kit, TWO_SITES STRICT), RP_OK);
    connect_to(kit->sites, &good, &visit, &seen);
    assert_true(seen.done);
    assert_false(visit.refused);
    connect_to(kit->sites, &unknown, &visit, &seen);
    assert_true(visit.refused);
    assert_int_equal(seen.alert, SSL_R_TLSV1_UNRECOGNIZED_NAME);
    connect_to(kit->sites, &missing, &visit, &seen);
    assert_int_equal(seen.alert, SSL_R_TLSV1_UNRECOGNIZED_NAME);
}

static void page_speaks_http_only(void **state)
{
    struct serve_kit *kit = *state;
    const struct asked browser = {.alpn = "\x02h2\x08http/1.1", .alpn_len = 12};
    const struct asked other = {.alpn = "\x04imap", .alpn_len = 5};
    struct seen seen;

    assert_int_equal(serve_kit_configure(kit, TWO_SITES), RP_OK);
    connect_to(kit->sites, &browser, NULL, &seen);
    assert_true(seen.done);
    assert_string_equal(seen.alpn, "http/1.1");
    connect_to(kit->sites, &other, NULL, &seen);
    assert_int_equal(seen.alert, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    assert_int_equal(serve_kit_configure(kit, TWO_SITES "    backend: 127.0.0.1:80\n"), RP_OK);
    connect_to(kit->sites, &browser, NULL, &seen);
    assert_true(seen.done);
    assert_string_equal(seen.alpn, "");
}

static void hosts_stay_on_their_connections(void **state)
{
    struct serve_kit *kit = *state;
    static const struct {
        const char *sni;
        const char *host;
        bool allowed;
    } cases[] = {
        {"a.example", "a.example", true},
        {"a.example", "A.EXAMPLE:8443", true},
        {"a.example", "unknown.example", true},
        {"a.example", "127.0.0.1", true},
        {"a.example", "x.b.example", false},
        {"x.b.example", "a.example", false},
        {"x.b.example", "y.b.example", true},
        {"x.b.example", "unknown.example", true},
        {NULL, "a.example", true},
        {NULL, "x.b.example", false},
        {"unknown.example", "a.example", true},
        {"unknown.example", "x.b.example", false},
        {"a.example", "not a host", false},
    };

    assert_int_equal(serve_kit_configure(kit, TWO_SITES), RP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sites_host_allowed(kit->sites, 0, cases[i].sni, cases[i].host),
                         cases[i].allowed);
    }
}

#define ONE_SITE(certificate, key)                                                                 \
    "listen:\n"                                                                                    \
    "  - address: 127.0.0.1:0\n"                                                                   \
    "    sites:\n"                                                                                 \
    "      - name: a.example\n"                                                                    \
    "        certificate: " certificate "\n"                                                       \
    "        key: " key "\n"
#define GOOD_SITE ONE_SITE("ec.pem", "ec.key")

static void mistakes_are_named(void **state)
{
    struct serve_kit *kit = *state;
    char fifo[64];
    struct text t = text_of(fifo, sizeof fifo);
    static const struct {
        const char *yaml;
        const char *words[4];
    } cases[] = {
        {ONE_SITE("none.pem", "ec.key"), {"/conf:5:22: ", "none.pem", "No such file"}},
        {ONE_SITE("ec.pem", "none.key"), {"/conf:6:14: ", "none.key", "No such file"}},
        {ONE_SITE("empty.pem", "ec.key"), {"/conf:5:22: ", "empty.pem", "no certificate"}},
        {ONE_SITE("broken.pem", "ec.key"), {"/conf:5:22: ", "broken.pem", "malformed"}},
        {ONE_SITE("ec.pem", "empty.pem"), {"/conf:6:14: ", "empty.pem", "no private key"}},
        {ONE_SITE("ec.pem", "locked.key"), {"/conf:6:14: ", "locked.key", "passphrase"}},
        {ONE_SITE("ec.pem", "rsa.key"), {"/conf:6:14: ", "rsa.key", "not the key", "ec.pem"}},
        {ONE_SITE("fifo", "ec.key"), {"/conf:5:22: ", "fifo", "not a regular file"}},
        {ONE_SITE("ec.pem", "fifo"), {"/conf:6:14: ", "fifo", "not a regular file"}},
        {ONE_SITE("/", "ec.key"), {"/conf:5:22: ", "/: is not a regular file"}},
        {ONE_SITE("/dev/null", "ec.key"), {"/conf:5:22: ", "/dev/null", "not a regular file"}},
        {ONE_SITE("[ec.pem, ec.pem]", "[ec.key, ec.key]"), {"/conf:5:", "same kind"}},
        {GOOD_SITE "    ciphers: ECDHE-RSA-AES128-GCM-SHA256:NONSENSE\n",
         {"/conf:", "ciphers", "\"NONSENSE\""}},
        {GOOD_SITE "    ciphersuites: TLS_AES_128_GCM_SHA256:TLS_FOO\n",
         {"/conf:", "ciphersuites", "\"TLS_FOO\""}},
        {GOOD_SITE "    groups: X25519:P-257\n", {"/conf:", "groups", "\"P-257\""}},
    };

    text_addf(&t, "%s/fifo", kit->folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_not_equal(serve_kit_configure(kit, cases[i].yaml), RP_OK);
        assert_null(kit->sites);
        for (size_t j = 0; j < 4 && cases[i].words[j] != NULL; j++) {
            if (strstr(kit->err.text, cases[i].words[j]) == NULL) {
                print_error("\"%s\" is not in: %s\n", cases[i].words[j], kit->err.text);
                fail();
            }
        }
        assert_int_equal(ERR_peek_error(), 0);
    }
    assert_int_equal(unlink(fifo), 0);
}

static void ciphers_take_openssls_syntax(void **state)
{
    struct serve_kit *kit = *state;
    const struct asked old = {.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"};
    const struct asked other = {.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"};
    struct seen seen;

    assert_int_equal(serve_kit_configure(kit, GOOD_SITE "    ciphers: "
                                                        "'HIGH:!aNULL:!RC4:@STRENGTH'\n"
                                                        "    groups: X25519:P-256\n"
                                                        "    ciphersuites: "
                                                        "TLS_CHACHA20_POLY1305_SHA256\n"),
                     RP_OK);
    assert_int_equal(serve_kit_configure(kit, GOOD_SITE "    ciphers: "
                                                        "ECDHE-ECDSA-AES256-GCM-SHA384\n"),
                     RP_OK);
    connect_to(kit->sites, &old, NULL, &seen);
    assert_true(seen.done);
    connect_to(kit->sites, &other, NULL, &seen);
    assert_false(seen.done);
}

static void sites_survive_want_of_memory(void **state)
{
    struct serve_kit *kit = *state;
    enum rp_status status = RP_NO_MEMORY;
    struct sites *sites;
    long n = 0;

    assert_int_equal(serve_kit_configure(kit, TWO_SITES), RP_OK);
    while (status != RP_OK) {
        memory_fail_after(n++);
        status = sites_new(kit->config, kit->keyring, kit->cache, &sites, &kit->err);
        assert_true(status == RP_OK ? sites != NULL : sites == NULL);
        assert_true(status == RP_OK || kit->err.text[0] != '\0');
    }
    memory_fail_after(-1);
    assert_true(n > 6);
    sites_free(&sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match),
        cmocka_unit_test(many_names_match),
        cmocka_unit_test(names_survive_want_of_memory),
        cmocka_unit_test(authorities_are_read),
        cmocka_unit_test(long_authorities_are_refused),
        cmocka_unit_test(certificate_is_chosen_by_name_and_cipher),
        cmocka_unit_test(strict_sni_refuses_other_names),
        cmocka_unit_test(page_speaks_http_only),
        cmocka_unit_test(hosts_stay_on_their_connections),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(ciphers_take_openssls_syntax),
        cmocka_unit_test(sites_survive_want_of_memory),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
