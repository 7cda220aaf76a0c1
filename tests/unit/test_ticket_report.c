#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "memory.h"
#include "sheet.h"
#include "ticket_input.h"
#include "ticket_kit.h"
#include "ticket_report.h"

static void put(const struct sheet *s, bool json, char *out, size_t size)
{
    FILE *f = tmpfile();
    size_t n;

    assert_non_null(f);
    assert_int_equal(sheet_put(s, json, f), RP_OK);
    rewind(f);
    n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    (void)fclose(f);
}

static void rows_twice(void **state)
{
    struct sheet s = sheet_new();
    struct sheet child = sheet_new();
    char out[1024];

    (void)state;
    sheet_text(&s, "a", "first", "one", "eins");
    sheet_number(&s, "b", "second", 2, NULL);
    sheet_flag(&s, "c", NULL, true);
    sheet_text(&s, "d", "none", NULL, NULL);
    sheet_hex(&child, "e", "inner", (const uint8_t *)"\x01\xff", 2);
    sheet_append(&s, "list", &child);
    sheet_line(&s, "a line of %d", 1);
    put(&s, false, out, sizeof out);
    assert_string_equal(out, "  first              eins\n"
                             "  second             2\n"
                             "  inner              01ff\n"
                             "a line of 1\n");
    put(&s, true, out, sizeof out);
    assert_string_equal(out, "{\n  \"a\": \"one\",\n  \"b\": 2,\n  \"c\": true,\n  \"d\": null,\n"
                             "  \"list\": [\n    {\n      \"e\": \"01ff\"\n    }\n  ]\n}\n");
    sheet_free(&s);
}

static void a_sheet_fails_as_a_whole(void **state)
{
    struct sheet s = sheet_new();
    FILE *f = tmpfile();

    (void)state;
    memory_fail_after(0);
    sheet_text(&s, "a", "first", "one", NULL);
    memory_fail_after(-1);
    sheet_text(&s, "b", "second", "two", NULL);
    assert_int_equal(sheet_put(&s, false, f), RP_NO_MEMORY);
    assert_int_equal(sheet_put(&s, true, f), RP_NO_MEMORY);
    (void)fclose(f);
    sheet_free(&s);
}

static void a_name_that_is_no_utf8(void **state)
{
    struct sheet s = sheet_new();
    char out[64];

    (void)state;
    sheet_text(&s, "a", NULL, "caf\xe9", NULL);
    put(&s, true, out, sizeof out);
    assert_string_equal(out, "{\n  \"a\": \"caf?\"\n}\n");
    sheet_free(&s);
}

/* Text for people stays text, whatever somebody else wrote into it. */
static void bytes_of_others_are_made_safe(void **state)
{
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    ticket_content_add_safely(&t, (const uint8_t *)"a\x1b[2J\n\\\xff", 8);
    assert_string_equal(buffer, "a\\x1b[2J\\x0a\\x5c\\xff");
}

static void durations(void **state)
{
    static const struct {
        uint64_t s;
        const char *text;
    } rows[] = {{0, "0 s"},
                {59, "59 s"},
                {60, "60 s (1 min)"},
                {7200, "7200 s (2 h)"},
                {7201, "7201 s (over 2 h)"},
                {604800, "604800 s (7 d)"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[64];
        struct text t = text_of(buffer, sizeof buffer);

        ticket_report_add_duration(&t, rows[i].s);
        assert_string_equal(buffer, rows[i].text);
    }
}

/* The whole of decode and open, failing at each allocation in turn. */
static void memory_runs_out(void **state)
{
    const struct kit_key key = kit_key(1, 32, 32);
    struct ticket_list list = {0};
    struct ticket_item like = {.source = "f", .form = TICKET_FORM_HEX};
    uint8_t ticket[KIT_TICKET_MAX];
    struct rp_error err;
    bool failed = true;
    long n = 0;

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(ticket_list_add(&list, &like, ticket, kit_ticket(&key, i, ticket), &err),
                         RP_OK);
    }
    while (failed) {
        struct sheet s;

        memory_fail_after(n++);
        s = sheet_new();
        ticket_report_decode(&s, &list);
        memory_fail_after(-1);
        failed = s.failed;
        sheet_free(&s);
        assert_true(n < 1000);
    }
    assert_true(n > 10);
    ticket_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_twice),
        cmocka_unit_test(a_sheet_fails_as_a_whole),
        cmocka_unit_test(a_name_that_is_no_utf8),
        cmocka_unit_test(bytes_of_others_are_made_safe),
        cmocka_unit_test(durations),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
