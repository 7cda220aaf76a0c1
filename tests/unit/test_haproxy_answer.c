#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy_answer.h"

/* As HAProxy 2.6 answered, of throwaway keys. */
static const char keys_short[] =
    "# id secret\n"
    "# 0 (odd name) (2)\n"
    "0.0 xWcPIM65Fv0dVnFF9rrhiA2DqLX+nqAq7pFJAhDeLWwT04ZGlelxBqeg2VFSMQoT\n"
    "0.1 AO0P1C6QRFhmyTNqxRL4nPsoo4oh2G6uists4rm6+1njUptktjYK7IToMOPq+xRI\n"
    "0.2 +QbSEMxozD9H4DgcOEZvo8XDFRQYRJfQ+WqrJau20siDM3ESEact7g33mRqLv1cQ\n"
    "\n";
static const char keys_long[] =
    "# id secret\n"
    "# 17 (long)\n"
    "17.0 "
    "xWcPIM65Fv0dVnFF9rrhiA2DqLX+nqAq7pFJAhDeLWwT04ZGlelxBqeg2VFSMQoT0jIHY1cUWorIpY8XYotgJqQ2qLr7u2"
    "fIr7xJ+MBz9iQ=\n"
    "17.1 "
    "AO0P1C6QRFhmyTNqxRL4nPsoo4oh2G6uists4rm6+1njUptktjYK7IToMOPq+xRIXpc+t7xT2xnR+s6O7BhvosZbgqu7a1"
    "SfiRpZEnwjnFA=\n"
    "17.2 "
    "+QbSEMxozD9H4DgcOEZvo8XDFRQYRJfQ+WqrJau20siDM3ESEact7g33mRqLv1cQTugWH++OuFBKvaxxuEV+AoyqCXTgwn"
    "6Y4lkyyvTup4w=\n"
    "\n";

static enum haproxy_answer read_text(const char *text, struct haproxy_shown *shown)
{
    return haproxy_answer_read(text, strlen(text), shown);
}

static enum haproxy_answer judge(const char *text)
{
    static const struct haproxy_shown nothing;
    struct haproxy_shown shown;
    const enum haproxy_answer answer = read_text(text, &shown);

    assert_memory_equal(&shown, &nothing, sizeof shown);
    return answer;
}

static void keys_are_shown_in_their_order(void **state)
{
    static const uint8_t second[] = {0x00, 0xed, 0x0f, 0xd4};
    struct haproxy_shown shown;

    (void)state;
    assert_int_equal(read_text(keys_long, &shown), HAPROXY_SHOWS_KEYS);
    assert_int_equal(shown.keys[0].key_len, 32);
    assert_memory_equal(shown.keys[1].name, second, sizeof second);
    /* name, AES key, HMAC key; of the short ones too */
    assert_int_equal(shown.keys[0].aes[0], 0x0d);
    assert_int_equal(shown.keys[0].hmac[0], 0xd2);
    assert_int_equal(read_text(keys_short, &shown), HAPROXY_SHOWS_KEYS);
    assert_int_equal(shown.keys[2].key_len, 16);
    assert_memory_equal(shown.keys[1].name, second, sizeof second);
    assert_int_equal(shown.keys[0].aes[0], 0x0d);
    assert_int_equal(shown.keys[0].hmac[0], 0x13);
}

static void an_answer_is_whole_at_its_empty_line_only(void **state)
{
    struct haproxy_shown shown;

    (void)state;
    for (size_t n = 0; n < strlen(keys_long) - 1; n++) {
        assert_false(haproxy_answer_whole(keys_long, n));
        assert_int_equal(haproxy_answer_read(keys_long, n, &shown), HAPROXY_ELSE);
    }
    assert_true(haproxy_answer_whole(keys_long, strlen(keys_long)));
}

static void what_is_no_answer_of_keys_is_refused(void **state)
{
    char text[sizeof keys_short + 1];
    struct haproxy_shown shown;

    (void)state;
    memcpy(text, keys_short, sizeof keys_short);
    text[sizeof keys_short - 1] = '\n'; /* a byte too many */
    assert_int_equal(haproxy_answer_read(text, sizeof keys_short, &shown), HAPROXY_ELSE);
    for (size_t i = 0; i + 2 < strlen(keys_short); i++) {
        memcpy(text, keys_short, sizeof keys_short);
        text[i] = '\n';
        if (keys_short[i] != '\n') {
            assert_int_equal(read_text(text, &shown), HAPROXY_ELSE);
        }
    }
    assert_int_equal(judge("# id secret\n\n"), HAPROXY_ELSE);
    assert_int_equal(judge("# id secret\n# 0 ()\n"), HAPROXY_ELSE);
    assert_int_equal(judge("# id secret\n# 0 (a)\n0.0 AAAA\n0.1 AAAA\n0.2 AAAA\n\n"), HAPROXY_ELSE);
}

