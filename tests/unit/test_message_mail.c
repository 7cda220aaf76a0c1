#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"
#include "message.h"
#include "message_mail.h"

static uint8_t body[CHANNEL_MAIL_MAX];
static uint8_t value[MESSAGE_MAIL_VALUE_MAX + 1];

static void fill(char *name, size_t n)
{
    memset(name, 'a', n);
    name[n] = '\0';
}

static void a_put_is_decoded_as_encoded(void **state)
{
    const struct message_put m = {
        .is_claim = true, .lifetime_ms = 4000, .value = (const uint8_t *)"xyz", .len = 3};
    struct message_put back;
    const size_t n = message_put_encode("reprise/1/a/members", "00ff", &m, body);

    (void)state;
    assert_int_equal(n, 1 + 8 + 20 + 5 + 3);
    assert_true(message_put_decode(body, n, &back));
    assert_true(back.is_claim);
    assert_int_equal(back.lifetime_ms, 4000);
    assert_string_equal(back.place.box, "reprise/1/a/members");
    assert_string_equal(back.place.name, "00ff");
    assert_int_equal(back.len, 3);
    assert_memory_equal(back.value, "xyz", 3);
    for (size_t cut = 0; cut < n - 3; cut++) {
        assert_false(message_put_decode(body, cut, &back));
    }
}

static void the_longest_fits_and_no_longer_one(void **state)
{
    struct message_put m = {.lifetime_ms = 1, .value = value, .len = MESSAGE_MAIL_VALUE_MAX};
    struct message_put back;
    char name[MESSAGE_MAIL_NAME_MAX + 2];
    size_t n;

    (void)state;
    fill(name, MESSAGE_MAIL_NAME_MAX);
    n = message_put_encode(name, name, &m, body);
    assert_int_not_equal(n, 0);
    assert_true(message_put_decode(body, n, &back));
    assert_int_equal(back.len, m.len);
    m.len++;
    assert_int_equal(message_put_encode(name, name, &m, body), 0);
    m.len = 0;
    assert_int_equal(message_put_encode("", name, &m, body), 0);
    fill(name, MESSAGE_MAIL_NAME_MAX + 1);
    assert_int_equal(message_put_encode("a", name, &m, body), 0);
    assert_int_equal(message_watch_encode(name, body), 0);
    assert_int_equal(message_list_encode(name, 1, body), 0);
    assert_int_equal(message_erase_encode("a", "", body), 0);
    assert_int_equal(message_entry_encode(name, value, 1, body), 0);
}

static void values_out_of_range_are_refused(void **state)
{
    const struct message_put m = {.lifetime_ms = 1, .value = value, .len = 1};
    struct message_put put;
    struct message_list list;
    struct message_listed listed;
    struct message_claimed claimed;
    const size_t n = message_put_encode("b", "n", &m, body);

    (void)state;
    assert_true(message_put_decode(body, n, &put));
    body[0] = 2; /* flag */
    assert_false(message_put_decode(body, n, &put));
    body[0] = 0;
    body[8] = 0; /* lifetime */
    assert_false(message_put_decode(body, n, &put));
    body[1] = 0x80;
    assert_false(message_put_decode(body, n, &put));
    assert_false(message_list_decode((const uint8_t *)"\0\0\1b", 4, &list));
    assert_true(message_list_decode((const uint8_t *)"\1\0\1b", 4, &list));
    assert_int_equal(list.most, 256);
    assert_false(message_list_decode((const uint8_t *)"\1\0\1bx", 5, &list));
    assert_false(message_listed_decode((const uint8_t *)"\2\0\0\0\0\0\0", 7, &listed));
    assert_false(message_claimed_decode((const uint8_t *)"\2\0", 2, &claimed));
    assert_false(message_claimed_decode((const uint8_t *)"\0\1", 2, &claimed));
}

static void names_are_judged(void **state)
{
    static const char *const bad[] = {"A", "a b", "a\n", "../x\\", "\xc3\xa9", "*"};
    struct message_place place;
    struct message_entry entry;
    char box[MESSAGE_MAIL_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(message_watch_decode(body, message_watch_encode(bad[i], body), box));
    }
    assert_true(message_watch_decode(body, message_watch_encode("a/1._-", body), box));
    assert_true(message_erase_decode(body, message_erase_encode("a/b", "c", body), &place));
    assert_false(message_erase_decode(body, message_erase_encode("a", "b/c", body), &place));
    assert_false(message_entry_decode(body, message_entry_encode("b/c", value, 1, body), &entry));
    assert_false(message_entry_decode((const uint8_t *)"\2a\0", 3, &entry));
    assert_false(message_entry_decode((const uint8_t *)"\0", 1, &entry));
    assert_false(message_entry_decode((const uint8_t *)"\200a", 2, &entry));
}

