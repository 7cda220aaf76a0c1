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
#define QUEUE_MAX 16384 /* but for mail */
#define SHORT_MAX 1024  /* mail that may wait in half of that too */

const char channel_gone[] = "it is gone";

struct channel {
    struct loop_watch watch; /* first, so that a watch is a channel */
    struct loop *loop;
    struct channel_peer peer;
    bool *freed; /* set by channel_free while a callback runs */
    size_t in_size;
    size_t n_in;
    size_t n_out;
    uint8_t *in;
    uint8_t *out; /* QUEUE_MAX and the room for mail */
    uint8_t buffers[];
};

static size_t out_size(const struct channel *channel)
{
    return QUEUE_MAX + channel->peer.mail_room;
}

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

/* room: how much of the queue it may fill. */
static bool enqueue(struct channel *channel, enum channel_type type, const void *body, size_t n,
                    size_t room)
{
    struct writer w =
        writer_of(channel->out + channel->n_out, room > channel->n_out ? room - channel->n_out : 0);

    writer_u16(&w, (uint16_t)type);
    writer_u16(&w, (uint16_t)n);
    writer_bytes(&w, body, n);
    if (channel->watch.fd < 0 || w.failed) {
        return false;
    }
    channel->n_out += writer_len(&w);
    return flush(channel) && watch_writing(channel);
}

bool channel_send(struct channel *channel, enum channel_type type, const void *body, size_t n)
{
    assert(n <= CHANNEL_BODY_MAX);
    return enqueue(channel, type, body, n, out_size(channel));
}

bool channel_mail(struct channel *channel, enum channel_type type, const void *body, size_t n)
{
    const size_t room = channel->peer.mail_room;

    assert(n <= CHANNEL_MAIL_MAX);
    return room != 0 &&
           enqueue(channel, type, body, n, n <= SHORT_MAX ? room + QUEUE_MAX / 2 : room);
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

/* What was taken makes room for what comes. */
static void drop_taken(struct channel *channel, size_t n)
{
    if (n != 0) {
        channel->n_in -= n;
        memmove(channel->in, channel->in + n, channel->n_in);
        memory_wipe(channel->in + channel->n_in, n);
    }
}

/* Hands out the frames that are whole; false: the channel is closed, and perhaps freed. */
static bool take_frames(struct channel *channel)
{
    size_t at = 0;

    while (channel->n_in - at >= HEAD_LEN) {
        struct reader r = reader_of(channel->in + at, channel->n_in - at);
        const unsigned type = reader_u16(&r);
        const size_t n = reader_u16(&r);
        const struct channel_rule *rule = rule_of(channel, type);
        bool freed = false;

        if (rule == NULL) {
            give_up(channel, "it sent a message of a type that is not its to send");
            return false;
        }
        if (n < rule->least || n > rule->most) {
            give_up(channel, "it sent a message of a wrong length");
            return false;
        }
        if (reader_left(&r) < n) {
            break;
        }
        channel->freed = &freed;
        channel->peer.message(channel->peer.cookie, rule->type, channel->in + at + HEAD_LEN, n);
        if (freed) {
            return false;
        }
        channel->freed = NULL;
        if (channel->watch.fd < 0) {
            return false;
        }
        at += HEAD_LEN + n;
    }
    drop_taken(channel, at);
    return true;
}

/* One reading a turn: who sends without end keeps nobody else from the loop. */
static void receive(struct channel *channel)
{
    const ssize_t n =
        recv(channel->watch.fd, channel->in + channel->n_in, channel->in_size - channel->n_in, 0);

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

static size_t longest_body(const struct channel_peer *peer)
{
    size_t n = CHANNEL_BODY_MAX;

    for (size_t i = 0; i < peer->n_rules; i++) {
        n = peer->rules[i].most > n ? peer->rules[i].most : n;
    }
    return n;
}

enum rp_status channel_new(struct loop *loop, int fd, const struct channel_peer *peer,
                           struct channel **out)
{
    const size_t in_size = HEAD_LEN + longest_body(peer);
    const size_t size = sizeof(struct channel) + in_size + QUEUE_MAX + peer->mail_room;
    struct channel *channel = memory_new(1, size);

    *out = NULL;
    if (channel == NULL) {
        (void)close(fd);
        return RP_NO_MEMORY;
    }
    channel->in_size = in_size;
    channel->in = channel->buffers;
    channel->out = channel->buffers + in_size;
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
    memory_wipe(channel->in, channel->n_in);
    memory_wipe(channel->out, channel->n_out);
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