/* Two lengths, another number, another place. */
static void keys_that_do_not_belong_together_are_refused(void **state)
{
    const char *const third = strstr(keys_long, "17.2");
    char text[sizeof keys_long + sizeof keys_short];
    struct haproxy_shown shown;

    (void)state;
    memcpy(text, keys_short, sizeof keys_short);
    memcpy(strstr(text, "0.2 "), third + 1, strlen(third + 1) + 1);
    text[strlen(text) - 1] = '\0';
    *strstr(text, "7.2 ") = '0';
    assert_int_equal(read_text(text, &shown), HAPROXY_ELSE);
    memcpy(text, keys_long, sizeof keys_long);
    *strstr(text, "17.1") = '2';
    assert_int_equal(read_text(text, &shown), HAPROXY_ELSE);
    memcpy(text, keys_long, sizeof keys_long);
    strstr(text, "17.1")[3] = '2';
    assert_int_equal(read_text(text, &shown), HAPROXY_ELSE);
}

static void files_are_named(void **state)
{
    static const char files[] = "# id (file)\n0 (/a b)\n12 (/x(1))\n3 (\x1b[1m)\n\n";
    char buffer[64];
    struct text names = text_of(buffer, sizeof buffer);

    (void)state;
    assert_int_equal(judge(files), HAPROXY_SHOWS_FILES);
    assert_int_equal(haproxy_answer_files(files, sizeof files - 1, &names), 3);
    assert_string_equal(buffer, "/a b, /x(1), ?[1m");
    names = text_of(buffer, sizeof buffer);
    assert_int_equal(judge("# id (file)\n\n"), HAPROXY_SHOWS_FILES);
    assert_int_equal(haproxy_answer_files("# id (file)\n\n", 13, &names), 0);
    assert_int_equal(judge("# id (file)\n0 /a\n\n"), HAPROXY_ELSE);
    assert_int_equal(judge("# id (file)\n(/a)\n\n"), HAPROXY_ELSE);
}

static void sentences_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(judge("TLS ticket key updated!\n\n"), HAPROXY_TOOK_KEY);
    assert_int_equal(judge("'set ssl tls-key' unable to locate referenced filename\n\n"),
                     HAPROXY_KNOWS_NO_FILE);
    assert_int_equal(judge("'show tls-keys' unable to locate referenced filename\n\n"),
                     HAPROXY_KNOWS_NO_FILE);
    assert_int_equal(judge("'set ssl tls-key' received a key of wrong size.\n\n"),
                     HAPROXY_KEYS_OF_OTHER_SIZE);
    assert_int_equal(judge("Permission denied\n\n"), HAPROXY_DENIES);
    assert_int_equal(judge("Unknown command, but maybe one of ...\n  help\n\n"),
                     HAPROXY_KNOWS_NO_COMMAND);
    assert_int_equal(judge("HTTP/1.1 400 Bad Request\r\n\r\n"), HAPROXY_ELSE);
    assert_int_equal(judge(""), HAPROXY_ELSE);
    assert_int_equal(judge("\n"), HAPROXY_ELSE);
}

static void what_is_asked_is_escaped(void **state)
{
    struct stek key = {.name = {1}, .aes = {2}, .hmac = {3}, .key_len = 16};
    char buffer[256];
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    assert_true(haproxy_ask_keys(&t, "/a b;c\\d\"e'"));
    assert_string_equal(buffer, "show tls-keys /a\\ b\\;c\\\\d\\\"e\\'\n");
    t = text_of(buffer, sizeof buffer);
    assert_true(haproxy_ask_files(&t));
    assert_string_equal(buffer, "show tls-keys\n");
    t = text_of(buffer, sizeof buffer);
    assert_true(haproxy_ask_push(&t, "#0", &key));
    assert_string_equal(buffer,
                        "set ssl tls-key #0 "
                        "AQAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAADAAAAAAAAAAAAAAAAAAAA\n");
    key.key_len = 32;
    t = text_of(buffer, sizeof buffer);
    assert_true(haproxy_ask_push(&t, "#0", &key));
    assert_int_equal(t.len, strlen("set ssl tls-key #0 \n") + 108);
    t = text_of(buffer, 100);
    assert_false(haproxy_ask_push(&t, "#0", &key));
}

static void names_of_files_are_judged(void **state)
{
    char name[HAPROXY_FILE_MAX + 2];

    (void)state;
    assert_true(haproxy_file_valid("/run/reprise feeds/keys"));
    assert_true(haproxy_file_valid("#0"));
    assert_false(haproxy_file_valid(""));
    assert_false(haproxy_file_valid("/a\nset ssl"));
    assert_false(haproxy_file_valid("/a\x7f"));
    memset(name, 'a', sizeof name);
    name[HAPROXY_FILE_MAX + 1] = '\0';
    assert_false(haproxy_file_valid(name));
    name[HAPROXY_FILE_MAX] = '\0';
    assert_true(haproxy_file_valid(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_shown_in_their_order),
        cmocka_unit_test(an_answer_is_whole_at_its_empty_line_only),
        cmocka_unit_test(what_is_no_answer_of_keys_is_refused),
        cmocka_unit_test(keys_that_do_not_belong_together_are_refused),
        cmocka_unit_test(files_are_named),
        cmocka_unit_test(sentences_are_told_apart),
        cmocka_unit_test(what_is_asked_is_escaped),
        cmocka_unit_test(names_of_files_are_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
