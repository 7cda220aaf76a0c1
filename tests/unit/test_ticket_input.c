#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "text.h"
#include "ticket_dump.h"
#include "ticket_input.h"
#include "ticket_kit.h"

/* As openssl s_client 3.0 prints one, shortened; the bytes are made up. */
static const char two_of_s_client[] =
    "CONNECTED(00000003)\n"
    "0000 - ff ff ff ff                                       ....\n"
    "---\n"
    "SSL-Session:\n"
    "    Protocol  : TLSv1.3\n"
    "    Resumption PSK: 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n"
    "    TLS session ticket lifetime hint: 7200 (seconds)\n"
    "    TLS session ticket:\n"
    "    0000 - 00 01 02 03 04 05 06 07-08 09 0a 0b 0c 0d 0e 0f   ................\n"
    "    0010 - 61 62 20                                          ab \n"
    "\n"
    "    Start Time: 1700000000\n"
    "---\n"
    "SSL-Session:\n"
    "    Protocol  : TLSv1.2\n"
    "    TLS session ticket:\n"
    "    0000 - 10 11 12 13 14 15 16 17-18 19 1a 1b 1c 1d 1e 1f   ................\n"
    "closed\n";

static enum rp_status read_text(const char *text, struct ticket_list *list, struct rp_error *err)
{
    *list = (struct ticket_list){0};
    *err = (struct rp_error){{0}};
    return ticket_input_read("f", (const uint8_t *)text, strlen(text), list, err);
}

static void a_line_of_a_dump(void **state)
{
    static const char line[] = "  0010 - 61 62 63 64 65 66 67 68-69 6a    abcdefghij";
    struct ticket_dump_line d;

    (void)state;
    assert_true(ticket_dump_line_parse(line, strlen(line), &d));
    assert_int_equal(d.offset, 16);
    assert_int_equal(d.n, 10);
    assert_memory_equal(d.bytes, "abcdefghij", 10);
    assert_true(ticket_dump_line_parse("0000 - 0a", 9, &d));
    assert_int_equal(d.n, 1);
    assert_true(ticket_dump_line_parse("00a0 - <SPACES/NULS>", 20, &d));
    assert_true(d.trimmed);
}

static void other_lines_are_no_dump(void **state)
{
    static const char *const lines[] = {"",         "000 - 00",      "0000 00",
                                        "0000 - ",  "0000 - g",      "0000 -  00",
                                        "0000 - 0", "Start Time: 1", "000000000 - 00"};
    struct ticket_dump_line d;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_false(ticket_dump_line_parse(lines[i], strlen(lines[i]), &d));
        assert_int_equal(d.n, 0);
    }
}

static void two_tickets_of_s_client(void **state)
{
    struct ticket_list list;
    struct rp_error err;

    (void)state;
    assert_int_equal(read_text(two_of_s_client, &list, &err), RP_OK);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.items[0].form, TICKET_FORM_DUMP);
    assert_int_equal(list.items[0].line, 9);
    assert_int_equal(list.items[0].ticket.n, 19);
    assert_memory_equal(list.items[0].ticket.p + 16, "ab ", 3);
    assert_int_equal(list.items[0].version, 0x0304);
    assert_true(list.items[0].has_lifetime);
    assert_int_equal(list.items[0].lifetime_s, 7200);
    assert_int_equal(list.items[0].secret_len, 32);
    assert_int_equal(list.items[0].secret[31], 31);
    assert_int_equal(list.items[1].version, 0x0303);
    assert_false(list.items[1].has_lifetime);
    assert_int_equal(list.items[1].secret_len, 0);
    ticket_list_fini(&list);
}

/* Whatever is cut off at the end, what comes out is right or refused. */
static void a_print_that_is_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof two_of_s_client; n++) {
        struct ticket_list list = {0};
        struct rp_error err = {{0}};
        const enum rp_status status =
            ticket_input_read("f", (const uint8_t *)two_of_s_client, n, &list, &err);

        assert_true(status == RP_OK || (status == RP_FORMAT && err.text[0] != '\0'));
        for (size_t i = 0; i < list.n; i++) {
            assert_true(list.items[i].ticket.n >= TICKET_LEN_MIN);
        }
        ticket_list_fini(&list);
    }
}

static void paragraphs_and_long_lines(void **state)
{
    char text[4096];
    struct text t = text_of(text, sizeof text);
    struct ticket_list list;
    struct rp_error err;
    uint8_t bytes[100];

    (void)state;
    kit_random(1, bytes, sizeof bytes);
    text_add(&t, "# two lines, one ticket\n");
    text_add_hex(&t, bytes, 40);
    text_add(&t, "\n");
    text_add_hex(&t, bytes + 40, 40);
    text_add(&t, "\n\n# and two, a long line each\n");
    text_add_hex(&t, bytes, 100);
    text_add(&t, "\n");
    text_add_hex(&t, bytes, 90);
    assert_int_equal(read_text(text, &list, &err), RP_OK);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.items[0].ticket.n, 80);
    assert_int_equal(list.items[0].line, 2);
    assert_int_equal(list.items[1].ticket.n, 100);
    assert_int_equal(list.items[2].ticket.n, 90);
    assert_int_equal(list.items[2].line, 7);
    ticket_list_fini(&list);
}

/* The letters 0x within base64 are letters. */
static void prefixes_are_words_only(void **state)
{
    struct ticket_list list;
    struct rp_error err;

    (void)state;
    assert_int_equal(read_text("AAAA0xABCDEFAAAAAAAAAAAAAAAAAAAA", &list, &err), RP_OK);
    assert_int_equal(list.items[0].form, TICKET_FORM_BASE64);
    assert_int_equal(list.items[0].ticket.n, 24);
    ticket_list_fini(&list);
    assert_int_equal(read_text("0x000102030405060708090a0b0c0d0e0f", &list, &err), RP_OK);
    assert_int_equal(list.items[0].ticket.n, 16);
    assert_int_equal(list.items[0].ticket.p[15], 15);
    ticket_list_fini(&list);
    assert_int_equal(read_text("\"\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\"\n"
                               "\"\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\"",
                               &list, &err),
                     RP_OK);
    assert_int_equal(list.items[0].ticket.n, 16);
    assert_int_equal(list.items[0].ticket.p[15], 15);
    ticket_list_fini(&list);
}

static void a_session_without_a_ticket_is_no_ticket(void **state)
{
    static const char text[] = "-----BEGIN SSL SESSION PARAMETERS-----\n"
                               "MAMCAQE=\n"
                               "-----END SSL SESSION PARAMETERS-----\n";
    struct ticket_list list;
    struct rp_error err;

    (void)state;
    assert_int_equal(read_text(text, &list, &err), RP_FORMAT);
    assert_string_equal(err.text, "f:1: the session file cannot be decoded");
    ticket_list_fini(&list);
}

static void memory_runs_out(void **state)
{
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status == RP_NO_MEMORY) {
        struct ticket_list list;
        struct rp_error err;

        memory_fail_after(n++);
        status = read_text(two_of_s_client, &list, &err);
        memory_fail_after(-1);
        ticket_list_fini(&list);
        assert_true(n < 100);
    }
    assert_int_equal(status, RP_OK);
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_a_dump),
        cmocka_unit_test(other_lines_are_no_dump),
        cmocka_unit_test(two_tickets_of_s_client),
        cmocka_unit_test(a_print_that_is_cut),
        cmocka_unit_test(paragraphs_and_long_lines),
        cmocka_unit_test(prefixes_are_words_only),
        cmocka_unit_test(a_session_without_a_ticket_is_no_ticket),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
