/*
 * Any bytes from the other end of a channel. The first byte chooses whose end we are; what the
 * channel lets through is decoded.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "loop.h"
#include "message.h"
#include "message_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_domains(const uint8_t *body, size_t n)
{
    char name[MESSAGE_DOMAIN_MAX + 1];
    size_t at = 0;
    size_t sum = 0;

    if (!message_domains_check(body, n)) {
        return;
    }
    while (message_domains_next(body, n, &at, name)) {
        assert(name[0] != '\0');
        sum += 1 + strlen(name);
    }
    assert(sum == n);
}

static void take_static_keys(const uint8_t *body, size_t n)
{
    struct stek keys[MESSAGE_KEYS_MAX];
    uint8_t again[MESSAGE_STATIC_KEYS_MAX];
    size_t n_keys;

    if (message_static_keys_decode(body, n, keys, &n_keys)) {
        assert(message_static_keys_encode(keys, n_keys, again) == n);
        assert(memcmp(again, body, n) == 0);
    }
}

/* What is decoded says the same when it is encoded again. */
static void take_mail(enum channel_type type, const uint8_t *body, size_t n)
{
    static uint8_t again[CHANNEL_MAIL_MAX];
    char box[MESSAGE_MAIL_NAME_MAX + 1];
    struct message_put put;
    struct message_list list;
    struct message_place place;
    struct message_entry entry;
    struct message_listed listed;
    struct message_claimed claimed;
    bool is_up;
    size_t n_again = 0;

    if (type == CHANNEL_MAIL_STATE && message_store_decode(body, n, &is_up)) {
        n_again = message_store_encode(is_up, again);
    } else if (type == CHANNEL_MAIL_WATCH && message_watch_decode(body, n, box)) {
        n_again = message_watch_encode(box, again);
    } else if (type == CHANNEL_MAIL_PUT && message_put_decode(body, n, &put)) {
        n_again = message_put_encode(put.place.box, put.place.name, &put, again);
    } else if (type == CHANNEL_MAIL_LIST && message_list_decode(body, n, &list)) {
        n_again = message_list_encode(list.box, list.most, again);
    } else if (type == CHANNEL_MAIL_ERASE && message_erase_decode(body, n, &place)) {
        n_again = message_erase_encode(place.box, place.name, again);
    } else if ((type == CHANNEL_MAIL_ENTRY || type == CHANNEL_MAIL_LETTER) &&
               message_entry_decode(body, n, &entry)) {
        n_again = message_entry_encode(entry.name, entry.value, entry.len, again);
    } else if (type == CHANNEL_MAIL_LISTED && message_listed_decode(body, n, &listed)) {
        n_again = message_listed_encode(&listed, again);
    } else if (type == CHANNEL_MAIL_CLAIMED && message_claimed_decode(body, n, &claimed)) {
        n_again = message_claimed_encode(&claimed, again);
    } else {
        return;
    }
    assert(n_again == n && memcmp(again, body, n) == 0);
}

static void take_feed(enum channel_type type, const uint8_t *body, size_t n)
{
    uint8_t again[MESSAGE_FEED_RAN_MAX];
    struct message_feed_run run;
    struct message_feed_ran ran;
    uint16_t feeds;
    size_t n_again = 0;

    if (type == CHANNEL_FEED_RUN && message_feed_run_decode(body, n, &run)) {
        message_feed_run_encode(&run, again);
        n_again = MESSAGE_FEED_RUN_LEN;
    } else if (type == CHANNEL_FEED_RAN && message_feed_ran_decode(body, n, &ran)) {
        n_again = message_feed_ran_encode(&ran, again);
    } else if (type == CHANNEL_FEED_CLEAR && message_feed_clear_decode(body, n, &feeds)) {
        message_feed_clear_encode(feeds, again);
        n_again = MESSAGE_FEED_CLEAR_LEN;
    } else {
        return;
    }
    assert(n_again == n && memcmp(again, body, n) == 0);
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct message_epoch epoch;
    struct message_taken taken;
    int64_t bound_ms;

    (void)cookie;
    assert(n <= (type < CHANNEL_SETTLED ? CHANNEL_BODY_MAX : CHANNEL_MAIL_MAX));
    switch (type) {
    case CHANNEL_READY:
    case CHANNEL_ACCEPT:
    case CHANNEL_PING:
    case CHANNEL_PONG:
    case CHANNEL_SETTLED:
    case CHANNEL_MAIL_ERASED:
        assert(n == 0);
        break;
    case CHANNEL_DRAIN:
        if (message_drain_decode(body, n, &bound_ms)) {
            assert(bound_ms >= 0);
        }
        break;
    case CHANNEL_DOMAINS:
        take_domains(body, n);
        break;
    case CHANNEL_EPOCH:
        assert(message_epoch_decode(body, n, &epoch));
        break;
    case CHANNEL_STATIC_KEYS:
        take_static_keys(body, n);
        break;
    case CHANNEL_KEYS_TAKEN:
    case CHANNEL_DOMAINS_TAKEN:
        if (message_taken_decode(body, n, &taken)) {
            assert(taken.taken == (strlen(taken.why_not) == 0));
        }
        break;
    case CHANNEL_MAIL_STATE:
    case CHANNEL_MAIL_WATCH:
    case CHANNEL_MAIL_PUT:
    case CHANNEL_MAIL_LIST:
    case CHANNEL_MAIL_ERASE:
    case CHANNEL_MAIL_ENTRY:
    case CHANNEL_MAIL_LISTED:
    case CHANNEL_MAIL_CLAIMED:
    case CHANNEL_MAIL_LETTER:
        take_mail(type, body, n);
        break;
    case CHANNEL_FEED_RUN:
    case CHANNEL_FEED_RAN:
    case CHANNEL_FEED_CLEAR:
        take_feed(type, body, n);
        break;
    }
}

static void on_closed(void *cookie, const char *why)
{
    assert(why != NULL);
    loop_stop(cookie);
}

#define RULES(peer, table)                                                                         \
    ((peer)->rules = (table), (peer)->n_rules = sizeof(table) / sizeof(table)[0])

static void choose(struct channel_peer *peer, uint8_t whose)
{
    switch (whose % 6) {
    case 0:
        RULES(peer, message_rules_of_keeper);
        break;
    case 1:
        RULES(peer, message_rules_for_keeper);
        break;
    case 2:
        RULES(peer, message_rules_of_courier);
        break;
    case 3:
        RULES(peer, message_rules_for_courier);
        break;
    case 4:
        RULES(peer, message_rules_of_feeder);
        break;
    default:
        RULES(peer, message_rules_for_feeder);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct channel_peer peer = {.message = on_message, .closed = on_closed};
    struct loop *loop;
    struct channel *channel;
    int fds[2];

    if (size < 1 || size > 65536) {
        return 0;
    }
    choose(&peer, data[0]);
    if (loop_new(&loop) != RP_OK || !channel_pair(fds)) {
        abort();
    }
    peer.cookie = loop;
    if (channel_new(loop, fds[0], &peer, &channel) != RP_OK ||
        write(fds[1], data + 1, size - 1) != (ssize_t)(size - 1) || close(fds[1]) != 0) {
        abort();
    }
    loop_run(loop);
    channel_free(&channel);
    loop_free(&loop);
    return 0;
}
