#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "loop.h"
#include "memory.h"
#include "message.h"

/* A parent's end of a keeper's channel, and the raw other end. */
struct end {
    struct loop *loop;
    struct channel *channel;
    int raw;
    struct loop_timer step; /* runs between two turns of the loop */
    char order[256];        /* "R" for READY, "E" for EPOCH, "K" for KEYS_TAKEN */
    unsigned n;
    unsigned stop_at;
    unsigned free_at;
    unsigned step_at;
    const char *why;
};

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    static const char letters[] = {0, 'R', 'E', 'S', 'K', 'D'};
    struct end *end = cookie;

    (void)body;
    assert_true(n == 0 || type != CHANNEL_READY);
    if (end->n < sizeof end->order - 1) {
        end->order[end->n] = letters[type];
    }
    end->n++;
    if (end->n == end->step_at) {
        assert_true(loop_timer_set(end->loop, &end->step, 0));
    }
    if (end->n == end->free_at) {
        channel_free(&end->channel);
        loop_stop(end->loop);
    }
    if (end->n == end->stop_at) {
        loop_stop(end->loop);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct end *end = cookie;

    assert_null(end->why);
    end->why = why;
    loop_stop(end->loop);
}

static void begin(struct end *end)
{
    const struct channel_peer peer = {.rules = message_rules_for_keeper,
                                      .n_rules = 3,
                                      .message = on_message,
                                      .closed = on_closed,
                                      .cookie = end};
    int fds[2];

    memset(end, 0, sizeof *end);
    assert_int_equal(loop_new(&end->loop), RP_OK);
    assert_true(channel_pair(fds));
    assert_int_equal(channel_new(end->loop, fds[0], &peer, &end->channel), RP_OK);
    end->raw = fds[1];
}

static void finish(struct end *end)
{
    channel_free(&end->channel);
    channel_free(&end->channel);
    loop_free(&end->loop);
    (void)close(end->raw);
}

static void put(const struct end *end, const void *p, size_t n)
{
    assert_int_equal(write(end->raw, p, n), n);
}

static void expect_closed(const char *bytes, size_t n, const char *order, const char *why)
{
    struct end end;

    begin(&end);
    put(&end, bytes, n);
    (void)shutdown(end.raw, SHUT_WR);
    loop_run(end.loop);
    assert_string_equal(end.order, order);
    assert_string_equal(end.why, why);
    assert_false(channel_send(end.channel, CHANNEL_DRAIN, NULL, 0));
    finish(&end);
}

#define EXPECT_CLOSED(bytes, order, why) expect_closed((bytes), sizeof(bytes) - 1, (order), (why))

#define READY "\0\1\0\0"
#define EPOCH "\0\2\0\20abcdefghijklmnop"
#define GONE "it is gone"
#define HALF "it is gone in the middle of a message"
#define NOT_ITS "it sent a message of a type that is not its to send"
#define LENGTH "it sent a message of a wrong length"

static void whole_frames_are_taken(void **state)
{
    (void)state;
    EXPECT_CLOSED("", "", GONE);
    EXPECT_CLOSED(READY, "R", GONE);
    EXPECT_CLOSED(READY EPOCH EPOCH "\0\4\0\1\1", "REEK", GONE);
}

static void cut_off_frames_are_not(void **state)
{
    static const char frames[] = EPOCH;

    (void)state;
    for (size_t n = 1; n < sizeof frames - 1; n++) {
        expect_closed(frames, n, "", HALF);
    }
}

static void what_is_not_its_to_send_closes(void **state)
{
    (void)state;
    EXPECT_CLOSED(READY "\0\3\0\0" EPOCH, "R", NOT_ITS); /* STATIC_KEYS */
    EXPECT_CLOSED("\0\5\0\0", "", NOT_ITS);              /* DRAIN */
    EXPECT_CLOSED("\0\0\0\0", "", NOT_ITS);
    EXPECT_CLOSED("\0\6\0\0", "", NOT_ITS);
    EXPECT_CLOSED("\1\1\0\0", "", NOT_ITS);
    EXPECT_CLOSED("\377\377\377\377", "", NOT_ITS);
}

