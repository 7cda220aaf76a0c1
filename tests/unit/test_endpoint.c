#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <net/if.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "endpoint.h"

static void what_people_write_is_understood(void **state)
{
    static const struct {
        const char *text, *host, *name;
        uint16_t port;
        bool literal;
    } cases[] = {
        {"www.example.com", "www.example.com", "www.example.com", 443, false},
        {"www.example.com:8443", "www.example.com", "www.example.com", 8443, false},
        {"www.example.com.", "www.example.com.", "www.example.com", 443, false},
        {"www.example.com.:1", "www.example.com.", "www.example.com", 1, false},
        {"192.0.2.1:8443", "192.0.2.1", "192.0.2.1", 8443, true},
        {"2001:db8::1", "2001:db8::1", "2001:db8::1", 443, true},
        {"[2001:db8::1]", "2001:db8::1", "2001:db8::1", 443, true},
        {"[2001:db8::1]:65535", "2001:db8::1", "2001:db8::1", 65535, true},
        {"fe80::1%lo", "fe80::1%lo", "fe80::1", 443, true},
        {"[fe80::1%1]:8443", "fe80::1%1", "fe80::1", 8443, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct endpoint e;
        struct rp_error err = {{0}};

        if (endpoint_parse(cases[i].text, 443, &e, &err) != RP_OK) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_string_equal(e.host, cases[i].host);
        assert_string_equal(e.name, cases[i].name);
        assert_int_equal(e.port, cases[i].port);
        assert_int_equal(e.literal, cases[i].literal);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "HOST:PORT"},
        {":443", "HOST:PORT"},
        {"[::1", "HOST:PORT"},
        {"[::1]x", "HOST:PORT"},
        {"a:0", "1 to 65535"},
        {"a:65536", "1 to 65535"},
        {"a:", "1 to 65535"},
        {"a:+1", "1 to 65535"},
        {".", "not a host name"},
        {"a b", "not a host name"},
        {"a\033[31m", "not a host name"},
        {"https://a", "a URL"},
        {"https://a/b:1", "a URL"},
        {"a/b", "not a host name"},
        {"1::2::3", "not a host name"},
        {"fe80::1%", "not a host name"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--"},
    };
    char many[300];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct endpoint e;
        struct rp_error err = {{0}};

        assert_int_equal(endpoint_parse(cases[i].text, 443, &e, &err), RP_INVALID);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
    for (size_t n = 254; n < 258; n++) {
        struct endpoint e;
        struct rp_error err = {{0}};

        memset(many, 'a', n);
        many[n] = '\0';
        assert_int_equal(endpoint_parse(many, 443, &e, &err), n < 256 ? RP_OK : RP_INVALID);
    }
}

static void an_address_keeps_its_zone(void **state)
{
    struct endpoint e;
    struct peer_address a;
    struct rp_error err = {{0}};
    size_t n = 0;

    (void)state;
    assert_int_equal(endpoint_parse("[fe80::1%lo]:8443", 443, &e, &err), RP_OK);
    assert_int_equal(endpoint_resolve(&e, &a, 1, &n, &err), RP_OK);
    assert_int_equal(n, 1);
    assert_int_equal(((const struct sockaddr_in6 *)&a.sa)->sin6_scope_id, if_nametoindex("lo"));
    assert_string_equal(a.text, "[fe80::1%lo]:8443");
    assert_int_equal(endpoint_parse("fe80::1%no-such", 443, &e, &err), RP_OK);
    assert_int_equal(endpoint_resolve(&e, &a, 1, &n, &err), RP_NOT_FOUND);
    assert_non_null(strstr(err.text, "fe80::1%no-such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_write_is_understood),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(an_address_keeps_its_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
