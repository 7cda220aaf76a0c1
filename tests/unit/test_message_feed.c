#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "message.h"

static uint8_t body[MESSAGE_FEED_RAN_MAX + 1];

static void a_run_is_decoded_as_encoded(void **state)
{
    struct message_feed_run m = {.feed = 15, .what = MESSAGE_FEED_VERIFY};
    struct message_feed_run back;

    (void)state;
    memset(m.key, 7, sizeof m.key);
    message_feed_run_encode(&m, body);
    assert_true(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    assert_memory_equal(&back, &m, sizeof m);
    for (size_t n = 0; n < MESSAGE_FEED_RUN_LEN; n++) {
        assert_false(message_feed_run_decode(body, n, &back));
    }
    assert_false(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN + 1, &back));
}

static void a_run_that_makes_no_sense_is_refused(void **state)
{
    struct message_feed_run m = {.what = MESSAGE_FEED_RELOAD};
    struct message_feed_run back;

    (void)state;
    message_feed_run_encode(&m, body);
    assert_true(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[17] = 1; /* a reload has no key */
    assert_false(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[1] = 1;
    assert_true(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[1] = MESSAGE_FEED_WRITE; /* nor has this */
    assert_false(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[17] = 0;
    assert_true(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[1] = MESSAGE_FEED_COMMANDS;
    assert_false(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
    body[1] = 1;
    body[0] = CONFIG_FEEDS_MAX;
    assert_false(message_feed_run_decode(body, MESSAGE_FEED_RUN_LEN, &back));
}

static void an_end_is_decoded_as_encoded(void **state)
{
    struct message_feed_ran m = {.feed = 3,
                                 .what = MESSAGE_FEED_RELOAD,
                                 .how = MESSAGE_FEED_NOT_STARTED,
                                 .value = 0x01020304};
    struct message_feed_ran back;
    size_t n;

    (void)state;
    for (size_t len = 0; len <= MESSAGE_FEED_WORDS_MAX; len += MESSAGE_FEED_WORDS_MAX / 7) {
        memset(m.words, 'x', len);
        m.words[len] = '\0';
        n = message_feed_ran_encode(&m, body);
        assert_int_equal(n, 7 + len);
        assert_true(message_feed_ran_decode(body, n, &back));
        assert_memory_equal(&back, &m, sizeof m);
    }
    assert_false(message_feed_ran_decode(body, n + 1, &back)); /* too long a line */
    for (size_t cut = 0; cut < 7; cut++) {
        assert_false(message_feed_ran_decode(body, cut, &back));
    }
}

static void an_end_that_makes_no_sense_is_refused(void **state)
{
    struct message_feed_ran m = {.words = "abc"};
    struct message_feed_ran back;
    const size_t n = message_feed_ran_encode(&m, body);
    const size_t places[] = {0, 1, 2};
    const uint8_t wrong[] = {CONFIG_FEEDS_MAX, MESSAGE_FEED_COMMANDS, MESSAGE_FEED_NOT_STARTED + 1};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        body[places[i]] = wrong[i];
        assert_false(message_feed_ran_decode(body, n, &back));
        body[places[i]] = 0;
        assert_true(message_feed_ran_decode(body, n, &back));
    }
    body[8] = '\0';
    assert_false(message_feed_ran_decode(body, n, &back));
}

/* Nothing was executed: so it was, in three ways, or was not done. */
static void files_are_written_or_are_not(void **state)
{
    struct message_feed_ran m = {.what = MESSAGE_FEED_WRITE};
    struct message_feed_ran back;

    (void)state;
    for (unsigned how = 0; how <= MESSAGE_FEED_NOT_WRITTEN; how++) {
        for (m.value = 0; m.value < 4; m.value++) {
            const bool good = how == MESSAGE_FEED_EXITED
                                  ? m.value <= MESSAGE_FEED_SEEN
                                  : how == MESSAGE_FEED_NOT_WRITTEN && m.value == 0;
            size_t n;

            m.how = (enum message_feed_end)how;
            n = message_feed_ran_encode(&m, body);
            assert_int_equal(message_feed_ran_decode(body, n, &back), good);
        }
    }
    m = (struct message_feed_ran){.what = MESSAGE_FEED_RELOAD, .how = MESSAGE_FEED_NOT_WRITTEN};
    assert_false(message_feed_ran_decode(body, message_feed_ran_encode(&m, body), &back));
}

static void ends_are_decoded_as_encoded(void **state)
{
    uint16_t feeds = 0;

    (void)state;
    message_feed_clear_encode(0x8001, body);
    assert_true(message_feed_clear_decode(body, 2, &feeds));
    assert_int_equal(feeds, 0x8001);
    assert_false(message_feed_clear_decode(body, 1, &feeds));
    assert_false(message_feed_clear_decode(body, 3, &feeds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_decoded_as_encoded),
        cmocka_unit_test(a_run_that_makes_no_sense_is_refused),
        cmocka_unit_test(an_end_is_decoded_as_encoded),
        cmocka_unit_test(an_end_that_makes_no_sense_is_refused),
        cmocka_unit_test(files_are_written_or_are_not),
        cmocka_unit_test(ends_are_decoded_as_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