static void a_wrong_length_closes_before_the_body_came(void **state)
{
    (void)state;
    EXPECT_CLOSED("\0\1\0\1", "", LENGTH);
    EXPECT_CLOSED(READY "\0\2\0\17", "R", LENGTH);
    EXPECT_CLOSED("\0\2\0\21", "", LENGTH);
    EXPECT_CLOSED("\0\4\0\0", "", LENGTH);
    EXPECT_CLOSED("\0\4\2\1", "", LENGTH);
    EXPECT_CLOSED("\0\4\377\377", "", LENGTH);
}

static void put_next_byte(struct loop_timer *timer)
{
    struct end *end = (struct end *)((char *)timer - offsetof(struct end, step));
    static const char frames[] = READY EPOCH READY;
    const size_t at = end->free_at - 1000;

    if (at < sizeof frames - 1) {
        put(end, frames + at, 1);
        end->free_at++;
        assert_true(loop_timer_set(end->loop, timer, 0));
    } else {
        loop_stop(end->loop);
    }
}

static void bytes_may_come_one_by_one(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    end.free_at = 1000; /* doubles as the place in the input; never reached as a count */
    end.step.due = put_next_byte;
    assert_true(loop_timer_set(end.loop, &end.step, 0));
    loop_run(end.loop);
    (void)shutdown(end.raw, SHUT_WR);
    loop_run(end.loop);
    assert_string_equal(end.order, "RER");
    assert_string_equal(end.why, GONE);
    finish(&end);
}

static void the_callback_may_free_the_channel(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    end.free_at = 2;
    put(&end, READY EPOCH EPOCH, 2 * 20 + 4);
    loop_run(end.loop);
    assert_string_equal(end.order, "RE");
    assert_null(end.channel);
    assert_null(end.why);
    finish(&end);
}

static void stop_in_between(struct loop_timer *timer)
{
    struct end *end = (struct end *)((char *)timer - offsetof(struct end, step));

    loop_stop(end->loop);
}

static void a_flood_leaves_others_their_turn(void **state)
{
    enum { N = 3000 };
    char flood[N * (sizeof READY - 1)];
    struct end end;

    (void)state;
    for (size_t i = 0; i < sizeof flood; i++) {
        flood[i] = READY[i % (sizeof READY - 1)];
    }
    begin(&end);
    end.step_at = 1;
    end.step.due = stop_in_between;
    put(&end, flood, sizeof flood);
    (void)shutdown(end.raw, SHUT_WR);
    loop_run(end.loop);
    assert_in_range(end.n, 1, CHANNEL_BODY_MAX);
    loop_run(end.loop);
    assert_int_equal(end.n, N);
    assert_string_equal(end.why, GONE);
    finish(&end);
}

static void what_is_sent_is_framed(void **state)
{
    struct end end;
    char got[16];

    (void)state;
    begin(&end);
    assert_true(channel_send(end.channel, CHANNEL_DRAIN, NULL, 0));
    assert_true(channel_send(end.channel, CHANNEL_STATIC_KEYS, "abc", 3));
    assert_int_equal(read(end.raw, got, sizeof got), 11);
    assert_memory_equal(got, "\0\5\0\0\0\3\0\3abc", 11);
    finish(&end);
}

static void drain_raw(struct loop_timer *timer)
{
    struct end *end = (struct end *)((char *)timer - offsetof(struct end, step));
    char got[65536];
    ssize_t n;

    while ((n = read(end->raw, got, sizeof got)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            end->stop_at += got[i] == 'x';
        }
    }
    if (end->stop_at == end->free_at) {
        loop_stop(end->loop);
    } else {
        assert_true(loop_timer_set(end->loop, timer, 0));
    }
}

static void a_full_queue_is_bounded_and_goes_on_when_read(void **state)
{
    struct end end;
    static char body[CHANNEL_BODY_MAX];
    unsigned n = 0;

    (void)state;
    begin(&end);
    memset(body, 'x', sizeof body);
    while (channel_send(end.channel, CHANNEL_STATIC_KEYS, body, sizeof body)) {
        n++;
        assert_true(n < 10000);
    }
    end.free_at = n * (unsigned)sizeof body; /* as many bytes are to arrive */
    end.step.due = drain_raw;
    assert_true(loop_timer_set(end.loop, &end.step, 0));
    loop_run(end.loop);
    assert_int_equal(end.stop_at, end.free_at);
    assert_true(channel_send(end.channel, CHANNEL_DRAIN, NULL, 0));
    assert_null(end.why);
    finish(&end);
}

