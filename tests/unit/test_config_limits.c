/* The directives of limits and of the PROXY protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"
#include "memory.h"

#define SITES "  sites: [{name: a, certificate: c, key: k}]\n"
#define LISTEN "listen:\n- address: 127.0.0.1:0\n  backend: 127.0.0.1:1\n"
#define NETWORK                                                                                    \
    "accept_proxy takes an address or a network with no bits behind its prefix, such as "          \
    "10.0.0.0/8 or \"::1\", or a list of at most 64"

static void everything_is_read(void **state)
{
    struct config *c = config_of("max_connections: 5000\n"
                                 "max_connections_per_address: 50\n" LISTEN "  proxy_protocol: v2\n"
                                 "  accept_proxy: [10.0.0.0/8, \"::1\"]\n"
                                 "  handshake_timeout: 1s\n"
                                 "  proxy_connect_timeout: 2s\n"
                                 "  proxy_timeout: 1h\n"
                                 "  half_close_timeout: 500ms\n" SITES);
    const struct config_listen *l = &c->listen[0];

    (void)state;
    assert_int_equal(c->max_connections, 5000);
    assert_int_equal(c->max_connections_place.line, 1);
    assert_int_equal(c->max_connections_per_address, 50);
    assert_int_equal(l->proxy_protocol, CONFIG_PROXY_V2);
    assert_int_equal(l->accept_proxy.n, 2);
    assert_string_equal(l->accept_proxy.items[0], "10.0.0.0/8");
    assert_string_equal(l->accept_proxy.items[1], "::1");
    assert_int_equal(l->handshake_timeout_ms, 1000);
    assert_int_equal(l->proxy_connect_timeout_ms, 2000);
    assert_int_equal(l->proxy_timeout_ms, 3600000);
    assert_int_equal(l->half_close_timeout_ms, 500);
    config_free(&c);
    c = config_of(LISTEN "  proxy_protocol: v1\n  accept_proxy: 192.0.2.1\n" SITES);
    assert_int_equal(c->listen[0].proxy_protocol, CONFIG_PROXY_V1);
    assert_int_equal(c->listen[0].accept_proxy.n, 1);
    config_free(&c);
}

static void defaults_are_as_documented(void **state)
{
    struct config *c = config_of(LISTEN SITES);
    const struct config_listen *l = &c->listen[0];

    (void)state;
    assert_int_equal(c->max_connections, 0);
    assert_int_equal(c->max_connections_per_address, 0);
    assert_int_equal(l->proxy_protocol, CONFIG_PROXY_OFF);
    assert_int_equal(l->accept_proxy.n, 0);
    assert_int_equal(l->handshake_timeout_ms, 10000);
    assert_int_equal(l->proxy_connect_timeout_ms, 5000);
    assert_int_equal(l->proxy_timeout_ms, 600000);
    assert_int_equal(l->half_close_timeout_ms, 60000);
    config_free(&c);
}

static void wrong_values_are_explained(void **state)
{
    static const struct config_broken broken[] = {
        {"max_connections: 0\n",
         "x.yaml:1:18: max_connections takes a whole number from 1 to 10000000, not \"0\""},
        {"max_connections: off\n",
         "x.yaml:1:18: max_connections takes a whole number from 1 to 10000000, not \"off\""},
        {"max_connections_per_address: 65536\n", "x.yaml:1:30: max_connections_per_address takes a "
                                                 "whole number from 1 to 65535, not \"65536\""},
        {"listen: [{proxy_protocol: v3}]\n",
         "x.yaml:1:27: proxy_protocol takes off, v1 or v2, not \"v3\""},
        {"listen: [{proxy_protocol: on}]\n",
         "x.yaml:1:27: proxy_protocol takes off, v1 or v2, not \"on\""},
        {"listen: [{handshake_timeout: 99ms}]\n",
         "x.yaml:1:30: handshake_timeout takes a duration from 100ms to 1d, such as 10s, not "
         "\"99ms\""},
        {"listen: [{proxy_connect_timeout: 2d}]\n",
         "x.yaml:1:34: proxy_connect_timeout takes a duration from 100ms to 1d, such as 5s, not "
         "\"2d\""},
        {"listen: [{proxy_timeout: off}]\n",
         "x.yaml:1:26: proxy_timeout takes a duration from 100ms to 365d, such as 10m, not "
         "\"off\""},
        {"listen: [{half_close_timeout: 60}]\n",
         "x.yaml:1:31: half_close_timeout takes a duration from 100ms to 365d, such as 1m, not "
         "\"60\""},
        {"listen: [{accept_proxy: localhost}]\n", "x.yaml:1:25: " NETWORK ", not \"localhost\""},
        {"listen: [{accept_proxy: [10.0.0.0/8, 10.0.0.1/8]}]\n",
         "x.yaml:1:38: " NETWORK ", not \"10.0.0.1/8\""},
        {"listen: [{accept_proxy: []}]\n", "x.yaml:1:25: " NETWORK ", not an empty list"},
        {"listen:\n- address: 127.0.0.1:0\n  proxy_protocol: v1\n" SITES,
         "x.yaml:3:19: proxy_protocol is for a backend, and there is none; for a load balancer in "
         "front there is accept_proxy"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void running_out_of_memory_is_told(void **state)
{
    static const char text[] = LISTEN "  accept_proxy: [10.0.0.0/8, \"::1\"]\n" SITES;

    (void)state;
    expect_survival(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(wrong_values_are_explained),
        cmocka_unit_test(running_out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
