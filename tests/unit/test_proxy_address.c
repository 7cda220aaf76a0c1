#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_address.h"

static struct proxy_addresses pair(const char *source, const char *destination)
{
    struct address a;
    struct address b;
    struct proxy_addresses out;

    assert_true(address_parse_backend(source, &a));
    assert_true(address_parse_backend(destination, &b));
    proxy_address_of(&a, &b, &out);
    return out;
}

static void expect(const struct proxy_addresses *a, const char *source, const char *destination)
{
    struct address address;
    char text[ADDRESS_TEXT_SIZE];

    proxy_address_source(a, &address);
    address_text(&address, text);
    assert_string_equal(text, source);
    proxy_address_destination(a, &address);
    address_text(&address, text);
    assert_string_equal(text, destination);
}

static void addresses_go_round(void **state)
{
    struct proxy_addresses a = pair("203.0.113.7:40000", "198.51.100.1:443");

    (void)state;
    assert_int_equal(a.family, PROXY_TCP4);
    expect(&a, "203.0.113.7:40000", "198.51.100.1:443");
    a = pair("[2001:db8::7]:40000", "[2001:db8::1]:443");
    assert_int_equal(a.family, PROXY_TCP6);
    expect(&a, "[2001:db8::7]:40000", "[2001:db8::1]:443");
}

static void mapped_ipv4_is_ipv4(void **state)
{
    const struct proxy_addresses a =
        pair("[::ffff:203.0.113.7]:40000", "[::ffff:198.51.100.1]:443");

    (void)state;
    assert_int_equal(a.family, PROXY_TCP4);
    expect(&a, "203.0.113.7:40000", "198.51.100.1:443");
}

static void two_families_are_ipv6(void **state)
{
    const struct proxy_addresses a = pair("203.0.113.7:40000", "[2001:db8::1]:443");

    (void)state;
    assert_int_equal(a.family, PROXY_TCP6);
    expect(&a, "[::ffff:203.0.113.7]:40000", "[2001:db8::1]:443");
}

static void other_families_are_unknown(void **state)
{
    static const struct proxy_addresses unknown = {.family = PROXY_UNKNOWN};
    const struct proxy_addresses a = pair("unix:/tmp/x", "198.51.100.1:443");
    const struct proxy_addresses b = pair("198.51.100.1:443", "unix:/tmp/x");

    (void)state;
    assert_memory_equal(&a, &unknown, sizeof a);
    assert_memory_equal(&b, &unknown, sizeof b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_go_round),
        cmocka_unit_test(mapped_ipv4_is_ipv4),
        cmocka_unit_test(two_families_are_ipv6),
        cmocka_unit_test(other_families_are_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