static void sending_to_one_who_is_gone_fails(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    (void)close(end.raw);
    assert_false(channel_send(end.channel, CHANNEL_DRAIN, NULL, 0));
    loop_run(end.loop);
    assert_non_null(end.why);
    finish(&end);
}

static void survives_failing_allocations(void **state)
{
    struct end end;
    const struct channel_peer peer = {.message = on_message, .closed = on_closed, .cookie = &end};
    struct channel *channel;
    int fds[2];

    (void)state;
    begin(&end);
    assert_true(channel_pair(fds));
    memory_fail_after(0);
    assert_int_equal(channel_new(end.loop, fds[0], &peer, &channel), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(channel);
    assert_int_equal(close(fds[0]), -1); /* it was taken over all the same */
    (void)close(fds[1]);
    finish(&end);
}

static void epochs_are_decoded_as_encoded(void **state)
{
    const struct message_epoch m = {0x0102030405060708, UINT64_MAX};
    struct message_epoch back;
    uint8_t body[MESSAGE_EPOCH_LEN + 1] = {0};

    (void)state;
    message_epoch_encode(&m, body);
    for (size_t n = 0; n <= sizeof body; n++) {
        assert_int_equal(message_epoch_decode(body, n, &back), n == MESSAGE_EPOCH_LEN);
    }
    assert_true(message_epoch_decode(body, MESSAGE_EPOCH_LEN, &back));
    assert_true(back.generation == m.generation && back.epoch == m.epoch);
}

static void static_keys_are_decoded_as_encoded(void **state)
{
    struct stek keys[MESSAGE_KEYS_MAX];
    struct stek back[MESSAGE_KEYS_MAX];
    uint8_t body[MESSAGE_STATIC_KEYS_MAX + 1] = {0};
    size_t n_back;
    size_t n;

    (void)state;
    memset(keys, 0, sizeof keys);
    for (unsigned i = 0; i < MESSAGE_KEYS_MAX; i++) {
        keys[i].key_len = i % 2 != 0 ? 16 : 32;
        memset(keys[i].name, (int)i + 1, 16);
        memset(keys[i].aes, (int)i + 2, keys[i].key_len);
        memset(keys[i].hmac, (int)i + 3, keys[i].key_len);
    }
    for (size_t n_keys = 1; n_keys <= MESSAGE_KEYS_MAX; n_keys++) {
        n = message_static_keys_encode(keys, n_keys, body);
        assert_true(n != 0);
        assert_true(message_static_keys_decode(body, n, back, &n_back));
        assert_int_equal(n_back, n_keys);
        for (size_t i = 0; i < n_keys; i++) {
            assert_int_equal(back[i].key_len, keys[i].key_len);
            assert_memory_equal(back[i].name, keys[i].name, 16);
            assert_memory_equal(back[i].aes, keys[i].aes, keys[i].key_len);
            assert_memory_equal(back[i].hmac, keys[i].hmac, keys[i].key_len);
        }
        for (size_t cut = 0; cut < n; cut++) {
            assert_false(message_static_keys_decode(body, cut, back, &n_back));
            assert_int_equal(n_back, 0);
        }
        body[n] = 0;
        assert_false(message_static_keys_decode(body, n + 1, back, &n_back));
    }
    body[0] = 0;
    assert_false(message_static_keys_decode(body, 1, back, &n_back));
    body[0] = MESSAGE_KEYS_MAX + 1;
    assert_false(message_static_keys_decode(body, sizeof body, back, &n_back));
    n = message_static_keys_encode(keys, 1, body);
    body[1]--;
    assert_false(message_static_keys_decode(body, n - 1, back, &n_back));
}

static void keys_taken_is_decoded_as_encoded(void **state)
{
    uint8_t body[CHANNEL_BODY_MAX];
    char text[1024];
    struct message_taken m;
    size_t n;

    (void)state;
    n = message_taken_encode(NULL, body);
    assert_int_equal(n, 1);
    assert_true(message_taken_decode(body, n, &m));
    assert_true(m.taken);
    n = message_taken_encode("no", body);
    assert_true(message_taken_decode(body, n, &m));
    assert_false(m.taken);
    assert_string_equal(m.why_not, "no");
    assert_true(message_taken_decode(body, message_taken_encode("", body), &m));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    n = message_taken_encode(text, body);
    assert_int_equal(n, 1 + MESSAGE_SENTENCE_MAX);
    assert_true(message_taken_decode(body, n, &m));
    assert_int_equal(strlen(m.why_not), MESSAGE_SENTENCE_MAX);
    assert_false(message_taken_decode((const uint8_t *)"", 0, &m));
    assert_false(message_taken_decode((const uint8_t *)"\0", 1, &m));
    assert_false(message_taken_decode((const uint8_t *)"\1x", 2, &m));
    assert_false(message_taken_decode((const uint8_t *)"\2", 1, &m));
    assert_false(message_taken_decode((const uint8_t *)"\0a\0b", 4, &m));
}

static void a_bound_is_decoded_as_encoded(void **state)
{
    uint8_t body[MESSAGE_DRAIN_LEN + 1] = {0};
    int64_t bound_ms;

    (void)state;
    message_drain_encode(INT64_MAX, body);
    for (size_t n = 0; n <= sizeof body; n++) {
        assert_int_equal(message_drain_decode(body, n, &bound_ms), n == MESSAGE_DRAIN_LEN);
    }
    assert_true(message_drain_decode(body, MESSAGE_DRAIN_LEN, &bound_ms));
    assert_true(bound_ms == INT64_MAX);
    body[0] = 0x80;
    assert_false(message_drain_decode(body, MESSAGE_DRAIN_LEN, &bound_ms));
    assert_true(bound_ms == 0);
}

static void domains_are_decoded_as_encoded(void **state)
{
    static const char *const names[] = {"site:a", "domain:shop", "x"};
    uint8_t body[CHANNEL_BODY_MAX];
    char name[MESSAGE_DOMAIN_MAX + 1];
    size_t n_taken;
    size_t at = 0;
    size_t n = message_domains_encode(names, 3, &n_taken, body);

    (void)state;
    assert_int_equal(n_taken, 3);
    assert_true(message_domains_check(body, n));
    for (size_t i = 0; i < 3; i++) {
        assert_true(message_domains_next(body, n, &at, name));
        assert_string_equal(name, names[i]);
    }
    assert_false(message_domains_next(body, n, &at, name));
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(message_domains_check(body, cut), cut == 7 || cut == 19);
    }
    body[0] = 0;
    assert_false(message_domains_check(body, n));
    assert_false(message_domains_check((const uint8_t *)"\2a", 3));
    assert_false(message_domains_check((const uint8_t *)"\2a\0", 3));
}

