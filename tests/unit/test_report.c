#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "audit.h"
#include "facts_kit.h"
#include "memory.h"
#include "report.h"
#include "report_text.h"

#define TICKET12 (1U << MECHANISM_TICKET12)
#define TICKET13 (1U << MECHANISM_TICKET13)
#define ID12 (1U << MECHANISM_ID12)
#define ALL (ID12 | TICKET12 | TICKET13)

/* What a server may send to whoever reads the report. */
#define HOSTILE "CN = \033[2J</script><b onload=\"x\">'&\xff\n"

typedef enum rp_status report_fn(const struct facts *facts, const struct findings *findings,
                                 const struct audit *audit, FILE *out,
                                 const struct report_style *style);

struct report {
    struct facts *facts;
    struct findings *findings;
    char *text;
    size_t len;
};

static struct report open_report(struct facts *facts)
{
    struct report r = {.facts = facts};

    assert_int_equal(diagnose(facts, &r.findings), RP_OK);
    return r;
}

static void write_report(struct report *r, report_fn *fn, const struct audit *audit,
                         const struct report_style *style)
{
    FILE *out;

    free(r->text);
    r->text = NULL;
    out = open_memstream(&r->text, &r->len);
    assert_non_null(out);
    assert_int_equal(fn(r->facts, r->findings, audit, out, style), RP_OK);
    assert_int_equal(fclose(out), 0);
}

static void close_report(struct report *r)
{
    free(r->text);
    findings_free(&r->findings);
    facts_free(&r->facts);
}

static void has(const struct report *r, const char *what)
{
    if (strstr(r->text, what) == NULL) {
        fail_msg("no \"%s\" in:\n%s", what, r->text);
    }
}

static void has_not(const struct report *r, const char *what)
{
    if (strstr(r->text, what) != NULL) {
        fail_msg("\"%s\" in:\n%s", what, r->text);
    }
}

/* Printable ASCII and newlines alone. */
static void is_plain(const struct report *r)
{
    for (size_t i = 0; i < r->len; i++) {
        const unsigned char c = (unsigned char)r->text[i];

        if (c != '\n' && (c < 0x20 || c > 0x7e)) {
            fail_msg("byte %02x at %zu", c, i);
        }
    }
}

static void fits(const struct report *r, size_t width)
{
    for (const char *line = r->text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");

        if (n > width) {
            fail_msg("%zu columns: %.*s", n, (int)n, line);
        }
        line += n + (line[n] != '\0');
    }
}

static void a_table_says_what_resumes(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(1, 1), .server = "nginx"},
                                            {KIT_KEYS(1, 1), .server = "nginx"},
                                            {KIT_KEYS(1, 2), .server = "nginx"}};
    struct report r = open_report(kit_facts(hosts, 3, ALL, 3));

    (void)state;
    write_report(&r, report_table, NULL, NULL);
    has(&r, "example.com port 443, SNI example.com: 3 addresses, 3 tries each");
    has(&r, "1  +   +   +             +   +   -             +   +   -\n");
    has(&r, "3  +   +   +             -   -   +             -   -   +\n");
    has(&r, "row: issued at, column: offered at; + resumed; - declined\n");
    has(&r, "1 ticket a handshake of 192 bytes, like");
    has(&r, "no fresh one on resumption");
    has(&r, "Sessions resume on every address: TLS 1.2 session ID; not so TLS 1.2 ticket, TLS 1.3 "
            "PSK: 5 of 9");
    has(&r, "- The ticket key is not shared: TLS 1.2 ticket, TLS 1.3 PSK, issued at 127.0.0.1 and");
    has(&r, "ssl_session_ticket_key");
    is_plain(&r);
    fits(&r, 100);
    close_report(&r);
}

