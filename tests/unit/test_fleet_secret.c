#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_secret.h"
#include "text.h"

#define PREFIX_LEN (sizeof FLEET_SECRET_PREFIX - 1)
#define TEXT_LEN (FLEET_SECRET_TEXT_SIZE - 1)

/* The example of docs/formats/fleet-secret.md, and another; both worked out by zlib's crc32. */
static const char first[] = "reprise-fleet-secret-1:"
                            "17tg73v73mwqfe4yhcxvz6gkhnzqfh6q45yeetamwgpcje0f3cw9ntekw8";
static const char second[] = "reprise-fleet-secret-1:"
                             "0m622kw0qwbq5ptxw9tj3m4dccy268s66xgrxj8xekcnfp371yx69rv6w4";
static const uint8_t first_bytes[FLEET_SECRET_LEN] = {
    0x09, 0xf5, 0x03, 0x8f, 0x67, 0x1d, 0x39, 0x77, 0xb8, 0x9e, 0x8b, 0x3b, 0xbf, 0x9a, 0x13, 0x8d,
    0x7f, 0x77, 0xc4, 0xd7, 0x21, 0x7c, 0xe7, 0x69, 0x54, 0xe4, 0x2c, 0xc9, 0x38, 0x0f, 0x1b, 0x38};
static const uint8_t second_bytes[FLEET_SECRET_LEN] = {
    0x05, 0x0c, 0x21, 0x4f, 0x80, 0xbf, 0x17, 0x72, 0xdb, 0x5d, 0xe2, 0x75, 0x21, 0xd0, 0x8d, 0x63,
    0x3c, 0x23, 0x23, 0x26, 0x37, 0x61, 0x8e, 0xc9, 0x1d, 0x74, 0xd9, 0x57, 0xd8, 0x67, 0x0f, 0xba};

struct seen {
    struct fleet_secrets secrets;
    struct rp_error err;
};

static enum rp_status decode_n(const void *p, size_t n, struct seen *seen)
{
    static const struct fleet_secrets nothing;
    uint8_t *exact = malloc(n != 0 ? n : 1);
    enum rp_status status;

    assert_non_null(exact);
    if (n != 0) {
        memcpy(exact, p, n);
    }
    memset(seen, 0xaa, sizeof *seen);
    seen->err.text[0] = '\0';
    status = fleet_secrets_decode("f", exact, n, &seen->secrets, &seen->err);
    free(exact);
    if (status != RP_OK) {
        assert_memory_equal(&seen->secrets, &nothing, sizeof nothing);
        assert_true(seen->err.text[0] == 'f' && seen->err.text[1] == ':');
    }
    return status;
}

static enum rp_status decode(const char *text, struct seen *seen)
{
    return decode_n(text, strlen(text), seen);
}

static void expect_complaint(const char *text, enum rp_status expected, const char *complaint)
{
    struct seen seen;

    assert_int_equal(decode(text, &seen), expected);
    assert_string_equal(seen.err.text, complaint);
}

/* head, s and tail, one after another; static storage of the caller. */
static const char *join(char *buffer, size_t size, const char *head, const char *s,
                        const char *tail)
{
    struct text t = text_of(buffer, size);

    text_add(&t, head);
    text_add(&t, s);
    text_add(&t, tail);
    assert_false(t.cut);
    return buffer;
}

static void a_secret_is_written_as_documented(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE];

    (void)state;
    fleet_secret_encode(first_bytes, text);
    assert_string_equal(text, first);
    fleet_secret_encode(second_bytes, text);
    assert_string_equal(text, second);
    assert_int_equal(strlen(text), TEXT_LEN);
}

static void one_and_two_secrets_are_read(void **state)
{
    char text[512];
    struct seen seen;

    (void)state;
    assert_int_equal(decode(first, &seen), RP_OK); /* without a newline */
    assert_int_equal(seen.secrets.n, 1);
    assert_memory_equal(seen.secrets.secret[0], first_bytes, FLEET_SECRET_LEN);
    (void)join(text, sizeof text, second, "\n", first);
    assert_int_equal(decode(text, &seen), RP_OK);
    assert_int_equal(seen.secrets.n, 2);
    assert_memory_equal(seen.secrets.secret[0], second_bytes, FLEET_SECRET_LEN);
    assert_memory_equal(seen.secrets.secret[1], first_bytes, FLEET_SECRET_LEN);
}

static void comments_and_blanks_do_not_count(void **state)
{
    static const uint8_t nothing[FLEET_SECRET_LEN];
    char text[512];
    struct seen seen;

    (void)state;
    (void)join(text, sizeof text, "# of the shop, \xc3\xa4\r\n\r\n\t \n \t", first,
               " \t\r\n\n  # end");
    assert_int_equal(decode(text, &seen), RP_OK);
    assert_int_equal(seen.secrets.n, 1);
    assert_memory_equal(seen.secrets.secret[0], first_bytes, FLEET_SECRET_LEN);
    assert_memory_equal(seen.secrets.secret[1], nothing, FLEET_SECRET_LEN);
}