static void domains_are_sent_in_pieces(void **state)
{
    static char longest[MESSAGE_DOMAIN_MAX + 1];
    const char *names[20];
    uint8_t body[CHANNEL_BODY_MAX];
    size_t n_taken;
    size_t n;

    (void)state;
    memset(longest, 'a', MESSAGE_DOMAIN_MAX);
    for (size_t i = 0; i < 20; i++) {
        names[i] = longest;
    }
    n = message_domains_encode(names, 20, &n_taken, body);
    assert_int_equal(n_taken, 8);
    assert_int_equal(n, CHANNEL_BODY_MAX);
    assert_true(message_domains_check(body, n));
    n = message_domains_encode(names + 16, 4, &n_taken, body);
    assert_int_equal(n_taken, 4);
    assert_true(message_domains_check(body, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_frames_are_taken),
        cmocka_unit_test(cut_off_frames_are_not),
        cmocka_unit_test(what_is_not_its_to_send_closes),
        cmocka_unit_test(a_wrong_length_closes_before_the_body_came),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(the_callback_may_free_the_channel),
        cmocka_unit_test(a_flood_leaves_others_their_turn),
        cmocka_unit_test(what_is_sent_is_framed),
        cmocka_unit_test(a_full_queue_is_bounded_and_goes_on_when_read),
        cmocka_unit_test(sending_to_one_who_is_gone_fails),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(epochs_are_decoded_as_encoded),
        cmocka_unit_test(static_keys_are_decoded_as_encoded),
        cmocka_unit_test(keys_taken_is_decoded_as_encoded),
        cmocka_unit_test(a_bound_is_decoded_as_encoded),
        cmocka_unit_test(domains_are_decoded_as_encoded),
        cmocka_unit_test(domains_are_sent_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
