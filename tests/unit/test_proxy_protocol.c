#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BODY "\xcb\x00\x71\x07\xc6\x33\x64\x01\x9c\x40\x01\xbb"
#define V6_BODY                                                                                    \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x9c\x40\x01\xbb"

#define BYTES(s) (const uint8_t *)("" s), sizeof(s) - 1

static const struct proxy_addresses v4 = {.family = PROXY_TCP4,
                                          .source = {203, 0, 113, 7},
                                          .destination = {198, 51, 100, 1},
                                          .source_port = 40000,
                                          .destination_port = 443};
static const struct proxy_addresses v6 = {
    .family = PROXY_TCP6,
    .source = {0x20, 0x01, 0x0d, 0xb8, [15] = 7},
    .destination = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
    .source_port = 40000,
    .destination_port = 443,
};
static const struct proxy_addresses unknown = {.family = PROXY_UNKNOWN};

/* From memory of the exact size, so that a byte too many is found. */
static enum proxy_progress decode(const uint8_t *p, size_t n, struct proxy_decoder *d,
                                  size_t *taken)
{
    uint8_t *exact = malloc(n);
    enum proxy_progress progress;

    assert_non_null(exact);
    memcpy(exact, p, n);
    *d = (struct proxy_decoder){.why = NULL};
    progress = proxy_decode(d, exact, n, taken);
    free(exact);
    return progress;
}

static void expect(const uint8_t *p, size_t n, const struct proxy_addresses *wanted)
{
    struct proxy_decoder d;
    size_t taken;

    assert_int_equal(decode(p, n, &d, &taken), PROXY_DONE);
    assert_int_equal(taken, n);
    assert_memory_equal(&d.addresses, wanted, sizeof *wanted);
    assert_null(d.why);
    for (size_t cut = 1; cut < n; cut++) {
        assert_int_equal(decode(p, cut, &d, &taken), PROXY_MORE);
        assert_int_equal(taken, cut);
        assert_int_equal(proxy_decode(&d, p + cut, n - cut, &taken), PROXY_DONE);
        assert_int_equal(taken, n - cut);
        assert_memory_equal(&d.addresses, wanted, sizeof *wanted);
    }
}

static void expect_refused(const uint8_t *p, size_t n)
{
    struct proxy_decoder d;
    size_t taken;

    assert_int_equal(decode(p, n, &d, &taken), PROXY_REFUSED);
    assert_non_null(d.why);
    assert_memory_equal(&d.addresses, &unknown, sizeof unknown);
}

