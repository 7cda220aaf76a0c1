#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "load_options.h"
#include "words_kit.h"

static struct load_options o;
static struct rp_error err;

/* The words of one line, with a space between; _ stands for a space inside a word. */
static enum rp_status parse(const char *line)
{
    static struct words words;

    words_split(&words, "load", line);
    words_unescape(&words);
    memset(&err, 0, sizeof err);
    return load_options_parse(words.argc, words.argv, &o, &err);
}

static void refuse(const char *line, const char *part)
{
    assert_int_equal(parse(line), RP_INVALID);
    if (strstr(err.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    assert_int_equal(parse("www.example.com"), RP_OK);
    assert_string_equal(o.target.host, "www.example.com");
    assert_int_equal(o.target.port, 443);
    assert_string_equal(o.servername, "www.example.com");
    assert_int_equal(o.n_modes, LOAD_MODES);
    assert_int_equal(o.connections, 16);
    assert_int_equal(o.count, 0);
    assert_int_equal(o.time_ms, 3000);
    assert_int_equal(o.timeout_ms, 10000);
    assert_null(o.cafile);
    assert_false(o.fresh || o.json || o.quiet || o.help);
    assert_int_equal(strlen(o.request), o.request_len);
    assert_non_null(strstr(o.request, "GET / HTTP/1.1\r\nHost: www.example.com\r\n"));
    assert_non_null(strstr(o.request, "\r\nConnection: close\r\n"));
    assert_string_equal(o.request + o.request_len - 4, "\r\n\r\n");
}

static void options_are_taken(void **state)
{
    (void)state;
    assert_int_equal(parse("--mode psk,id --connections 3 --count 70 --fresh --json --quiet "
                           "--servername a.example --path /x --header X-A:_b --header Y:_z "
                           "--cafile ca.pem --timeout 250ms localhost:8443"),
                     RP_OK);
    assert_int_equal(o.n_modes, 2);
    assert_int_equal(o.modes[0], LOAD_PSK);
    assert_int_equal(o.modes[1], LOAD_ID);
    assert_int_equal(o.connections, 3);
    assert_int_equal(o.count, 70);
    assert_true(o.fresh && o.json && o.quiet);
    assert_string_equal(o.servername, "a.example");
    assert_string_equal(o.cafile, "ca.pem");
    assert_int_equal(o.timeout_ms, 250);
    assert_non_null(strstr(o.request, "GET /x HTTP/1.1\r\nHost: a.example:8443\r\n"));
    assert_non_null(strstr(o.request, "\r\nX-A: b\r\nY: z\r\n\r\n"));
}

static void options_may_follow_the_host(void **state)
{
    (void)state;
    assert_int_equal(parse("localhost --time 1m --no-request"), RP_OK);
    assert_int_equal(o.time_ms, 60000);
    assert_int_equal(o.request_len, 0);
}

static void addresses_are_literals(void **state)
{
    (void)state;
    assert_int_equal(parse("192.0.2.1:8443"), RP_OK);
    assert_true(o.target.literal);
    assert_null(o.servername);
    assert_int_equal(parse("[2001:db8::1]:8443"), RP_OK);
    assert_true(o.target.literal);
    assert_string_equal(o.target.host, "2001:db8::1");
    assert_int_equal(o.target.port, 8443);
    assert_non_null(strstr(o.request, "Host: [2001:db8::1]:8443\r\n"));
    assert_int_equal(parse("2001:db8::1"), RP_OK);
    assert_int_equal(o.target.port, 443);
    assert_int_equal(parse("--servername www.example.com [2001:db8::1]"), RP_OK);
    assert_string_equal(o.servername, "www.example.com");
}

static void an_empty_servername_means_none(void **state)
{
    char name[] = "load";
    char option[] = "--servername=";
    char host[] = "localhost";
    char *const argv[] = {name, option, host, NULL};

    (void)state;
    assert_int_equal(load_options_parse(3, argv, &o, &err), RP_OK);
    assert_null(o.servername);
    assert_non_null(strstr(o.request, "Host: localhost\r\n"));
}

static void at_takes_the_port_of_the_target(void **state)
{
    (void)state;
    assert_int_equal(parse("--at 127.0.0.1 --at [::1]:444 --at other.example localhost:8443"),
                     RP_OK);
    assert_int_equal(o.n_at, 3);
    assert_int_equal(o.at[0].port, 8443);
    assert_int_equal(o.at[1].port, 444);
    assert_string_equal(o.at[1].host, "::1");
    assert_false(o.at[2].literal);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    refuse("", "no HOST");
    refuse("a b", "one HOST");
    refuse("--nosuch a", "--nosuch");
    refuse("a --count", "--count needs a value");
    refuse("--mode psk,foo a", "\"foo\"");
    refuse("--mode id,id a", "twice");
    refuse("--mode psk, a", "\"\"");
    refuse("--connections 0 a", "--connections");
    refuse("--connections 10001 a", "--connections");
    refuse("--connections +3 a", "--connections");
    refuse("--count 0 a", "--count");
    refuse("--time 3 a", "--time");
    refuse("--time 0s a", "--time");
    refuse("--timeout soon a", "--timeout");
    refuse("--count 3 --time 3s a", "exclude");
    refuse("--path x a", "--path");
    refuse("--path /a_b a", "--path");
    refuse("--header novalue a", "--header");
    refuse("--header :_x a", "--header");
    refuse("--header X:\r\nY:z a", "--header");
    refuse("a:0", "port");
    refuse("a:65536", "port");
    refuse("a:", "port");
    refuse("[::1", "HOST");
    refuse("[::1]x", "HOST");
    refuse("1:2:x", "host name");
    refuse("https://example.com", "a URL");
    refuse("example.com/x", "host name");
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(parse("--help --nosuch"), RP_OK);
    assert_true(o.help);
    assert_int_equal(parse("-h"), RP_OK);
    assert_true(o.help);
}

static void too_much_is_refused(void **state)
{
    char line[2048] = "";
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 33; i++) {
        memcpy(line + at, "--header=A:b ", 14);
        at += 13;
    }
    memcpy(line + at, "localhost", 10);
    refuse(line, "more than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(options_are_taken),
        cmocka_unit_test(options_may_follow_the_host),
        cmocka_unit_test(addresses_are_literals),
        cmocka_unit_test(an_empty_servername_means_none),
        cmocka_unit_test(at_takes_the_port_of_the_target),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(help_needs_nothing_else),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
