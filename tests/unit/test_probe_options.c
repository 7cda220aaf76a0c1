#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audit.h"
#include "probe_options.h"
#include "words_kit.h"

#define DEFAULT_MASK (1U << MECHANISM_ID12 | 1U << MECHANISM_TICKET12 | 1U << MECHANISM_TICKET13)

static struct probe_options o;
static struct rp_error err;

/* The words of one line, with a space between. */
static enum rp_status parse(const char *line)
{
    static struct words words;

    words_split(&words, "probe", line);
    memset(&err, 0, sizeof err);
    return probe_options_parse(words.argc, words.argv, &o, &err);
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
    assert_int_equal(o.mechanisms, DEFAULT_MASK);
    assert_int_equal(o.tries, 3);
    assert_int_equal(o.n_at, 0);
    assert_int_equal(o.timeout_ms, 5000);
    assert_false(o.expect.given);
    assert_true(o.is_head);
    assert_non_null(strstr(o.request, "HEAD / HTTP/1.1\r\nHost: www.example.com\r\n"));
    assert_non_null(strstr(o.request, "\r\nConnection: close\r\n"));
    assert_memory_equal(o.alpn, "\x08http/1.1", o.alpn_len);
    assert_int_equal(o.alpn_len, 9);
}

static void addresses_take_the_port_of_the_host(void **state)
{
    (void)state;
    assert_int_equal(parse("--at 192.0.2.1 --at [2001:db8::1]:99 www.example.com:8443"), RP_OK);
    assert_int_equal(o.n_at, 2);
    assert_int_equal(o.at[0].port, 8443);
    assert_int_equal(o.at[1].port, 99);
    assert_non_null(strstr(o.request, "Host: www.example.com:8443\r\n"));
}

static void addresses_may_follow_the_host(void **state)
{
    (void)state;
    assert_int_equal(parse("www.example.com 192.0.2.1 192.0.2.2 --tries 1"), RP_OK);
    assert_int_equal(o.n_at, 2);
    assert_string_equal(o.at[0].host, "192.0.2.1");
    assert_int_equal(parse("-s www.example.com 192.0.2.1:444 192.0.2.2"), RP_OK);
    assert_string_equal(o.servername, "www.example.com");
    assert_int_equal(o.n_at, 2);
    assert_string_equal(o.at[0].host, "192.0.2.1");
    assert_int_equal(o.at[1].port, 444);
    refuse("www.example.com other.example.com", "after HOST come addresses only");
    refuse("", "no HOST given");
}

static void an_address_alone_has_no_sni(void **state)
{
    (void)state;
    assert_int_equal(parse("192.0.2.1"), RP_OK);
    assert_null(o.servername);
    assert_int_equal(o.n_at, 0);
    assert_int_equal(parse("www.example.com --no-sni"), RP_OK);
    assert_null(o.servername);
    refuse("--no-sni --sni a www.example.com", "exclude each other");
}

static void what_the_resolver_needs_is_not_told(void **state)
{
    (void)state;
    assert_int_equal(parse("www.example.com."), RP_OK);
    assert_string_equal(o.target.host, "www.example.com.");
    assert_string_equal(o.servername, "www.example.com");
    assert_non_null(strstr(o.request, "Host: www.example.com\r\n"));
    assert_int_equal(parse("[fe80::1%lo]:8443"), RP_OK);
    assert_null(o.servername);
    assert_non_null(strstr(o.request, "Host: [fe80::1]:8443\r\n"));
}

static void mechanisms_are_chosen(void **state)
{
    (void)state;
    assert_int_equal(parse("--mechanisms early,id11 x"), RP_OK);
    assert_int_equal(o.mechanisms, 1U << MECHANISM_EARLY | 1U << MECHANISM_ID11);
    assert_int_equal(parse("--versions 1.3,1.0 x"), RP_OK);
    assert_int_equal(o.mechanisms,
                     1U << MECHANISM_TICKET13 | 1U << MECHANISM_ID10 | 1U << MECHANISM_TICKET10);
    refuse("--mechanisms ticket x", "\"ticket\" is not one of id12");
    refuse("--mechanisms id12, x", "\"\" is not one of");
    refuse("--versions 1.4 x", "\"1.4\" is not one of 1.0");
    refuse("--versions 1.2 --mechanisms id12 x", "exclude each other");
}