static void case_and_look_alikes_do_not_count(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE];
    struct seen seen;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = first[i] >= 'a' && first[i] <= 'z' ? (char)(first[i] - 'a' + 'A') : first[i];
    }
    assert_int_equal(decode(text, &seen), RP_OK);
    assert_memory_equal(seen.secrets.secret[0], first_bytes, FLEET_SECRET_LEN);
    for (unsigned turn = 0; turn < 4; turn++) {
        for (size_t i = PREFIX_LEN; i < TEXT_LEN; i++) {
            if (first[i] == '0') {
                text[i] = "oO0o"[turn];
            } else if (first[i] == '1') {
                text[i] = "iIlL"[turn];
            }
        }
        assert_int_equal(decode(text, &seen), RP_OK);
        assert_memory_equal(seen.secrets.secret[0], first_bytes, FLEET_SECRET_LEN);
    }
}

static void every_wrong_character_is_found(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE];
    struct seen seen;

    (void)state;
    for (size_t i = PREFIX_LEN; i < TEXT_LEN; i++) {
        memcpy(text, first, sizeof text);
        for (const char *c = "0123456789abcdefghjkmnpqrstvwxyz"; *c != '\0'; c++) {
            text[i] = *c;
            if (*c == first[i]) {
                assert_int_equal(decode(text, &seen), RP_OK);
            } else {
                assert_int_equal(decode(text, &seen), RP_FORMAT);
                assert_non_null(strstr(seen.err.text, "f:1: the checksum differs"));
            }
        }
    }
}

static void neighbours_that_are_swapped_are_found(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE];
    struct seen seen;

    (void)state;
    for (size_t i = PREFIX_LEN; i + 1 < TEXT_LEN; i++) {
        memcpy(text, first, sizeof text);
        text[i] = first[i + 1];
        text[i + 1] = first[i];
        assert_int_equal(decode(text, &seen), first[i] == first[i + 1] ? RP_OK : RP_FORMAT);
    }
}

static void a_character_that_is_none_is_named_by_its_column(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE];
    char expected[128];
    struct seen seen;

    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        const char *const digits = "0123456789abcdefghjkmnpqrstvwxyzABCDEFGHJKMNPQRSTVWXYZiIlLoO";
        const size_t i = PREFIX_LEN + c % (FLEET_SECRET_DIGITS - 1);
        struct text t = text_of(expected, sizeof expected);

        if (strchr(digits, (int)c) != NULL || c == '\n') {
            continue;
        }
        memcpy(text, first, sizeof text);
        text[i] = (char)c;
        text_addf(&t, "f:1:%zu: no fleet secret has the character in this column", i + 1);
        expect_complaint(text, RP_FORMAT, expected);
    }
    memcpy(text, first, sizeof text);
    text[PREFIX_LEN] = '\0';
    assert_int_equal(decode_n(text, TEXT_LEN, &seen), RP_FORMAT);
    assert_string_equal(seen.err.text, "f:1:24: no fleet secret has the character in this column");
}

static void columns_count_the_indent_and_lines_the_comments(void **state)
{
    (void)state;
    expect_complaint("#\n\n   reprise-fleet-secret-1:abc-", RP_FORMAT,
                     "f:3:30: no fleet secret has the character in this column");
}

static void other_lengths_are_refused(void **state)
{
    char text[2 * FLEET_SECRET_TEXT_SIZE];
    struct seen seen;

    (void)state;
    expect_complaint("\nreprise-fleet-secret-1:", RP_FORMAT,
                     "f:2: 0 characters after the colon, where a fleet secret has 58: something is "
                     "missing");
    (void)join(text, sizeof text, first, "0", "\n");
    expect_complaint(text, RP_FORMAT,
                     "f:1: 59 characters after the colon, where a fleet secret has 58: something "
                     "is too much");
    for (size_t n = 1; n < TEXT_LEN; n++) {
        assert_int_equal(decode_n(first, n, &seen), RP_FORMAT);
    }
    for (size_t n = PREFIX_LEN; n < TEXT_LEN; n++) { /* broken into two lines */
        memcpy(text, first, n);
        text[n] = '\n';
        memcpy(text + n + 1, first + n, sizeof first - n);
        assert_int_equal(decode(text, &seen), RP_FORMAT);
        assert_memory_equal(seen.err.text, "f:1: ", 5);
    }
}

