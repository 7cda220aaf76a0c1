#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/un.h>

#include "address.h"
#include "network.h"

static bool has(const char *network, const char *address)
{
    struct address a;
    struct network n;
    struct network one;

    assert_true(network_parse(network, &n));
    assert_true(address_parse(address, &a));
    assert_true(network_of(&a, &one));
    return network_has(&n, &one);
}

static void a_network_has_its_addresses(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.255.255:1"));
    assert_false(has("10.0.0.0/8", "11.0.0.0:1"));
    assert_true(has("192.0.2.128/25", "192.0.2.128:1"));
    assert_false(has("192.0.2.128/25", "192.0.2.127:1"));
    assert_true(has("192.0.2.6/31", "192.0.2.7:1"));
    assert_false(has("192.0.2.6/31", "192.0.2.8:1"));
    assert_true(has("0.0.0.0/0", "203.0.113.1:1"));
    assert_true(has("2001:db8::/32", "[2001:db8:ffff::1]:1"));
    assert_false(has("2001:db8::/32", "[2001:db9::1]:1"));
    assert_true(has("2001:db8:0:8000::/49", "[2001:db8:0:ffff::]:1"));
    assert_false(has("2001:db8:0:8000::/49", "[2001:db8:0:7fff::]:1"));
    assert_true(has("::/0", "[fe80::1]:1"));
}

static void an_address_is_a_network_of_one(void **state)
{
    (void)state;
    assert_true(has("192.0.2.1", "192.0.2.1:9"));
    assert_true(has("192.0.2.1/32", "192.0.2.1:9"));
    assert_false(has("192.0.2.1", "192.0.2.2:9"));
    assert_true(has("::1", "[::1]:9"));
    assert_true(has("::1/128", "[::1]:9"));
    assert_false(has("::1", "[::2]:9"));
}

static void mapped_ipv4_is_ipv4(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "[::ffff:10.1.2.3]:1"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3:1"));
    assert_true(has("::ffff:10.1.2.3", "10.1.2.3:1"));
    assert_false(has("::/0", "[::ffff:10.1.2.3]:1"));
    assert_false(has("::/0", "10.1.2.3:1"));
    assert_false(has("0.0.0.0/0", "[::1]:1"));
    assert_false(has("::ffff:0.0.0.0/96", "[::1]:1"));
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8 ",
                                      "10.0.0/8",
                                      "10.0.0.1/8",
                                      "::/129",
                                      "::1/127",
                                      "[::1]",
                                      "[::1]/128",
                                      "10.0.0.0:80",
                                      "localhost",
                                      "10.0.0.0/8/8",
                                      "2001:db8::1/32",
                                      "::1%lo",
                                      "010.0.0.0/8",
                                      "unix:/x",
                                      "10.0.0.0/0",
                                      "192.0.2.1/31"};
    struct network n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (network_parse(bad[i], &n)) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
}

static void other_families_are_no_networks(void **state)
{
    struct address a;
    struct network n;

    (void)state;
    assert_true(address_parse_backend("unix:/tmp/x", &a));
    assert_false(network_of(&a, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_its_addresses),
        cmocka_unit_test(an_address_is_a_network_of_one),
        cmocka_unit_test(mapped_ipv4_is_ipv4),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(other_families_are_no_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