static void what_is_expected_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(parse("--expect ticket12=all,early=none x"), RP_OK);
    assert_true(o.expect.given);
    assert_int_equal(o.expect.of[MECHANISM_TICKET12], EXPECTED_ALL);
    assert_int_equal(o.expect.of[MECHANISM_EARLY], EXPECTED_NONE);
    assert_int_equal(o.expect.of[MECHANISM_ID12], EXPECTED_ANYTHING);
    assert_int_equal(o.mechanisms, DEFAULT_MASK | 1U << MECHANISM_EARLY);
    refuse("--expect ticket12 x", "\"ticket12\" is not key=HEX, nor MECHANISM=all");
    refuse("--expect ticket12=most x", "\"ticket12=most\" is not key=HEX, nor");
    refuse("--expect nothing=all x", "\"nothing=all\" is not key=HEX, nor");
    refuse("--expect id12=all,id12=none x", "names id12 twice");
}

#define KEY "00112233445566778899aABBccddeeff"

static void a_key_alone_is_looked_for_quickly(void **state)
{
    static const uint8_t key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

    (void)state;
    assert_int_equal(parse("--expect key=" KEY " x"), RP_OK);
    assert_true(o.expect.given && o.expect.names_key && o.issue_only);
    assert_memory_equal(o.expect.key, key, sizeof key);
    assert_int_equal(o.mechanisms, 1U << MECHANISM_TICKET12 | 1U << MECHANISM_TICKET13);
    assert_int_equal(o.tries, 1);
    assert_int_equal(parse("--tries 7 --versions 1.3 --expect key=" KEY " x"), RP_OK);
    assert_int_equal(o.mechanisms, 1U << MECHANISM_TICKET13);
    assert_int_equal(o.tries, 7);
    assert_int_equal(parse("--aged 1s --expect key=" KEY " x"), RP_OK);
    assert_false(o.issue_only);
    assert_int_equal(o.mechanisms, DEFAULT_MASK);
}

static void a_key_beside_other_expectations(void **state)
{
    (void)state;
    assert_int_equal(parse("--expect id12=none,key=" KEY ",early=all x"), RP_OK);
    assert_true(o.expect.names_key && !o.issue_only);
    assert_int_equal(o.mechanisms, DEFAULT_MASK | 1U << MECHANISM_EARLY);
    assert_int_equal(o.tries, 3);
    assert_int_equal(parse("--expect id12=none x"), RP_OK);
    assert_false(o.expect.names_key);
}

static void no_key_at_all(void **state)
{
    (void)state;
    refuse("--expect key= x", "32 hex digits, not \"\"");
    refuse("--expect key=00 x", "32 hex digits, not \"00\"");
    refuse("--expect key=" KEY "00 x", "32 hex digits");
    refuse("--expect key=0011223344556677889?aabbccddeeff x", "32 hex digits");
    refuse("--expect key=" KEY ",key=" KEY " x", "names key twice");
    refuse("--expect key=" KEY "," KEY " x", "is not key=HEX, nor");
    refuse("--mechanisms id12 --expect key=" KEY " x", "needs a mechanism with tickets");
}

static void ages_are_sorted(void **state)
{
    (void)state;
    assert_int_equal(parse("--aged 1m,500ms,10s x"), RP_OK);
    assert_int_equal(o.n_aged, 3);
    assert_int_equal(o.aged_ms[0], 500);
    assert_int_equal(o.aged_ms[1], 10000);
    assert_int_equal(o.aged_ms[2], 60000);
    refuse("--aged 1 x", "--aged must be a duration");
    refuse("--aged 1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s x", "at most 16 ages");
}

static void the_request_is_built(void **state)
{
    (void)state;
    assert_int_equal(parse("--method GET --path /up --host a.example x"), RP_OK);
    assert_non_null(strstr(o.request, "GET /up HTTP/1.1\r\nHost: a.example\r\n"));
    assert_false(o.is_head);
    assert_int_equal(parse("--handshake-only x"), RP_OK);
    assert_int_equal(o.request_len, 0);
    assert_int_equal(o.alpn_len, 0);
    assert_int_equal(parse("--alpn h2,http/1.1 x"), RP_OK);
    assert_memory_equal(o.alpn, "\x02h2\x08http/1.1", 12);
    assert_int_equal(parse("--alpn none x"), RP_OK);
    assert_int_equal(o.alpn_len, 0);
    refuse("--alpn , x", "empty or too long");
    refuse("--path up x", "--path must begin with /");
    refuse("--handshake-only --http x", "sends no request");
    refuse("--handshake-only --mechanisms early x", "early data");
}

