#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "config_kit.h"

#define LISTEN                                                                                     \
    "listen: [{address: \"127.0.0.1:443\", sites: [{name: a, certificate: c, key: k}]}]\n"
#define TAKES                                                                                      \
    "a numeric address and a port, such as 127.0.0.1:9443, or unix:/path; or a list of at most 8"

static void without_a_word_there_is_neither(void **state)
{
    struct config *c = config_of(LISTEN);

    (void)state;
    assert_int_equal(c->admin.n, 0);
    assert_null(config_system_log(c));
    config_free(&c);
}

static void admin_is_an_address_or_a_list(void **state)
{
    struct config *c = config_of("admin: {listen: \"127.0.0.1:9443\"}\n" LISTEN);
    struct address a;

    (void)state;
    assert_int_equal(c->admin.n, 1);
    assert_string_equal(c->admin.items[0], "127.0.0.1:9443");
    config_free(&c);
    c = config_of("admin: {listen: [\"127.0.0.1:0\", \"[::1]:0\", \"unix:/run/r.sock\"]}\n" LISTEN);
    assert_int_equal(c->admin.n, 3);
    for (size_t i = 0; i < c->admin.n; i++) {
        assert_true(config_admin_address(c->admin.items[i], &a));
    }
    assert_int_equal(a.storage.ss_family, AF_UNIX);
    config_free(&c);
}

static void wrong_admin_is_refused(void **state)
{
    (void)state;
    expect_complaint("admin: on\n" LISTEN, "x.yaml:1:8: admin takes a map with listen, not \"on\"");
    expect_complaint("admin: {}\n" LISTEN,
                     "x.yaml:1:8: admin takes listen, with " TAKES "; give it, or leave admin out");
    expect_complaint("admin: {listen: []}\n" LISTEN,
                     "x.yaml:1:17: listen takes " TAKES ", not an empty list");
    expect_complaint("admin: {listen: localhost:9443}\n" LISTEN,
                     "x.yaml:1:17: listen takes " TAKES ", not \"localhost:9443\"");
    expect_complaint("admin: {listen: unix:r.sock}\n" LISTEN,
                     "x.yaml:1:17: listen takes " TAKES ", not \"unix:r.sock\"");
    expect_complaint("admin: {listen: [127.0.0.1:1, 127.0.0.1]}\n" LISTEN,
                     "x.yaml:1:17: listen takes " TAKES ", not \"127.0.0.1\"");
}

static void admin_has_addresses_of_its_own(void **state)
{
    (void)state;
    expect_complaint("admin: {listen: [127.0.0.1:1, 0.0.0.0:1]}\n" LISTEN,
                     "x.yaml:1:17: admin listens at 127.0.0.1:1 already, so not at 0.0.0.0:1");
    expect_complaint("admin: {listen: [unix:/a, unix:/a]}\n" LISTEN,
                     "x.yaml:1:17: admin listens at unix:/a already, so not at unix:/a");
    expect_complaint("admin: {listen: 0.0.0.0:443}\n" LISTEN,
                     "x.yaml:1:17: 0.0.0.0:443 overlaps with the listener 127.0.0.1:443 in line 2; "
                     "give admin an address of its own");
}

static void the_log_goes_where_it_is_told(void **state)
{
    struct config *c = config_of("log: {to: stderr}\n" LISTEN);

    (void)state;
    assert_null(config_system_log(c));
    config_free(&c);
    c = config_of("log: {to: syslog, format: json}\n" LISTEN);
    assert_string_equal(config_system_log(c), "/dev/log");
    config_free(&c);
    c = config_of("log: {to: unix:/run/log.sock}\n" LISTEN);
    assert_string_equal(config_system_log(c), "/run/log.sock");
    config_free(&c);
}

static void a_wrong_log_is_refused(void **state)
{
    (void)state;
    expect_complaint("log: {to: journald}\n" LISTEN,
                     "x.yaml:1:11: to takes stderr, syslog, or unix:/path of the system's log, not "
                     "\"journald\"");
    expect_complaint("log: {to: 127.0.0.1:514}\n" LISTEN,
                     "x.yaml:1:11: to takes stderr, syslog, or unix:/path of the system's log, not "
                     "\"127.0.0.1:514\"");
    expect_complaint("log: {to: unix:log}\n" LISTEN,
                     "x.yaml:1:11: to takes stderr, syslog, or unix:/path of the system's log, not "
                     "\"unix:log\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_word_there_is_neither),
        cmocka_unit_test(admin_is_an_address_or_a_list),
        cmocka_unit_test(wrong_admin_is_refused),
        cmocka_unit_test(admin_has_addresses_of_its_own),
        cmocka_unit_test(the_log_goes_where_it_is_told),
        cmocka_unit_test(a_wrong_log_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