static void marks_and_colours_are_for_who_wants_them(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}};
    static const struct report_style utf8 = {.utf8 = true};
    static const struct report_style colour = {.colour = true};
    static const struct report_style verbose = {.verbose = true};
    struct report r = open_report(kit_facts(hosts, 2, TICKET12, 3));

    (void)state;
    write_report(&r, report_table, NULL, &utf8);
    has(&r, "1  \xe2\x9c\x93   \xe2\x9c\x97");
    has_not(&r, "\033");
    write_report(&r, report_table, NULL, &colour);
    has(&r, "\033[32m+\033[0m");
    has(&r, "\033[31m-\033[0m");
    has_not(&r, "1200 us");
    write_report(&r, report_table, NULL, &verbose);
    has(&r, "127.0.0.2           TLS 1.2 ticket 1200 us (resumed 400 us)\n");
    close_report(&r);
}

static void tries_that_differ_are_counted(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(2, 1, 2), .own_alone = true},
                                            {KIT_KEYS(1, 1)}};
    struct report r = open_report(kit_facts(hosts, 2, TICKET12, 4));

    (void)state;
    write_report(&r, report_table, NULL, NULL);
    has(&r, "1  2/4 2/4\n");
    has(&r, "; k/n: in k of n tries");
    write_report(&r, report_html, NULL, NULL);
    has(&r, "issued at 127.0.0.1, offered at 127.0.0.2: resumed 2 of 4 times");
    has(&r, "<td>2 of 4</td>");
    close_report(&r);
}

static void one_address_needs_no_matrix(void **state)
{
    static const struct kit_host host = {0};
    struct report r = open_report(kit_fleet(&host, 1, ALL, 3));

    (void)state;
    write_report(&r, report_table, NULL, NULL);
    has(&r, "+   TLS 1.3 PSK          resumed 3 of 3 times");
    has_not(&r, "row: issued at");
    has(&r, "Sessions resume: TLS 1.2 session ID, TLS 1.2 ticket, TLS 1.3 PSK\n");
    close_report(&r);
}

static void fifty_addresses_are_legible(void **state)
{
    static struct kit_host hosts[50];
    struct report r;

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        hosts[i] = (struct kit_host){.own_cache = true, .unreachable = i == 20};
    }
    r = open_report(kit_facts(hosts, 50, ALL, 3));
    for (unsigned width = 40; width <= 200; width += 20) {
        const struct report_style style = {.width = width};

        write_report(&r, report_table, NULL, &style);
        fits(&r, width < 80 ? 80 : width);
    }
    has(&r, "12345678901234567890123456789012345678901234567890");
    has(&r, "21 127.0.0.21 (not reached)");
    close_report(&r);
}

static void what_is_all_alike_is_one_line(void **state)
{
    static const struct kit_host host = {0};
    struct report r = open_report(kit_fleet(&host, 50, ALL, 3));

    (void)state;
    write_report(&r, report_table, NULL, NULL);
    has(&r, "+ TLS 1.3 PSK         resumed in all of 2500 pairs of addresses\n");
    assert_true(r.len < 4000);
    close_report(&r);
}

static void what_a_server_sends_is_escaped(void **state)
{
    static const struct kit_host hosts[] = {
        {KIT_KEYS(1, 1), .subject = HOSTILE, .server = HOSTILE, .context = "a"},
        {KIT_KEYS(1, 1), .context = "b"}};
    struct finding finding = {FINDING_TICKETBLEED, HOSTILE, HOSTILE};
    struct audit_result result = {
        .check = AUDIT_CHECK_CHAIN, .outcome = AUDIT_NOT_JUDGED, .note = HOSTILE};
    const struct audit audit = {
        .findings = &finding, .n_findings = 1, .results = &result, .n_results = 1};
    struct report r = open_report(kit_facts(hosts, 2, TICKET12, 3));

    (void)state;
    write_report(&r, report_table, &audit, NULL);
    is_plain(&r);
    has(&r, "\\x1b[2J</script>");
    has(&r, "\\xff\\x0a");
    write_report(&r, report_html, &audit, NULL);
    has_not(&r, "\033");
    has_not(&r, "</script");
    has_not(&r, "<b onload");
    has(&r, "&lt;/script&gt;&lt;b onload=&quot;x&quot;&gt;&#39;&amp;");
    write_report(&r, report_json, &audit, NULL);
    is_plain(&r);
    has(&r, "\\\\x1b[2J</script><b onload=\\\"x\\\">'&\\\\xff\\\\x0a");
    close_report(&r);
}