static void checks_are_chosen(void **state)
{
    (void)state;
    assert_int_equal(parse("--audit x"), RP_OK);
    assert_true(o.audit);
    assert_int_equal(o.checks, 0);
    assert_int_equal(parse("--checks tickets,ems x"), RP_OK);
    assert_true(o.audit);
    assert_int_equal(o.checks, 1U << AUDIT_CHECK_TICKETS | 1U << AUDIT_CHECK_EMS);
    refuse("--checks everything x", "\"everything\" is no check; they are names, client-cert");
    assert_int_equal(parse("--other-sni a --other-sni b x"), RP_OK);
    assert_int_equal(o.n_other_sni, 2);
    assert_string_equal(o.other_sni[1], "b");
}

static void mail_has_its_own_port(void **state)
{
    (void)state;
    assert_int_equal(parse("--starttls smtp mail.example.com"), RP_OK);
    assert_int_equal(o.target.port, 25);
    assert_string_equal(o.request, "QUIT\r\n");
    assert_int_equal(o.alpn_len, 0);
    refuse("--starttls imap x", "smtp alone");
    refuse("--starttls smtp --path / x", "goes with no --http");
    refuse("--starttls smtp --audit x", "begin with TLS");
    refuse("--starttls smtp --checks names x", "begin with TLS");
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    refuse("--tries 0 x", "--tries must be a number from 1 to 100, not \"0\"");
    refuse("--tries 1x x", "--tries must be a number");
    refuse("--concurrency 9999 x", "--concurrency must be a number from 1 to 1024");
    refuse("--per-address no x", "--per-address must be a number");
    refuse("--reconnect 0 x", "--reconnect must be a number");
    refuse("--reconnect 5 --json x", "--reconnect prints lines");
    refuse("--timeout 5 x", "--timeout must be a duration");
    refuse("--patience 0s x", "--patience must be a duration");
    refuse("--audit --wait 0s x", "--wait must be a duration");
    refuse("--wait 1m x", "--wait is for --audit");
    refuse("--at :1 x", "is not HOST or HOST:PORT");
    refuse("--at 1.2.3.4:0 x", "the port must be a number");
    refuse("--client-key k x", "--client-key needs --client-cert");
    refuse("-4 -6 x", "exclude each other");
    refuse("--tries", "--tries needs a value");
    refuse("--nonsense x", "unknown or ambiguous option --nonsense");
    refuse("--sni x", "no HOST given");
}

static void there_is_room_for_so_many_addresses(void **state)
{
    char line[PROBE_ADDRESSES_MAX * 12 + 64] = "x";

    (void)state;
    for (unsigned i = 0; i < PROBE_ADDRESSES_MAX; i++) {
        memcpy(line + strlen(line), " 10.0.0.1", 10);
    }
    assert_int_equal(parse(line), RP_OK);
    assert_int_equal(o.n_at, PROBE_ADDRESSES_MAX);
    memcpy(line + strlen(line), " 10.0.0.1", 10);
    refuse(line, "more than 256 addresses");
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(parse("--help"), RP_OK);
    assert_true(o.help);
    assert_non_null(strstr(probe_options_help(), "--mechanisms"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(addresses_take_the_port_of_the_host),
        cmocka_unit_test(addresses_may_follow_the_host),
        cmocka_unit_test(an_address_alone_has_no_sni),
        cmocka_unit_test(what_the_resolver_needs_is_not_told),
        cmocka_unit_test(mechanisms_are_chosen),
        cmocka_unit_test(what_is_expected_is_looked_at),
        cmocka_unit_test(a_key_alone_is_looked_for_quickly),
        cmocka_unit_test(a_key_beside_other_expectations),
        cmocka_unit_test(no_key_at_all),
        cmocka_unit_test(ages_are_sorted),
        cmocka_unit_test(the_request_is_built),
        cmocka_unit_test(checks_are_chosen),
        cmocka_unit_test(mail_has_its_own_port),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(there_is_room_for_so_many_addresses),
        cmocka_unit_test(help_needs_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
