#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"

static void addresses_are_written_as_they_are_read(void **state)
{
    static const char *const addresses[] = {"0.0.0.0:0", "127.0.0.1:65535", "[::]:443",
                                            "[fe80::1]:1"};
    struct address a;
    struct address b;
    char out[ADDRESS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        assert_true(address_parse(addresses[i], &a));
        address_text(&a, out);
        assert_string_equal(out, addresses[i]);
        assert_true(address_parse(out, &b));
        assert_true(address_equal(&a, &b));
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",        "localhost:1", ":1",    "127.0.0.1", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1",
        "1.2.3:1", "::1:1",       "[::1]", "[::1:1",    "[::1]1:1", "[1.2.3.4]:1",   "[::1%lo]:1",
        "unix:/x", "1.2.3.4:1 "};
    struct address a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(address_parse(bad[i], &a));
    }
}

static void a_backend_may_be_a_unix_socket(void **state)
{
    char path[200] = "unix:/";
    struct address a;
    struct address b;

    (void)state;
    assert_true(address_parse_backend("127.0.0.1:1", &b));
    assert_true(address_parse_backend("unix:/x", &a));
    assert_string_equal(((const struct sockaddr_un *)&a.storage)->sun_path, "/x");
    assert_false(address_equal(&a, &b));
    assert_false(address_parse_backend("127.0.0.1:0", &a));
    assert_false(address_parse_backend("unix:x", &a));
    assert_false(address_parse_backend("unix:", &a));
    memset(path + 6, 'a', 106); /* with the slash and the NUL, all of sun_path */
    assert_true(address_parse_backend(path, &a));
    path[112] = 'a';
    assert_false(address_parse_backend(path, &a));
}

static bool covers(const char *first, const char *second)
{
    struct address a;
    struct address b;

    assert_true(address_parse(first, &a) && address_parse(second, &b));
    return address_covers(&a, &b);
}

static void the_unspecified_address_covers_others(void **state)
{
    (void)state;
    assert_true(covers("127.0.0.1:1", "127.0.0.1:1"));
    assert_true(covers("0.0.0.0:1", "127.0.0.1:1"));
    assert_true(covers("[::]:1", "[::1]:1"));
    assert_true(covers("[::]:1", "0.0.0.0:1"));
    assert_false(covers("0.0.0.0:1", "[::1]:1"));
    assert_false(covers("127.0.0.1:1", "0.0.0.0:1"));
    assert_false(covers("[::1]:1", "[::]:1"));
    assert_false(covers("[::]:1", "[::1]:2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_as_they_are_read),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_backend_may_be_a_unix_socket),
        cmocka_unit_test(the_unspecified_address_covers_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