static void a_finding_is_told_once_and_the_gravest_first(void **state)
{
    static const struct kit_host host = {0};
    struct finding findings[] = {{FINDING_SESSION_KILLED, "127.0.0.1:443", "refused 3 of 3 times"},
                                 {FINDING_TICKETBLEED, "127.0.0.1:443", "7 bytes too many"},
                                 {FINDING_SESSION_KILLED, "127.0.0.2:443", "refused 3 of 3 times"},
                                 {FINDING_SESSION_KILLED, "127.0.0.3:443", "refused 2 of 3 times"}};
    const struct audit audit = {.findings = findings, .n_findings = 4};
    struct report r = open_report(kit_fleet(&host, 3, TICKET12, 3));
    const char *broken, *note;

    (void)state;
    write_report(&r, report_table, &audit, NULL);
    has(&r, "Audit: 1 broken, 1 note; of 0 checks");
    has(&r, "        127.0.0.1:443, 127.0.0.2:443: refused 3 of 3 times\n"
            "        127.0.0.3:443: refused 2 of 3 times\n");
    has(&r, "TLS 1.2 ticket; audit: 1 broken, 1 note\n");
    broken = strstr(r.text, "broken  ticketbleed");
    note = strstr(r.text, "note    session-killed");
    assert_true(broken != NULL && note != NULL && broken < note);
    assert_null(strstr(note + 1, "note    session-killed"));
    write_report(&r, report_html, &audit, NULL);
    has(&r, "<p class=\"verdict bad\">");
    has(&r, "<dt>At</dt><dd>127.0.0.1:443, 127.0.0.2:443</dd>");
    close_report(&r);
}

static void ages_are_told_over_all_addresses(void **state)
{
    static const struct kit_host host = {0};
    struct report r = open_report(kit_fleet(&host, 2, TICKET12, 3));

    (void)state;
    r.facts->aged = memory_new(3, sizeof *r.facts->aged);
    assert_non_null(r.facts->aged);
    r.facts->n_aged = 3;
    r.facts->aged[0] = (struct aged_facts){0, MECHANISM_TICKET12, 1000, 300, 3, 3};
    r.facts->aged[1] = (struct aged_facts){0, MECHANISM_TICKET12, 400000, 300, 3, 0};
    r.facts->aged[2] = (struct aged_facts){1, MECHANISM_TICKET12, 1000, 300, 3, 2};
    write_report(&r, report_table, NULL, NULL);
    has(&r, "TLS 1.2 ticket      after 1.0 s resumed 5 of 6, lifetime 300 s\n");
    has(&r, "TLS 1.2 ticket      after 400.0 s resumed 0 of 3, lifetime 300 s\n\n");
    write_report(&r, report_html, NULL, NULL);
    has(&r, "<td>after 1.0 s</td><td>resumed 5 of 6 times; lifetime 300 s</td>");
    close_report(&r);
}

static void the_page_is_on_its_own(void **state)
{
    static const struct kit_host host = {0};
    struct report r = open_report(kit_fleet(&host, 3, ALL, 3));

    (void)state;
    write_report(&r, report_html, NULL, NULL);
    has(&r, "<!doctype html>");
    has(&r, "Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    has(&r, "role=\"img\" aria-label=\"TLS 1.3 PSK: 9 of 9 pairs of addresses resume every time\"");
    has(&r, "<p class=\"verdict good\">");
    has_not(&r, "{{");
    has_not(&r, "<script");
    has_not(&r, "http://");
    has_not(&r, "https://");
    has_not(&r, " style=");
    close_report(&r);
}

