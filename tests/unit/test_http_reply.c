#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http_reply.h"

/* Feeds text whole and byte by byte: both must end alike. */
static struct http_reply feed(const char *text)
{
    struct http_reply whole = {0};
    struct http_reply split = {0};

    (void)http_reply_feed(&whole, text, strlen(text));
    for (size_t i = 0; text[i] != '\0'; i++) {
        (void)http_reply_feed(&split, text + i, 1);
    }
    assert_int_equal(whole.state, split.state);
    assert_int_equal(whole.status, split.status);
    return whole;
}

static void ends_by_length(void **state)
{
    const struct http_reply r = feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

    (void)state;
    assert_int_equal(r.state, HTTP_REPLY_DONE);
    assert_int_equal(r.status, 200);
}

static void is_not_whole_before_its_length(void **state)
{
    const struct http_reply r = feed("HTTP/1.1 200 OK\r\ncontent-length:5 \r\n\r\nhell");

    (void)state;
    assert_int_equal(r.state, HTTP_REPLY_BODY);
    assert_false(http_reply_whole_at_end(&r));
}

static void without_length_ends_by_close(void **state)
{
    const struct http_reply r = feed("HTTP/1.0 200 ok\nServer: x\n\nhello");

    (void)state;
    assert_int_equal(r.state, HTTP_REPLY_UNTIL_CLOSE);
    assert_true(http_reply_whole_at_end(&r));
}

static void chunks_end_by_close(void **state)
{
    const struct http_reply r =
        feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n");

    (void)state;
    assert_int_equal(r.state, HTTP_REPLY_UNTIL_CLOSE);
}

static void no_body_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(feed("HTTP/1.1 204 No Content\r\n\r\n").state, HTTP_REPLY_DONE);
    assert_int_equal(feed("HTTP/1.1 421 No\r\nContent-Length: 0\r\n\r\n").state, HTTP_REPLY_DONE);
}

static void interim_replies_are_skipped(void **state)
{
    const struct http_reply r =
        feed("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");

    (void)state;
    assert_int_equal(r.state, HTTP_REPLY_DONE);
    assert_int_equal(r.status, 404);
}

static void a_reply_to_head_ends_with_its_header(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    struct http_reply r = {.bodiless = true};

    (void)state;
    assert_int_equal(http_reply_feed(&r, text, sizeof text - 1), HTTP_REPLY_DONE);
}

static void names_the_server(void **state)
{
    const struct http_reply r = feed("HTTP/1.1 200 OK\r\nserver: nginx/1.2 \x1b[1m\r\n\r\n");
    const struct http_reply longest =
        feed("HTTP/1.1 200 OK\r\nServer: 0123456789012345678901234567890123456789"
             "01234567890123456789012345678901234567890123456789\r\n\r\n");

    (void)state;
    assert_string_equal(r.server, "nginx/1.2 ?[1m");
    assert_int_equal(strlen(longest.server), sizeof longest.server - 1);
}

static void what_is_not_http_is_bad(void **state)
{
    (void)state;
    assert_int_equal(feed("220 mail ESMTP\r\n").state, HTTP_REPLY_BAD);
    assert_int_equal(feed("HTTP/1.1 abc\r\n").state, HTTP_REPLY_BAD);
    assert_int_equal(feed("HTTP/1.1 099 x\r\n").state, HTTP_REPLY_BAD);
    assert_int_equal(feed("\r\n").state, HTTP_REPLY_BAD);
    assert_int_equal(feed("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n").state, HTTP_REPLY_BAD);
}

static void long_lines_are_cut(void **state)
{
    char text[600] = "HTTP/1.1 200 OK\r\nX: ";
    const size_t at = strlen(text);
    struct http_reply r;

    (void)state;
    memset(text + at, 'y', 400);
    memcpy(text + at + 400, "\r\nContent-Length: 0\r\n\r\n", 24);
    r = feed(text);
    assert_int_equal(r.state, HTTP_REPLY_DONE);
}

static void nothing_is_not_whole(void **state)
{
    const struct http_reply r = {0};

    (void)state;
    assert_false(http_reply_whole_at_end(&r));
}

static void header_has_a_limit(void **state)
{
    static const char name[] = "X: ";
    struct http_reply r = {0};
    size_t n = 0;

    (void)state;
    n += strlen("HTTP/1.1 200 OK\r\n");
    (void)http_reply_feed(&r, "HTTP/1.1 200 OK\r\n", n);
    while (r.state == HTTP_REPLY_HEADER) {
        (void)http_reply_feed(&r, name + n % 3, 1);
        n++;
    }
    assert_int_equal(r.state, HTTP_REPLY_TOO_LONG);
    assert_int_equal(n, HTTP_REPLY_HEADER_MAX);
    assert_false(http_reply_whole_at_end(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_by_length),
        cmocka_unit_test(is_not_whole_before_its_length),
        cmocka_unit_test(without_length_ends_by_close),
        cmocka_unit_test(chunks_end_by_close),
        cmocka_unit_test(no_body_ends_at_once),
        cmocka_unit_test(interim_replies_are_skipped),
        cmocka_unit_test(a_reply_to_head_ends_with_its_header),
        cmocka_unit_test(names_the_server),
        cmocka_unit_test(what_is_not_http_is_bad),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(nothing_is_not_whole),
        cmocka_unit_test(header_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
