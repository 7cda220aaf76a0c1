#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"

#define LISTEN                                                                                     \
    "listen: [{address: \"127.0.0.1:443\", sites: [{name: a, certificate: c, key: k}]}]\n"
#define STORE "store: \"dir:/run/s\", name: shop, secret: s"
#define NAME_63 "a23456789.123456789.123456789.123456789.123456789.123456789.123"

static void without_a_store_the_host_is_alone(void **state)
{
    struct config *c = config_of(LISTEN);

    (void)state;
    assert_null(c->fleet.name);
    assert_null(c->fleet.store);
    assert_null(c->fleet.secret);
    assert_null(c->fleet.host);
    assert_null(c->fleet.address);
    assert_int_equal(c->fleet.reseed_ms, 86400000);
    assert_int_equal(c->fleet.join_timeout_ms, 1000);
    config_free(&c);
    c = config_of("fleet: {name: shop, reseed: off}\n" LISTEN);
    assert_string_equal(c->fleet.name, "shop");
    assert_null(c->fleet.store);
    config_free(&c);
}

static void a_fleet_is_taken(void **state)
{
    struct config *c =
        config_of("fleet: {" STORE ", host: web-1, address: \"[2001:db8::1]\", reseed: 12h, "
                  "join_timeout: 2s}\n" LISTEN);

    (void)state;
    assert_string_equal(c->fleet.name, "shop");
    assert_string_equal(c->fleet.store, "dir:/run/s");
    assert_string_equal(c->fleet.secret, "dir/s");
    assert_string_equal(c->fleet.host, "web-1");
    assert_string_equal(c->fleet.address, "[2001:db8::1]");
    assert_int_equal(c->fleet.reseed_ms, 12 * 3600000);
    assert_int_equal(c->fleet.join_timeout_ms, 2000);
    assert_int_equal(c->fleet.store_place.line, 1);
    assert_int_not_equal(c->fleet.secret_place.line, 0);
    config_free(&c);
    c = config_of("fleet: {" STORE ", reseed: off}\n" LISTEN);
    assert_int_equal(c->fleet.reseed_ms, 0);
    config_free(&c);
    c = config_of("fleet: {name: " NAME_63 ", store: x, secret: /s, host: \"~!\"}\n" LISTEN);
    assert_string_equal(c->fleet.name, NAME_63);
    assert_string_equal(c->fleet.secret, "/s");
    config_free(&c);
}

static void reseed_follows_accept_and_rotate(void **state)
{
    struct config *c = config_of("fleet: {accept: 8d}\n" LISTEN);

    (void)state;
    assert_int_equal(c->fleet.reseed_ms, 2 * 86400000);
    config_free(&c);
    c = config_of("fleet: {rotate: 1d}\n" LISTEN);
    assert_int_equal(c->fleet.reseed_ms, 4 * 86400000);
    config_free(&c);
    c = config_of("fleet: {rotate: 1s, accept: 16s, reseed: 4s}\n" LISTEN);
    assert_int_equal(c->fleet.reseed_ms, 4000);
    config_free(&c);
}

#define NAME_TAKES "name takes 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit, not "
#define TEXT_TAKES " takes 1 to 63 printable ASCII characters without a space, not "

static void wrong_values_are_refused(void **state)
{
    static const struct config_broken broken[] = {
        {"fleet: {name: Shop}\n" LISTEN, "x.yaml:1:15: " NAME_TAKES "\"Shop\""},
        {"fleet: {name: .shop}\n" LISTEN, "x.yaml:1:15: " NAME_TAKES "\".shop\""},
        {"fleet: {name: a/b}\n" LISTEN, "x.yaml:1:15: " NAME_TAKES "\"a/b\""},
        {"fleet: {name: \"\"}\n" LISTEN, "x.yaml:1:15: " NAME_TAKES "nothing"},
        {"fleet: {name: " NAME_63 "4}\n" LISTEN, "x.yaml:1:15: " NAME_TAKES "\"" NAME_63 "4\""},
        {"fleet: {host: a b}\n" LISTEN, "x.yaml:1:15: host" TEXT_TAKES "\"a b\""},
        {"fleet: {host: caf\xc3\xa9}\n" LISTEN, "x.yaml:1:15: host" TEXT_TAKES "\"caf\xc3\xa9\""},
        {"fleet: {address: \"\"}\n" LISTEN, "x.yaml:1:18: address" TEXT_TAKES "nothing"},
        {"fleet: {address: [a]}\n" LISTEN, "x.yaml:1:18: address" TEXT_TAKES "a list"},
        {"fleet: {secret: \"\"}\n" LISTEN, "x.yaml:1:17: secret takes the name of a file, as "
                                           "\"reprise key fleet-secret\" makes it, not nothing"},
        {"fleet: {secret: [a]}\n" LISTEN, "x.yaml:1:17: secret takes the name of a file, as "
                                          "\"reprise key fleet-secret\" makes it, not a list"},
        {"fleet: {store: }\n" LISTEN,
         "x.yaml:1:16: store takes a URL, such as redis://10.0.0.5:6379/0 or "
         "dir:/run/reprise/shop, not nothing"},
        {"fleet: {reseed: on}\n" LISTEN,
         "x.yaml:1:17: reseed takes a duration from 4s to 365d, such as 1d, or off, not \"on\""},
        {"fleet: {reseed: 3s}\n" LISTEN,
         "x.yaml:1:17: reseed takes a duration from 4s to 365d, such as 1d, or off, not \"3s\""},
        {"fleet: {join_timeout: 31s}\n" LISTEN, "x.yaml:1:23: join_timeout takes a duration from "
                                                "100ms to 30s, such as 1s, not \"31s\""},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void what_contradicts_is_refused(void **state)
{
    static const struct config_broken broken[] = {
        {"fleet: {secret: s}\n" LISTEN,
         "x.yaml:1:17: secret has no meaning without store, as this host would be alone; give "
         "store, or remove secret"},
        {"fleet: {store: \"dir:/s\", secret: s}\n" LISTEN,
         "x.yaml:1:16: store takes name beside it, the fleet's, the same on all its hosts"},
        {"fleet: {store: \"dir:/s\", name: a}\n" LISTEN,
         "x.yaml:1:16: store takes secret beside it, a file that \"reprise key fleet-secret\" "
         "makes, the same on all hosts of the fleet"},
        {"session_ticket_key: k\nfleet: {" STORE "}\n" LISTEN,
         "x.yaml:2:16: store has no meaning beside session_ticket_key, whose files are the same "
         "on all hosts already; remove one of the two"},
        {"fleet: {reseed: 2h}\n" LISTEN,
         "x.yaml:1:17: reseed is shorter than 4 times rotate; make it at least 14400000 ms"},
        {"fleet: {reseed: 5h}\n" LISTEN,
         "x.yaml:1:17: reseed is shorter than a quarter of accept; make it at least 21600000 ms"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void no_allocation_is_relied_on(void **state)
{
    (void)state;
    expect_survival("fleet: {" STORE ", host: a, address: b}\n" LISTEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_store_the_host_is_alone),
        cmocka_unit_test(a_fleet_is_taken),
        cmocka_unit_test(reseed_follows_accept_and_rotate),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(what_contradicts_is_refused),
        cmocka_unit_test(no_allocation_is_relied_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