static void version_1_is_read(void **state)
{
    (void)state;
    expect(BYTES("PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\r\n"), &v4);
    expect(BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n"), &v6);
    expect(BYTES("PROXY UNKNOWN\r\n"), &unknown);
    expect(BYTES("PROXY UNKNOWN ffff::f ffff::1 65535 65535\r\n"), &unknown);
    expect(BYTES("PROXY UNKNOWN \r \r\n"), &unknown);
}

static void the_longest_line_fits(void **state)
{
    char line[PROXY_V1_MAX + 2] = "PROXY UNKNOWN ";

    (void)state;
    memset(line + 14, 'x', sizeof line - 14);
    line[PROXY_V1_MAX - 2] = '\r';
    line[PROXY_V1_MAX - 1] = '\n';
    expect((const uint8_t *)line, PROXY_V1_MAX, &unknown);
    line[PROXY_V1_MAX - 2] = 'x';
    line[PROXY_V1_MAX - 1] = '\r';
    line[PROXY_V1_MAX] = '\n';
    expect_refused((const uint8_t *)line, PROXY_V1_MAX + 1);
}

static void malformed_lines_are_refused(void **state)
{
    static const char *const bad[] = {
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000 443 \r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000 443 1\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000\r\n",
        "PROXY TCP4 203.0.113.7  198.51.100.1 40000 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 040000 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 -1 443\r\n",
        "PROXY TCP4 203.0.113.256 198.51.100.1 1 443\r\n",
        "PROXY TCP4 203.0.113.07 198.51.100.1 1 443\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 40000 443\r\n",
        "PROXY TCP6 203.0.113.7 198.51.100.1 40000 443\r\n",
        "PROXY TCP6 2001:db8::7%lo 2001:db8::1 40000 443\r\n",
        "PROXY UDP4 203.0.113.7 198.51.100.1 40000 443\r\n",
        "PROXY tcp4 203.0.113.7 198.51.100.1 40000 443\r\n",
        "PROXY TCP4\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        "PROXY\r\n",
        "proxy UNKNOWN\r\n",
        " PROXY UNKNOWN\r\n",
        "GET / HTTP/1.1\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_refused((const uint8_t *)bad[i], strlen(bad[i]));
    }
    expect_refused(BYTES("PROXY UNKNOWN\0\r\n"));
}

static void version_2_is_read(void **state)
{
    (void)state;
    expect(BYTES(SIGNATURE "\x21\x11\0\x0c" V4_BODY), &v4);
    expect(BYTES(SIGNATURE "\x21\x21\0\x24" V6_BODY), &v6);
    expect(BYTES(SIGNATURE "\x21\x11\0\x11" V4_BODY "\x02\0\x02xy"), &v4);
    expect(BYTES(SIGNATURE "\x20\0\0\0"), &unknown);
    expect(BYTES(SIGNATURE "\x20\x11\0\x0c" V4_BODY), &unknown);
    expect(BYTES(SIGNATURE "\x21\0\0\0"), &unknown);
    expect(BYTES(SIGNATURE "\x21\x31\0\x02xx"), &unknown);
    expect(BYTES(SIGNATURE "\x21\x12\0\x0c" V4_BODY), &unknown);
}

static void malformed_version_2_is_refused(void **state)
{
    (void)state;
    expect_refused(BYTES(SIGNATURE "\x11\x11\0\x0c" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x31\x11\0\x0c" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x22\x11\0\x0c" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x21\x41\0\x0c" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x21\x13\0\x0c" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x21\x11\0\x0b" V4_BODY));
    expect_refused(BYTES(SIGNATURE "\x21\x21\0\x0c" V4_BODY));
    expect_refused(BYTES("\r\n\r\n\0\r\nQUIT\r"));
}

static void the_signature_is_checked_byte_by_byte(void **state)
{
    uint8_t head[] = SIGNATURE;
    struct proxy_decoder d;
    size_t taken;

    (void)state;
    for (size_t i = 0; i < sizeof head - 1; i++) {
        head[i] ^= 1;
        assert_int_equal(decode(head, sizeof head - 1, &d, &taken), PROXY_REFUSED);
        assert_int_equal(taken, i + 1);
        head[i] ^= 1;
    }
}

static void tls_is_no_header(void **state)
{
    struct proxy_decoder d;
    size_t taken;

    (void)state;
    assert_int_equal(decode(BYTES("\x16\x03\x01\x02\x00\x01"), &d, &taken), PROXY_REFUSED);
    assert_int_equal(taken, 1);
    assert_string_equal(d.why, "no PROXY protocol header");
}

static void what_follows_is_not_taken(void **state)
{
    static const uint8_t v1[] = "PROXY UNKNOWN\r\n\x16\x03\x01";
    static const uint8_t v2[] = SIGNATURE "\x20\0\0\x03xyz\x16\x03\x01";
    struct proxy_decoder d;
    size_t taken;

    (void)state;
    assert_int_equal(decode(v1, sizeof v1 - 1, &d, &taken), PROXY_DONE);
    assert_int_equal(taken, sizeof v1 - 4);
    assert_int_equal(decode(v2, sizeof v2 - 1, &d, &taken), PROXY_DONE);
    assert_int_equal(taken, sizeof v2 - 4);
}

static void the_longest_header_is_skipped(void **state)
{
    const size_t n = 16 + 65535;
    uint8_t *header = calloc(1, n);

    (void)state;
    assert_non_null(header);
    memcpy(header, SIGNATURE "\x21\x11\xff\xff" V4_BODY, 28);
    for (size_t step = 1; step < n; step = step * 7 + 1) {
        struct proxy_decoder d = {.why = NULL};
        enum proxy_progress progress = PROXY_MORE;
        size_t at = 0;

        while (at < n) {
            size_t taken;

            assert_int_equal(progress, PROXY_MORE);
            progress = proxy_decode(&d, header + at, step < n - at ? step : n - at, &taken);
            at += taken;
        }
        assert_int_equal(progress, PROXY_DONE);
        assert_memory_equal(&d.addresses, &v4, sizeof v4);
    }
    free(header);
}

static void version_1_is_written(void **state)
{
    static const char want4[] = "PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\r\n";
    static const char want6[] = "PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n";
    struct proxy_addresses longest = {
        .family = PROXY_TCP6, .source_port = 65535, .destination_port = 65535};
    uint8_t out[PROXY_V1_MAX];

    (void)state;
    assert_int_equal(proxy_encode_v1(&v4, out), sizeof want4 - 1);
    assert_memory_equal(out, want4, sizeof want4 - 1);
    assert_int_equal(proxy_encode_v1(&v6, out), sizeof want6 - 1);
    assert_memory_equal(out, want6, sizeof want6 - 1);
    assert_int_equal(proxy_encode_v1(&unknown, out), 15);
    assert_memory_equal(out, "PROXY UNKNOWN\r\n", 15);
    memset(longest.source, 0xfe, sizeof longest.source);
    memset(longest.destination, 0xfe, sizeof longest.destination);
    expect(out, proxy_encode_v1(&longest, out), &longest);
}

static void version_2_is_written(void **state)
{
    const struct proxy_facts facts = {.alpn = (const uint8_t *)"h2",
                                      .alpn_len = 2,
                                      .authority = "a.example",
                                      .presented = true,
                                      .has_certificate = true,
                                      .version = "TLSv1.3",
                                      .cipher = "C",
                                      .common_name = "Al",
                                      .sig_alg = "S",
                                      .key_alg = "EC256",
                                      .resumed = true,
                                      .mechanism = 3};
    static const uint8_t wanted[] =
        SIGNATURE "\x21\x11\x00\x49" V4_BODY "\x01\x00\x02h2"
                  "\x02\x00\x09"
                  "a.example"
                  "\x20\x00\x24\x07\x00\x00\x00\x00\x21\x00\x07TLSv1.3\x22\x00\x02"
                  "Al"
                  "\x23\x00\x01"
                  "C"
                  "\x24\x00\x01S\x25\x00\x05"
                  "EC256"
                  "\xe4\x00\x02\x01\x03";
    uint8_t out[PROXY_V2_MAX];

    (void)state;
    assert_int_equal(proxy_encode_v2(&v4, &facts, out), sizeof wanted - 1);
    assert_memory_equal(out, wanted, sizeof wanted - 1);
    expect(out, sizeof wanted - 1, &v4);
}

static void what_is_not_there_is_not_written(void **state)
{
    const struct proxy_facts facts = {.version = "TLSv1.2", .cipher = "C", .verify = 1};
    static const uint8_t wanted[] =
        SIGNATURE "\x20\x00\x00\x1b\x20\x00\x13\x01\x00\x00\x00\x01\x21\x00\x07TLSv1.2\x23\x00\x01"
                  "C"
                  "\xe4\x00\x02\x00\x00";
    uint8_t out[PROXY_V2_MAX];

    (void)state;
    assert_int_equal(proxy_encode_v2(&unknown, &facts, out), sizeof wanted - 1);
    assert_memory_equal(out, wanted, sizeof wanted - 1);
}

static void the_largest_header_fits_and_longer_texts_are_left_out(void **state)
{
    char text[PROXY_TEXT_MAX + 2];
    const struct proxy_facts facts = {.alpn = (const uint8_t *)text,
                                      .alpn_len = PROXY_TEXT_MAX,
                                      .authority = text,
                                      .version = text,
                                      .cipher = text,
                                      .common_name = text,
                                      .sig_alg = text,
                                      .key_alg = text};
    uint8_t out[PROXY_V2_MAX];

    (void)state;
    memset(text, 'x', sizeof text);
    text[PROXY_TEXT_MAX] = '\0';
    expect(out, proxy_encode_v2(&v6, &facts, out), &v6);
    text[PROXY_TEXT_MAX] = 'x';
    text[PROXY_TEXT_MAX + 1] = '\0';
    assert_in_range(proxy_encode_v2(&v6, &facts, out), 1, 16 + 36 + 8 + 5 + 3 + PROXY_TEXT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_read),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(malformed_lines_are_refused),
        cmocka_unit_test(version_2_is_read),
        cmocka_unit_test(malformed_version_2_is_refused),
        cmocka_unit_test(the_signature_is_checked_byte_by_byte),
        cmocka_unit_test(tls_is_no_header),
        cmocka_unit_test(what_follows_is_not_taken),
        cmocka_unit_test(the_longest_header_is_skipped),
        cmocka_unit_test(version_1_is_written),
        cmocka_unit_test(version_2_is_written),
        cmocka_unit_test(what_is_not_there_is_not_written),
        cmocka_unit_test(the_largest_header_fits_and_longer_texts_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