static void answers_are_decoded_as_encoded(void **state)
{
    struct message_listed listed = {true, 258, 0x01020304};
    struct message_claimed claimed = {true, true};
    struct message_entry entry;
    size_t n = message_listed_encode(&listed, body);
    bool up;

    (void)state;
    listed = (struct message_listed){0};
    assert_true(message_listed_decode(body, n, &listed));
    assert_true(listed.ok && listed.n == 258 && listed.total == 0x01020304);
    assert_false(message_listed_decode(body, n + 1, &listed));
    n = message_store_encode(true, body);
    assert_true(message_store_decode(body, n, &up) && up);
    body[0] = 2;
    assert_false(message_store_decode(body, n, &up));
    n = message_claimed_encode(&claimed, body);
    claimed = (struct message_claimed){0};
    assert_true(message_claimed_decode(body, n, &claimed));
    assert_true(claimed.ok && claimed.is_ours);
    n = message_entry_encode("n", (const uint8_t *)"", 0, body);
    assert_true(message_entry_decode(body, n, &entry));
    assert_int_equal(entry.len, 0);
}

/* A channel with room for so much mail, and the raw other end. */
struct end {
    struct loop *loop;
    struct channel *channel;
    struct loop_timer step;
    int raw;
    size_t wanted;
    size_t n;
};

static void on_message(void *cookie, enum channel_type type, const uint8_t *p, size_t n)
{
    struct end *end = cookie;

    assert_int_equal(type, CHANNEL_MAIL_LETTER);
    (void)p;
    end->n += n;
    if (end->n >= end->wanted) {
        loop_stop(end->loop);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct end *end = cookie;

    (void)why;
    loop_stop(end->loop);
}

static void begin(struct end *end, size_t mail_room)
{
    const struct channel_peer peer = {.rules = message_rules_for_courier,
                                      .n_rules = sizeof message_rules_for_courier /
                                                 sizeof message_rules_for_courier[0],
                                      .message = on_message,
                                      .closed = on_closed,
                                      .cookie = end,
                                      .mail_room = mail_room};
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
    loop_free(&end->loop);
    (void)close(end->raw);
}

static void drain_raw(struct loop_timer *timer)
{
    struct end *end = (struct end *)((char *)timer - offsetof(struct end, step));
    ssize_t n;

    while ((n = read(end->raw, body, sizeof body)) > 0) {
        end->n += (size_t)n;
    }
    if (end->n >= end->wanted) {
        loop_stop(end->loop);
    } else {
        assert_true(loop_timer_set(end->loop, timer, 0));
    }
}

static void a_flood_of_mail_is_in_nobodys_way(void **state)
{
    struct end end;

    (void)state;
    begin(&end, MESSAGE_MAIL_ROOM);
    while (channel_mail(end.channel, CHANNEL_MAIL_LETTER, value, MESSAGE_MAIL_VALUE_MAX)) {
        end.wanted += 4 + MESSAGE_MAIL_VALUE_MAX;
    }
    assert_true(end.wanted >= MESSAGE_MAIL_ROOM - MESSAGE_MAIL_VALUE_MAX);
    assert_true(end.wanted < 4 * MESSAGE_MAIL_ROOM);
    while (channel_mail(end.channel, CHANNEL_MAIL_LETTER, value, 1000)) {
        end.wanted += 1004;
    }
    assert_true(channel_send(end.channel, CHANNEL_PING, NULL, 0));
    end.wanted += 4;
    end.step.due = drain_raw;
    assert_true(loop_timer_set(end.loop, &end.step, 0));
    loop_run(end.loop);
    assert_int_equal(end.n, end.wanted);
    assert_true(channel_mail(end.channel, CHANNEL_MAIL_LETTER, value, MESSAGE_MAIL_VALUE_MAX));
    finish(&end);
}

static void nobody_mails_without_room(void **state)
{
    struct end end;

    (void)state;
    begin(&end, 0);
    assert_false(channel_mail(end.channel, CHANNEL_MAIL_LISTED, value, 5));
    assert_true(channel_send(end.channel, CHANNEL_PING, NULL, 0));
    finish(&end);
}

static void long_mail_arrives_whole(void **state)
{
    static const uint8_t head[] = {0, CHANNEL_MAIL_LETTER, CHANNEL_MAIL_MAX >> 8,
                                   CHANNEL_MAIL_MAX & 255};
    struct end end;

    (void)state;
    begin(&end, 0);
    end.wanted = 3 * (size_t)CHANNEL_MAIL_MAX;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(write(end.raw, head, sizeof head), sizeof head);
        assert_int_equal(write(end.raw, body, sizeof body), sizeof body);
    }
    loop_run(end.loop);
    assert_int_equal(end.n, end.wanted);
    finish(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_is_decoded_as_encoded),
        cmocka_unit_test(the_longest_fits_and_no_longer_one),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(names_are_judged),
        cmocka_unit_test(answers_are_decoded_as_encoded),
        cmocka_unit_test(a_flood_of_mail_is_in_nobodys_way),
        cmocka_unit_test(nobody_mails_without_room),
        cmocka_unit_test(long_mail_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
