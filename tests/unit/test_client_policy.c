/* What sites demand of their clients' certificates, and what becomes of wrong files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "client_policy.h"
#include "config.h"
#include "domains.h"
#include "memory.h"
#include "serve_kit.h"
#include "text.h"

#define FILES TEST_DATA "/clients/"
#define CA FILES "ca.pem"
#define HASH "e49f817b5b658af09eecac48f604c8bc9cdee234544097787b1902a6eeab5c1c"
#define OTHER FILES "other.pem"
#define LISTEN                                                                                     \
    "listen:\n"                                                                                    \
    "  - address: 127.0.0.1:0\n"                                                                   \
    "    sites:\n"
#define SITE(name)                                                                                 \
    "      - name: " name "\n"                                                                     \
    "        certificate: " FILES "server.pem\n"                                                   \
    "        key: " FILES "server.key\n"
#define VERIFY "        client_verify: required\n        client_ca: "

static int setup(void **state)
{
    static struct serve_kit kit;

    serve_kit_init(&kit);
    *state = &kit;
    return 0;
}

static int teardown(void **state)
{
    serve_kit_fini(*state);
    return 0;
}

/* The policy. */

static void policy_of(const char *directives, char out[static CLIENT_POLICY_SIZE])
{
    char yaml[2048];
    struct text t = text_of(yaml, sizeof yaml);
    struct warnings warnings = {NULL, 0};
    struct source source = {.warnings = &warnings};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct config *config;
    struct rp_error err;

    text_addf(&t, LISTEN SITE("a") "%s", directives);
    assert_int_equal(config_parse("x.yaml", yaml, t.len, &config, &err), RP_OK);
    source.config = config;
    source.err = &err;
    assert_int_equal(client_policy_load(ctx, &config->listen[0].sites[0], &source, out), RP_OK);
    assert_int_equal(ERR_peek_error(), 0);
    warnings_fini(&warnings);
    config_free(&config);
    SSL_CTX_free(ctx);
}

static void expect_policy(const char *a, const char *b, bool equal)
{
    char left[CLIENT_POLICY_SIZE];
    char right[CLIENT_POLICY_SIZE];

    policy_of(a, left);
    policy_of(b, right);
    if ((strcmp(left, right) == 0) != equal) {
        fail_msg("%s and %s", left, right);
    }
}

/* Sessions depend on it, on every host: it may never change. */
static void the_policy_is_what_it_was(void **state)
{
    char text[CLIENT_POLICY_SIZE];

    (void)state;
    policy_of("", text);
    assert_string_equal(text, "client_verify=off");
    policy_of(VERIFY CA "\n", text);
    assert_string_equal(text, "client_verify=required client_verify_depth=1 client_ca=" HASH);
}

static void the_policy_is_of_names_and_keys(void **state)
{
    (void)state;
    expect_policy(VERIFY CA "\n", VERIFY FILES "ca-renewed.pem\n", true);
    expect_policy(VERIFY CA "\n", VERIFY "[" CA ", " FILES "ca-renewed.pem]\n", true);
    expect_policy(VERIFY "[" CA ", " OTHER "]\n", VERIFY "[" OTHER ", " CA "]\n", true);
    expect_policy(VERIFY "[" CA ", " OTHER "]\n", VERIFY "[" OTHER ", " CA ", " CA "]\n", true);
    expect_policy(VERIFY CA "\n", VERIFY CA "\n        crl: " FILES "ca.crl\n", true);
    expect_policy(VERIFY CA "\n", VERIFY FILES "ca-rekeyed.pem\n", false);
    expect_policy(VERIFY CA "\n", VERIFY OTHER "\n", false);
    expect_policy(VERIFY CA "\n", VERIFY "[" CA ", " OTHER "]\n", false);
    expect_policy(VERIFY CA "\n", VERIFY CA "\n        client_verify_depth: 2\n", false);
    expect_policy(VERIFY CA "\n", "        client_verify: optional\n        client_ca: " CA "\n",
                  false);
}

/* Domains. */

static enum rp_status check(const char *first_domain, const char *first_policy,
                            const char *second_domain, const char *second_policy,
                            struct rp_error *err)
{
    char first_id[] = "domain:x";
    char second_id[] = "domain:x";
    const struct config config = {.file = NULL};
    char name[] = "a";
    struct config_site one = {.name = name, .place = {3, 1}};
    struct config_site two = {.name = name, .place = {9, 1}};
    struct domains_site sites[] = {{&two, second_policy}, {&one, first_policy}};

    one.domain = (char *)(uintptr_t)first_domain;
    two.domain = (char *)(uintptr_t)second_domain;
    one.domain_id = first_id;
    two.domain_id = second_id;
    return domains_check(&config, sites, 2, err);
}

static void a_domain_has_one_policy(void **state)
{
    struct rp_error err = {""};

    (void)state;
    assert_int_equal(check("x", "on", "x", "on", &err), RP_OK);
    assert_int_equal(check(NULL, "on", NULL, "off", &err), RP_OK); /* one name at two listeners */
    assert_string_equal(err.text, "");
    assert_int_equal(check("x", "on", "x", "off", &err), RP_INVALID);
    assert_non_null(strstr(err.text, "as the site a in line 3 does"));
    assert_int_equal(domains_check(NULL, NULL, 0, &err), RP_OK);
}