static json_t *parse(const struct report *r)
{
    json_error_t err;
    json_t *json = json_loadb(r->text, r->len, 0, &err);

    if (json == NULL) {
        fail_msg("%s", err.text);
    }
    return json;
}

static void json_says_the_same(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}};
    struct report r = open_report(kit_facts(hosts, 2, ID12 | TICKET12, 3));
    const char *cause, *word, *address;
    int version, tries, resumed, row, column;
    json_t *json;

    (void)state;
    write_report(&r, report_json, NULL, NULL);
    json = parse(&r);
    assert_int_equal(json_unpack(json, "{s:i, s:[{s:s}]}", "version", &version, "addresses",
                                 "address", &address),
                     0);
    assert_int_equal(version, 1);
    assert_string_equal(address, "127.0.0.1:443");
    assert_int_equal(json_unpack(json, "{s:[{s:s, s:[[i, i]]}]}", "diagnoses", "cause", &cause,
                                 "cells", &row, &column),
                     0);
    assert_string_equal(cause, "key-not-shared");
    assert_int_equal(row, 0);
    assert_int_equal(column, 1);
    assert_int_equal(json_unpack(json_array_get(json_object_get(json, "mechanisms"), 1),
                                 "{s:s, s:[[{}, {s:i, s:i}]]}", "resumes", &word, "matrix", "tries",
                                 &tries, "resumed", &resumed),
                     0);
    assert_string_equal(word, "some");
    assert_int_equal(tries, 3);
    assert_int_equal(resumed, 0);
    assert_true(json_is_null(json_object_get(json, "audit")));
    assert_true(json_is_null(json_object_get(json, "trouble")));
    json_decref(json);
    close_report(&r);
}

static void what_cannot_be_written_is_said(void **state)
{
    static const struct kit_host host = {0};
    static report_fn *const reports[] = {report_table, report_json, report_html};
    struct report r = open_report(kit_fleet(&host, 2, ALL, 3));

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        FILE *out = fopen("/dev/full", "w");

        assert_non_null(out);
        (void)setvbuf(out, NULL, _IONBF, 0);
        assert_int_equal(reports[i](r.facts, r.findings, NULL, out, NULL), RP_SYSTEM);
        (void)fclose(out);
    }
    close_report(&r);
}

static void no_memory_at_any_place(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}};
    static report_fn *const reports[] = {report_table, report_json, report_html};
    struct report r = open_report(kit_facts(hosts, 2, ALL, 3));

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enum rp_status status = RP_NO_MEMORY;
        long n = 0;

        for (; status != RP_OK; n++) {
            FILE *out = fopen("/dev/null", "w");

            assert_non_null(out);
            memory_fail_after(n);
            status = reports[i](r.facts, r.findings, NULL, out, NULL);
            memory_fail_after(-1);
            assert_true(status == RP_OK || status == RP_NO_MEMORY);
            (void)fclose(out);
        }
        assert_true(n > 5);
    }
    close_report(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_says_what_resumes),
        cmocka_unit_test(marks_and_colours_are_for_who_wants_them),
        cmocka_unit_test(tries_that_differ_are_counted),
        cmocka_unit_test(one_address_needs_no_matrix),
        cmocka_unit_test(fifty_addresses_are_legible),
        cmocka_unit_test(what_is_all_alike_is_one_line),
        cmocka_unit_test(what_a_server_sends_is_escaped),
        cmocka_unit_test(a_finding_is_told_once_and_the_gravest_first),
        cmocka_unit_test(ages_are_told_over_all_addresses),
        cmocka_unit_test(the_page_is_on_its_own),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(what_cannot_be_written_is_said),
        cmocka_unit_test(no_memory_at_any_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
