#include "key_h2o.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000
#define ROOM 8

#define H2O_NAME "name: 35b7e67ef865c07d7e27a4e0cdec073a\n"
#define H2O_128 "5f6ac9890f24fa0fba8784c0895a0ba43e1a5ad12c6f2bce2c31a210a54cd9be"
#define ZERO_16 "00000000000000000000000000000000"
#define H2O_KEY H2O_128 ZERO_16 ZERO_16 ZERO_16
#define H2O_REST "  not_before: 1\n  not_after: 2\n"

static size_t read_h2o(const char *text)
{
    struct format_key got[ROOM];

    return key_format_read(KEY_FORMAT_H2O, (const uint8_t *)text, strlen(text), NOW, got, ROOM);
}

static void yaml_as_people_write_it(void **state)
{
    static const char *const good[] = {
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        "---\n# mine\n-   key: \"" H2O_KEY "\"\n    hash: 'SHA256'\n\n    not_after: 9\n"
        "    not_before: 0\n    cipher: AES-128-CBC\n    note: x\n    " H2O_NAME,
        "-\n  " H2O_NAME "\r\n  cipher: AES-128-CBC\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(read_h2o(good[i]), 1);
    }
}

static void yaml_that_is_refused(void **state)
{
    static const char *const bad[] = {
        /* nothing, no list, no name, a short name */
        "",
        "---\n",
        H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        "- cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        "- name: 35b7\n  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        /* other algorithms, a key of the other's length or of neither */
        "- " H2O_NAME "  cipher: des3\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha512\n  key: " H2O_KEY "\n" H2O_REST,
        "- " H2O_NAME "  cipher: aes-256-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST,
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_128 "\n" H2O_REST,
        /* dates */
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n",
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY
        "\n  not_before: 2\n  not_after: 1\n",
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY
        "\n  not_before: -1\n  not_after: 1\n",
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY
        "\n  not_before: 1\n  not_after: 9223372036854775808\n",
        /* twice the same, or no setting at all */
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY
        "\n  " H2O_NAME H2O_REST,
        "- " H2O_NAME "  cipher: aes-128-cbc\n  hash: sha256\n  key: " H2O_KEY "\n" H2O_REST
        "what\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_h2o(bad[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_as_people_write_it),
        cmocka_unit_test(yaml_that_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