/* Sites. */

static void expect_mistake(struct serve_kit *kit, const char *directives, const char *sentence)
{
    char yaml[2048];
    struct text t = text_of(yaml, sizeof yaml);

    text_addf(&t, LISTEN SITE("a") "%s", directives);
    assert_int_equal(serve_kit_configure(kit, yaml), RP_INVALID);
    if (strstr(kit->err.text, sentence) == NULL || strstr(kit->err.text, "/conf:") == NULL) {
        fail_msg("%s: %s", sentence, kit->err.text);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void mistakes_are_named(void **state)
{
    struct serve_kit *kit = *state;

    expect_mistake(kit, VERIFY "nowhere.pem\n", "nowhere.pem: cannot be opened");
    expect_mistake(kit, VERIFY "empty.pem\n", "empty.pem: there is no certificate in it");
    expect_mistake(kit, VERIFY "broken.pem\n", "broken.pem: a certificate in it is malformed");
    expect_mistake(kit, VERIFY "ec.key\n", "ec.key: there is no certificate in it");
    expect_mistake(kit, VERIFY FILES "server.pem\n", "CN=a.example is not the certificate of a CA");
    expect_mistake(kit, VERIFY CA "\n        crl: empty.pem\n",
                   "empty.pem: there is no list of revoked certificates in it");
    expect_mistake(kit, VERIFY CA "\n        crl: " FILES "other.crl\n",
                   "other.crl: its list is of O=Shop,CN=Other CA, which is not in client_ca");
    expect_mistake(kit, VERIFY FILES "ca-rekeyed.pem\n        crl: " FILES "ca.crl\n",
                   "its list of CN=Client CA is not signed with that CA's key in client_ca");
    expect_mistake(kit, VERIFY "[" CA ", " OTHER "]\n        crl: " FILES "ca.crl\n",
                   "there is no list of O=Shop,CN=Other CA, whose clients would all be refused");
    expect_mistake(kit, "        stapling_file: " CA "\n", "ca.pem: there is no OCSP response");
    expect_mistake(kit, "        stapling_file: [" FILES "server.ocsp, " FILES "server.ocsp]\n",
                   "server.ocsp: there is another OCSP response for that certificate");
}

static void what_is_late_is_warned_of(void **state)
{
    struct serve_kit *kit = *state;

    assert_int_equal(
        serve_kit_configure(kit, LISTEN SITE("a") VERIFY CA "\n        crl: " FILES "late.crl\n"),
        RP_OK);
    assert_int_equal(sites_n_warnings(kit->sites), 1);
    assert_non_null(strstr(sites_warning(kit->sites, 0),
                           "late.crl: its list of CN=Client CA is out of date; clients are "
                           "refused"));
    assert_non_null(strstr(sites_warning(kit->sites, 0), "/conf:9:14: "));
    assert_int_equal(serve_kit_configure(kit, LISTEN SITE("a") VERIFY CA "\n"), RP_OK);
    assert_int_equal(sites_n_warnings(kit->sites), 0);
}

static void two_sites_of_one_domain(void **state)
{
    struct serve_kit *kit = *state;

    assert_int_equal(serve_kit_configure(kit,
                                         LISTEN SITE("a") "        domain: x\n" VERIFY CA
                                                          "\n" SITE("b") "        domain: x\n"),
                     RP_INVALID);
    assert_non_null(strstr(kit->err.text, "/conf:10:9: the site b names the domain x, as the site "
                                          "a in line 4 does, but demands other client"));
    assert_int_equal(
        serve_kit_configure(kit, LISTEN SITE("a") "        domain: x\n" VERIFY CA "\n" SITE(
                                     "b") "        domain: x\n" VERIFY FILES "ca-renewed.pem\n"),
        RP_OK);
}

static void sites_survive_want_of_memory(void **state)
{
    struct serve_kit *kit = *state;
    enum rp_status status = RP_NO_MEMORY;
    struct sites *sites;
    long n = 0;

    assert_int_equal(serve_kit_configure(kit, LISTEN SITE("a") VERIFY
                                         "[" CA ", " OTHER "]\n        crl: [" FILES
                                         "late.crl, " FILES "other.crl]\n"
                                         "        stapling_file: " FILES "server.ocsp\n"
                                         "    backend: 127.0.0.1:1\n"
                                         "    alpn: [h2, http/1.1]\n"),
                     RP_OK);
    while (status != RP_OK) {
        memory_fail_after(n++);
        status = sites_new(kit->config, kit->keyring, kit->cache, &sites, &kit->err);
        assert_true(status == RP_OK ? sites != NULL : sites == NULL);
        assert_true(status == RP_OK || kit->err.text[0] != '\0');
    }
    memory_fail_after(-1);
    assert_true(n > 12);
    sites_free(&sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_is_what_it_was),
        cmocka_unit_test(the_policy_is_of_names_and_keys),
        cmocka_unit_test(a_domain_has_one_policy),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(what_is_late_is_warned_of),
        cmocka_unit_test(two_sites_of_one_domain),
        cmocka_unit_test(sites_survive_want_of_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