static void what_is_no_secret_is_refused(void **state)
{
    static const char other[] = "f:1: not a fleet secret, which begins with "
                                "reprise-fleet-secret-1:, and no comment, which begins with #";
    static const char version[] = "f:1: a fleet secret begins with reprise-fleet-secret-1:, and "
                                  "other versions are not known here";

    (void)state;
    expect_complaint("hunter2", RP_FORMAT, other);
    expect_complaint("reprise-fleet-secre", RP_FORMAT, other);
    expect_complaint("17tg73v73mwqfe4yhcxvz6gkhnzqfh6q45yeetamwgpcje0f3cw9ntekw8", RP_FORMAT,
                     other);
    expect_complaint("\xef\xbb\xbf"
                     "reprise-fleet-secret-1:",
                     RP_FORMAT, other);
    expect_complaint("reprise-fleet-secret-2:17tg", RP_FORMAT, version);
    expect_complaint("reprise-fleet-secret-1 17tg", RP_FORMAT, version);
    expect_complaint("", RP_FORMAT,
                     "f: no fleet secret in it; make one with: reprise key fleet-secret");
    expect_complaint("# reprise-fleet-secret-1:\n\n", RP_FORMAT,
                     "f: no fleet secret in it; make one with: reprise key fleet-secret");
}

static void numbers_of_secrets_are_judged(void **state)
{
    char two[256];
    char text[512];

    (void)state;
    (void)join(two, sizeof two, first, "\n\n", second);
    (void)join(text, sizeof text, two, "\n", first);
    expect_complaint(text, RP_FULL,
                     "f:4: a third fleet secret: a file has one, or two while it is changed");
    (void)join(text, sizeof text, first, "\n#\n", first);
    expect_complaint(text, RP_FORMAT, "f:3: the same fleet secret as the one before");
}

static void what_is_not_random_is_refused(void **state)
{
    uint8_t bytes[FLEET_SECRET_LEN];
    char text[FLEET_SECRET_TEXT_SIZE];
    struct seen seen;

    (void)state;
    for (unsigned step = 0; step < 256; step++) {
        for (unsigned i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)(7 + i * step);
        }
        fleet_secret_encode(bytes, text);
        assert_int_equal(decode(text, &seen), RP_WEAK_KEY);
        assert_non_null(strstr(seen.err.text, step == 0 ? "all its bytes are equal; make one"
                                                        : "its bytes count; make one"));
    }
    for (unsigned period = 2; period <= 16; period *= 2) {
        for (unsigned i = 0; i < sizeof bytes; i++) {
            bytes[i] = first_bytes[i % period];
        }
        fleet_secret_encode(bytes, text);
        expect_complaint(text, RP_WEAK_KEY,
                         "f:1: the fleet secret is not random: it repeats a pattern; make one "
                         "with: reprise key fleet-secret");
    }
}

static void a_file_that_is_too_long_is_refused(void **state)
{
    char *text = malloc(FLEET_SECRET_FILE_MAX + 2);
    struct seen seen;

    (void)state;
    assert_non_null(text);
    memset(text, '#', FLEET_SECRET_FILE_MAX + 1);
    memcpy(text, first, TEXT_LEN);
    text[TEXT_LEN] = '\n';
    assert_int_equal(decode_n(text, FLEET_SECRET_FILE_MAX, &seen), RP_OK);
    assert_int_equal(decode_n(text, FLEET_SECRET_FILE_MAX + 1, &seen), RP_FULL);
    assert_string_equal(seen.err.text, "f: more than 4096 bytes: not a file with a fleet secret");
    free(text);
}

/* Whatever is wrong with it: no run of characters of the secret stands in the sentence. */
static void no_sentence_tells_of_the_secret(void **state)
{
    char text[FLEET_SECRET_TEXT_SIZE + 1];
    struct seen seen;

    (void)state;
    for (size_t i = 0; i <= TEXT_LEN; i++) {
        memcpy(text, first, i);
        text[i] = '!';
        memcpy(text + i + 1, first + i, sizeof first - i);
        assert_int_not_equal(decode(text, &seen), RP_OK);
        for (size_t at = PREFIX_LEN + 1; at + 5 < sizeof text - 1; at++) {
            char part[5] = {0};

            memcpy(part, text + at, 4);
            assert_null(strstr(seen.err.text, part));
        }
    }
}

static void no_error_need_be_given(void **state)
{
    struct fleet_secrets secrets;

    (void)state;
    assert_int_equal(fleet_secrets_decode("f", NULL, 0, &secrets, NULL), RP_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_written_as_documented),
        cmocka_unit_test(one_and_two_secrets_are_read),
        cmocka_unit_test(comments_and_blanks_do_not_count),
        cmocka_unit_test(case_and_look_alikes_do_not_count),
        cmocka_unit_test(every_wrong_character_is_found),
        cmocka_unit_test(neighbours_that_are_swapped_are_found),
        cmocka_unit_test(a_character_that_is_none_is_named_by_its_column),
        cmocka_unit_test(columns_count_the_indent_and_lines_the_comments),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(what_is_no_secret_is_refused),
        cmocka_unit_test(numbers_of_secrets_are_judged),
        cmocka_unit_test(what_is_not_random_is_refused),
        cmocka_unit_test(a_file_that_is_too_long_is_refused),
        cmocka_unit_test(no_sentence_tells_of_the_secret),
        cmocka_unit_test(no_error_need_be_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
