/* The directives of client certificates, OCSP responses and protocols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"
#include "memory.h"
#include "text.h"

#define SITE "name: a, certificate: c, key: k"
#define LISTEN "listen:\n- address: 127.0.0.1:0\n"
#define BEHIND LISTEN "  backend: 127.0.0.1:1\n"

static void everything_is_read(void **state)
{
    struct config *c = config_of(BEHIND "  alpn: [h2, http/1.1]\n"
                                        "  sites:\n"
                                        "  - name: a\n"
                                        "    certificate: c\n"
                                        "    key: k\n"
                                        "    client_verify: optional\n"
                                        "    client_verify_depth: 3\n"
                                        "    client_ca: [ca.pem, /abs/more.pem]\n"
                                        "    crl: ca.crl\n"
                                        "    stapling_file: [a.ocsp, b.ocsp]\n");
    const struct config_listen *l = &c->listen[0];
    const struct config_site *site = &l->sites[0];

    (void)state;
    assert_int_equal(l->alpn.n, 2);
    assert_string_equal(l->alpn.items[0], "h2");
    assert_string_equal(l->alpn.items[1], "http/1.1");
    assert_int_equal(site->client.verify, CONFIG_VERIFY_OPTIONAL);
    assert_int_equal(site->client.depth, 3);
    assert_int_equal(site->client.ca.n, 2);
    assert_string_equal(site->client.ca.items[0], "dir/ca.pem");
    assert_string_equal(site->client.ca.items[1], "/abs/more.pem");
    assert_int_equal(site->client.ca.place.line, 11);
    assert_string_equal(site->client.crl.items[0], "dir/ca.crl");
    assert_int_equal(site->staples.n, 2);
    assert_string_equal(site->staples.items[1], "dir/b.ocsp");
    config_free(&c);
}

static void what_is_absent_has_its_default(void **state)
{
    struct config *c = config_of(BEHIND "  sites: [{" SITE "}]\n");
    const struct config_site *site = &c->listen[0].sites[0];

    (void)state;
    assert_int_equal(c->listen[0].alpn.n, 0);
    assert_int_equal(site->client.verify, CONFIG_VERIFY_OFF);
    assert_int_equal(site->client.depth, 1);
    assert_int_equal(site->client.ca.n + site->client.crl.n + site->staples.n, 0);
    config_free(&c);
    c = config_of(BEHIND "  sites: [{" SITE ", client_verify: required, client_ca: ca.pem}]\n");
    assert_int_equal(c->listen[0].sites[0].client.verify, CONFIG_VERIFY_REQUIRED);
    config_free(&c);
    c = config_of(BEHIND "  sites: [{" SITE ", client_verify: off}]\n");
    assert_int_equal(c->listen[0].sites[0].client.verify, CONFIG_VERIFY_OFF);
    config_free(&c);
}

static void wrong_values_of_a_site_are_refused(void **state)
{
    static const struct {
        const char *more; /* after "k, " */
        const char *complaint;
    } broken[] = {
        {"client_verify: yes",
         "x.yaml:3:60: client_verify takes off, optional or required, not \"yes\""},
        {"client_verify: [required]",
         "x.yaml:3:60: client_verify takes off, optional or required, not a list"},
        {"client_verify: required", "x.yaml:3:60: client_verify: required needs client_ca, the CAs "
                                    "whose clients are taken"},
        {"client_verify: optional", "x.yaml:3:60: client_verify: optional needs client_ca, the CAs "
                                    "whose clients are taken"},
        {"client_ca: ca.pem",
         "x.yaml:3:56: client_ca has no effect without client_verify; add client_verify: required "
         "(or optional), or remove it"},
        {"client_verify: off, client_ca: ca.pem",
         "x.yaml:3:76: client_ca has no effect without client_verify; add client_verify: required "
         "(or optional), or remove it"},
        {"crl: ca.crl", "x.yaml:3:50: crl has no effect without client_verify; add client_verify: "
                        "required (or optional), or remove it"},
        {"client_verify_depth: 2",
         "x.yaml:3:66: client_verify_depth has no effect without client_verify; add client_verify: "
         "required (or optional), or remove it"},
        {"client_verify_depth: 101",
         "x.yaml:3:66: client_verify_depth takes a whole number from 0 to 100, not \"101\""},
        {"client_verify_depth: -1",
         "x.yaml:3:66: client_verify_depth takes a whole number from 0 to 100, not \"-1\""},
        {"client_ca: []", "x.yaml:3:56: client_ca takes the name of a PEM file, or a list of at "
                          "most 64, not an empty list"},
        {"client_ca: {}", "x.yaml:3:56: client_ca takes the name of a PEM file, or a list of at "
                          "most 64, not a map"},
        {"crl: \"\"", "x.yaml:3:50: crl takes the name of a PEM file, or a list of at most 64, not "
                      "nothing"},
        {"stapling_file: [a, b, c, d, e, f, g, h, i]",
         "x.yaml:3:85: stapling_file takes the name of a file with an OCSP response, or a list of "
         "at most 8; this is one more"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[512];
        struct text t = text_of(text, sizeof text);

        text_addf(&t, LISTEN "  sites: [{" SITE ", %s}]\n", broken[i].more);
        expect_complaint(text, broken[i].complaint);
    }
}

static void wrong_protocols_are_refused(void **state)
{
    static const struct {
        const char *lines;
        const char *complaint;
    } broken[] = {
        {LISTEN "  alpn: h2\n", "x.yaml:3:9: alpn says what the backend speaks, and there is none; "
                                "the built-in page speaks http/1.1 anyway"},
        {BEHIND "  alpn: \"h 2\"\n", "x.yaml:4:9: alpn: \"h 2\" is no protocol's name, which is of "
                                     "1 to 255 letters, digits and signs"},
        {BEHIND "  alpn: [h2, http/1.1, h2]\n", "x.yaml:4:9: alpn names h2 twice"},
        {BEHIND "  alpn: []\n", "x.yaml:4:9: alpn takes a protocol such as http/1.1, or a list of "
                                "at most 16, not an empty list"},
        {BEHIND "  alpn: {h2: on}\n", "x.yaml:4:9: alpn takes a protocol such as http/1.1, or a "
                                      "list of at most 16, not a map"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[512];
        struct text t = text_of(text, sizeof text);

        text_addf(&t, "%s  sites: [{" SITE "}]\n", broken[i].lines);
        expect_complaint(text, broken[i].complaint);
    }
}

static void long_protocols_are_refused(void **state)
{
    char name[258];
    char text[512];
    struct config *config;
    struct rp_error err;

    (void)state;
    memset(name, 'x', sizeof name);
    for (size_t n = 255; n <= 256; n++) {
        struct text t = text_of(text, sizeof text);

        name[n] = '\0';
        text_addf(&t, BEHIND "  alpn: %s\n  sites: [{" SITE "}]\n", name);
        assert_int_equal(config_parse("x.yaml", text, strlen(text), &config, &err),
                         n == 255 ? RP_OK : RP_FORMAT);
        config_free(&config);
        name[n] = 'x';
    }
}

static void survives_failing_allocations(void **state)
{
    static const char text[] =
        BEHIND "  alpn: [h2, http/1.1]\n"
               "  sites: [{" SITE ", client_verify: required, client_ca: [a, b], crl: c, "
               "stapling_file: d}]\n";

    (void)state;
    expect_survival(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(wrong_values_of_a_site_are_refused),
        cmocka_unit_test(wrong_protocols_are_refused),
        cmocka_unit_test(long_protocols_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
