#include "channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "reader.h"
#include "writer.h"

#define HEAD_LEN 4
#define FRAME_MAX (HEAD_LEN + CHANNEL_BODY_MAX)
#define QUEUE_MAX 16384

const char channel_gone[] = "it is gone";

struct channel {
    struct loop_watch watch; /* first, so that a watch is a channel */
    struct loop *loop;
    struct channel_peer peer;
    bool *freed; /* set by channel_free while a callback runs */
    uint8_t in[FRAME_MAX];
    size_t n_in;
    uint8_t out[QUEUE_MAX];
    size_t n_out;
};

static void shut(struct channel *channel)
{
    if (channel->watch.fd >= 0) {
        loop_unwatch(channel->loop, &channel->watch);
        (void)close(channel->watch.fd);
        channel->watch.fd = -1;
    }
}

static void give_up(struct channel *channel, const char *why)
{
    shut(channel);
    channel->peer.closed(channel->peer.cookie, why);
}

/* Sending. */

static bool flush(struct channel *channel)
{
    while (channel->n_out != 0) {
        const ssize_t n = send(channel->watch.fd, channel->out, channel->n_out, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN;
        }
        channel->n_out -= (size_t)n;
        memmove(channel->out, channel->out + n, channel->n_out);
        memory_wipe(channel->out + channel->n_out, (size_t)n);
    }
    return true;
}

static bool watch_writing(struct channel *channel)
{
    const uint32_t events = channel->n_out != 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;

    return events == channel->watch.events || loop_rewatch(channel->loop, &channel->watch, events);
}

bool channel_send(struct channel *channel, enum channel_type type, const void *body, size_t n)
{
    struct writer w = writer_of(channel->out + channel->n_out, QUEUE_MAX - channel->n_out);

    assert(n <= CHANNEL_BODY_MAX);
    writer_u16(&w, (uint16_t)type);
    writer_u16(&w, (uint16_t)n);
    writer_bytes(&w, body, n);
    if (channel->watch.fd < 0 || w.failed) {
        return false;
    }
    channel->n_out += writer_len(&w);
    return flush(channel) && watch_writing(channel);
}

/* Receiving. */

static const struct channel_rule *rule_of(const struct channel *channel, unsigned type)
{
    for (size_t i = 0; i < channel->peer.n_rules; i++) {
        if ((unsigned)channel->peer.rules[i].type == type) {
            return &channel->peer.rules[i];
        }
    }
    return NULL;
}

/* Hands out the frames that are whole; false: the channel is closed, and perhaps freed. */
static bool take_frames(struct channel *channel)
{
    while (channel->n_in >= HEAD_LEN) {
        struct reader r = reader_of(channel->in, channel->n_in);
        const unsigned type = reader_u16(&r);
        const size_t n = reader_u16(&r);
        const struct channel_rule *rule = rule_of(channel, type);
        bool freed = false;

        if (rule == NULL) {
            give_up(channel, "it sent a message of a type that is not its to send");
            return false;
        }
        if (n < rule->least || n > rule->most || n > CHANNEL_BODY_MAX) {
            give_up(channel, "it sent a message of a wrong length");
            return false;
        }
        if (reader_left(&r) < n) {
            return true;
        }
        channel->freed = &freed;
        channel->peer.message(channel->peer.cookie, rule->type, channel->in + HEAD_LEN, n);
        if (freed) {
            return false;
        }
        channel->freed = NULL;
        channel->n_in -= HEAD_LEN + n;
        memmove(channel->in, channel->in + HEAD_LEN + n, channel->n_in);
        memory_wipe(channel->in + channel->n_in, HEAD_LEN + n);
        if (channel->watch.fd < 0) {
            return false;
        }
    }
    return true;
}

/* One reading a turn: who sends without end keeps nobody else from the loop. */
static void receive(struct channel *channel)
{
    const ssize_t n =
        recv(channel->watch.fd, channel->in + channel->n_in, sizeof channel->in - channel->n_in, 0);

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        give_up(channel,
                channel->n_in != 0 ? "it is gone in the middle of a message" : channel_gone);
        return;
    }
    channel->n_in += (size_t)n;
    (void)take_frames(channel);
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct channel *channel = (struct channel *)watch;

    if ((events & EPOLLOUT) != 0 && !(flush(channel) && watch_writing(channel))) {
        give_up(channel, "it cannot be written to");
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive(channel);
    }
}

/* Public functions. */

bool channel_pair(int fds[static 2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0;
}

enum rp_status channel_new(struct loop *loop, int fd, const struct channel_peer *peer,
                           struct channel **out)
{
    struct channel *channel = memory_new(1, sizeof *channel);

    *out = NULL;
    if (channel == NULL) {
        (void)close(fd);
        return RP_NO_MEMORY;
    }
    channel->loop = loop;
    channel->peer = *peer;
    channel->watch.fd = fd;
    channel->watch.events = EPOLLIN;
    channel->watch.ready = ready;
    if (!loop_watch(loop, &channel->watch)) {
        channel_free(&channel);
        return RP_SYSTEM;
    }
    *out = channel;
    return RP_OK;
}

static void release(struct channel **out)
{
    struct channel *channel = *out;

    *out = NULL;
    if (channel->freed != NULL) {
        *channel->freed = true;
    }
    memory_wipe(channel->in, sizeof channel->in);
    memory_wipe(channel->out, sizeof channel->out);
    memory_free(channel);
}

void channel_free(struct channel **channel)
{
    if (*channel != NULL) {
        shut(*channel);
        release(channel);
    }
}

void channel_abandon(struct channel **channel)
{
    if (*channel != NULL) {
        release(channel);
    }
}
