#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "starttls.h"

static enum starttls_next feed(struct starttls *s, const char *text)
{
    return starttls_feed(s, text, strlen(text));
}

static void greets_and_begins(void **state)
{
    struct starttls s = {0};

    (void)state;
    assert_int_equal(feed(&s, "220-mail.example ESMTP\r\n"), STARTTLS_READ);
    assert_int_equal(feed(&s, "220 hello\r\n"), STARTTLS_SEND);
    assert_memory_equal(starttls_text(&s), "EHLO ", 5);
    assert_int_equal(feed(&s, "250-mail.example\r\n250-SIZE 1\r\n250-starttls\r\n250 X\r\n"),
                     STARTTLS_SEND);
    assert_string_equal(starttls_text(&s), "STARTTLS\r\n");
    assert_int_equal(feed(&s, "220 go ahead\r\n"), STARTTLS_BEGIN);
}

static void bytes_may_come_one_by_one(void **state)
{
    static const char greeting[] = "220 x\r\n";
    struct starttls s = {0};

    (void)state;
    for (size_t i = 0; i + 1 < sizeof greeting - 1; i++) {
        assert_int_equal(starttls_feed(&s, greeting + i, 1), STARTTLS_READ);
    }
    assert_int_equal(starttls_feed(&s, "\n", 1), STARTTLS_SEND);
}

static void expect_failure(const char *first, const char *second, const char *third,
                           const char *why)
{
    struct starttls s = {0};
    enum starttls_next next = feed(&s, first);

    if (second != NULL) {
        assert_int_equal(next, STARTTLS_SEND);
        next = feed(&s, second);
    }
    if (third != NULL) {
        assert_int_equal(next, STARTTLS_SEND);
        next = feed(&s, third);
    }
    assert_int_equal(next, STARTTLS_FAILED);
    assert_string_equal(s.err.text, why);
    assert_int_equal(feed(&s, "220 x\r\n"), STARTTLS_FAILED);
}

static void says_why_it_failed(void **state)
{
    (void)state;
    expect_failure("HTTP/1.1 400 Bad\r\n", NULL, NULL, "what the server sends is not SMTP");
    expect_failure("22\r\n", NULL, NULL, "what the server sends is not SMTP");
    expect_failure("554 no\r\n", NULL, NULL, "SMTP: the server says 554 to the connection");
    expect_failure("220 x\r\n", "502 no\r\n", NULL, "SMTP: the server says 502 to EHLO");
    expect_failure("220 x\r\n", "250-x\r\n250 STARTTLSX\r\n", NULL,
                   "SMTP: the server does not offer STARTTLS");
    expect_failure("220 x\r\n", "250 STARTTLS\r\n", "454 later\r\n",
                   "SMTP: the server says 454 to STARTTLS");
}

/* CVE-2011-0411, the other way round: what came in clear must not be taken for TLS. */
static void more_than_its_turn_is_refused(void **state)
{
    (void)state;
    expect_failure("220 x\r\n250 y\r\n", NULL, NULL, "SMTP: the server sends more than its turn");
    expect_failure("220 x\r\n", "250 STARTTLS\r\n", "220 go\r\nx",
                   "SMTP: the server sends more than its turn");
}

static void an_endless_reply_ends(void **state)
{
    struct starttls s = {0};
    enum starttls_next next = STARTTLS_READ;

    (void)state;
    for (unsigned i = 0; i < STARTTLS_BYTES_MAX && next == STARTTLS_READ; i++) {
        next = feed(&s, "220-x\r\n");
    }
    assert_int_equal(next, STARTTLS_FAILED);
    assert_string_equal(s.err.text, "SMTP: the server's reply is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_and_begins),     cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(says_why_it_failed),    cmocka_unit_test(more_than_its_turn_is_refused),
        cmocka_unit_test(an_endless_reply_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
