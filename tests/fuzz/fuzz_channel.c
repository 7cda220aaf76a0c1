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

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct stek keys[MESSAGE_KEYS_MAX];
    struct message_epoch epoch;
    struct message_taken taken;
    size_t n_keys;
    int64_t bound_ms;

    (void)cookie;
    assert(n <= CHANNEL_BODY_MAX);
    switch (type) {
    case CHANNEL_READY:
    case CHANNEL_ACCEPT:
    case CHANNEL_PING:
    case CHANNEL_PONG:
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
        if (message_static_keys_decode(body, n, keys, &n_keys)) {
            uint8_t again[MESSAGE_STATIC_KEYS_MAX];

            assert(message_static_keys_encode(keys, n_keys, again) == n);
            assert(memcmp(again, body, n) == 0);
        }
        break;
    case CHANNEL_KEYS_TAKEN:
    case CHANNEL_DOMAINS_TAKEN:
        if (message_taken_decode(body, n, &taken)) {
            assert(taken.taken == (strlen(taken.why_not) == 0));
        }
        break;
    }
}

static void on_closed(void *cookie, const char *why)
{
    assert(why != NULL);
    loop_stop(cookie);
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
    if (data[0] % 2 == 0) {
        peer.rules = message_rules_of_keeper;
        peer.n_rules = sizeof message_rules_of_keeper / sizeof message_rules_of_keeper[0];
    } else {
        peer.rules = message_rules_for_keeper;
        peer.n_rules = sizeof message_rules_for_keeper / sizeof message_rules_for_keeper[0];
    }
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
