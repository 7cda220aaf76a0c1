#include "redis_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "store_random.h"
#include "text.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define STABLE_MS 5000     /* a connection that held for so long was no failure */
#define UNANSWERED_TIMES 3 /* the timeout: for so long a server may owe an answer */
#define READ_SIZE 65536
#define READ_ROUNDS 4
#define OUT_MAX (2 * STORE_REPLY_MAX)
#define ARGS_MAX 16
#define SENTENCE_MAX 120

enum state { PAUSING, CONNECTING, GREETING, UP };

/* Kinds of the greeting's own commands are beyond those of owners. */
enum greeting { GREETING_AUTH = 0x10000, GREETING_SELECT, GREETING_PING };

struct pending {
    unsigned kind;
    void *tag; /* NULL: forgotten */
    int64_t since_ms;
};

struct redis_link {
    struct redis_link_options options;
    struct redis_link_owner owner;
    enum state state;
    int fd;
    uint32_t events; /* that are registered */
    size_t target;
    size_t n_failed; /* attempts in a row */
    uint64_t random;
    int64_t due_ms;
    int64_t up_ms;
    int64_t heard_ms;
    struct redis_parser *parser;
    uint8_t *out;
    size_t out_size, out_at, out_len; /* from out_at on, out_len bytes are to be sent */
    struct pending *pending;          /* a ring */
    size_t pending_at, n_pending;
};

enum rp_status redis_link_new(const struct redis_link_options *options,
                              const struct redis_link_owner *owner, struct redis_link **out)
{
    struct redis_link *link = memory_new(1, sizeof *link);

    *out = NULL;
    if (link == NULL) {
        return RP_NO_MEMORY;
    }
    link->options = *options;
    link->owner = *owner;
    link->fd = -1;
    link->due_ms = INT64_MIN;
    link->random = options->seed;
    link->pending = memory_new(REDIS_PENDING_MAX, sizeof *link->pending);
    if (link->pending == NULL) {
        redis_link_free(&link);
        return RP_NO_MEMORY;
    }
    *out = link;
    return RP_OK;
}

static void close_socket(struct redis_link *link)
{
    if (link->fd >= 0) {
        (void)close(link->fd);
        link->fd = -1;
    }
    redis_parser_free(&link->parser);
    if (link->out != NULL) {
        memory_wipe(link->out, link->out_size);
        memory_free(link->out);
    }
    link->out = NULL;
    link->out_size = link->out_at = link->out_len = 0;
}

void redis_link_free(struct redis_link **link)
{
    if (*link != NULL) {
        close_socket(*link);
        memory_free((*link)->pending);
        memory_free(*link);
        *link = NULL;
    }
}

bool redis_link_up(const struct redis_link *link)
{
    return link->state == UP;
}

const struct redis_target *redis_link_target(const struct redis_link *link)
{
    return &link->options.targets->at[link->target];
}

int64_t redis_link_heard_ms(const struct redis_link *link)
{
    return link->heard_ms;
}

int64_t redis_link_due_ms(const struct redis_link *link)
{
    int64_t due_ms = link->due_ms;

    if (link->n_pending != 0 && link->state == UP) {
        due_ms =
            link->pending[link->pending_at].since_ms + UNANSWERED_TIMES * link->options.timeout_ms;
    }
    return due_ms;
}

/* Between half of it and all of it, so that the attempts of many hosts spread. */
static int64_t pause_ms(struct redis_link *link, size_t round)
{
    int64_t pause = PAUSE_MIN_MS;

    for (size_t i = 0; i < round && pause < PAUSE_MAX_MS; i++) {
        pause *= 2;
    }
    pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    return pause / 2 + (int64_t)(store_random(&link->random) % (uint64_t)(pause / 2 + 1));
}

static void drop_pending(struct redis_link *link)
{
    while (link->n_pending != 0) {
        const struct pending gone = link->pending[link->pending_at];

        link->pending_at = (link->pending_at + 1) % REDIS_PENDING_MAX;
        link->n_pending--;
        if (gone.kind < GREETING_AUTH) {
            link->owner.lost(link->owner.cookie, gone.kind, gone.tag);
        }
    }
}

/* The server may have made up what is in why: only plain characters of it are shown. */
static void clean(const char *why, char out[static SENTENCE_MAX + 1])
{
    struct text t = text_of(out, SENTENCE_MAX + 1);

    for (const char *p = why; *p != '\0' && *p != '\r' && *p != '\n'; p++) {
        text_add_char(&t, *p >= ' ' && *p <= '~' ? *p : '?');
    }
}

/* Leaves the server, or gives the attempt up. */
static void end(struct redis_link *link, const char *why, int64_t now_ms)
{
    const size_t n_targets = link->options.targets->n;
    const bool was_up = link->state == UP;
    char cleaned[SENTENCE_MAX + 1];
    struct rp_error err;

    clean(why, cleaned);
    error_set(&err, "the store %s %s", redis_link_target(link)->text, cleaned);
    if (was_up && now_ms - link->up_ms >= STABLE_MS) {
        link->n_failed = 0;
        link->due_ms = now_ms + (int64_t)(store_random(&link->random) % PAUSE_MIN_MS);
    } else {
        const size_t round = link->n_failed / n_targets;

        link->n_failed++;
        link->due_ms = link->n_failed % n_targets != 0 ? now_ms : now_ms + pause_ms(link, round);
    }
    close_socket(link);
    link->state = PAUSING;
    link->target = (link->target + 1) % n_targets;
    drop_pending(link);
    if (was_up || (link->n_failed != 0 && link->n_failed % n_targets == 0)) {
        link->owner.down(link->owner.cookie, err.text);
    }
}

static void end_by_errno(struct redis_link *link, const char *what, int64_t now_ms)
{
    char buffer[SENTENCE_MAX + 1];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "%s: %s", what, strerror(errno));
    end(link, buffer, now_ms);
}

static bool listen_for(struct redis_link *link, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = link};
    const int operation = link->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (link->events == events) {
        return true;
    }
    link->events = events;
    return epoll_ctl(link->options.epoll, operation, link->fd, &event) == 0;
}

static void begin_connecting(struct redis_link *link, int64_t now_ms)
{
    const struct redis_target *const target = &link->options.targets->at[link->target];
    const int family = target->address.ss_family;
    const int on = 1;

    link->state = CONNECTING;
    link->events = 0;
    link->due_ms = now_ms + link->options.timeout_ms;
    link->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || redis_parser_new(&link->parser) != RP_OK) {
        end_by_errno(link, "cannot be connected to", now_ms);
        return;
    }
    if (family != AF_UNIX) {
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if ((connect(link->fd, (const struct sockaddr *)&target->address, target->len) != 0 &&
         errno != EINPROGRESS) ||
        !listen_for(link, EPOLLIN | EPOLLOUT)) {
        end_by_errno(link, "cannot be connected to", now_ms);
    }
}

/* Room for so many more bytes to send. */
static bool reserve(struct redis_link *link, size_t n)
{
    size_t size = link->out_size != 0 ? link->out_size : READ_SIZE;
    uint8_t *grown;

    if (n > OUT_MAX || link->out_len > OUT_MAX - n) {
        return false;
    }
    if (link->out_at != 0) {
        memmove(link->out, link->out + link->out_at, link->out_len);
        link->out_at = 0;
    }
    while (size < link->out_len + n) {
        size *= 2;
    }
    if (size == link->out_size) {
        return true;
    }
    grown = memory_resize(link->out, link->out_size, size, 1);
    if (grown == NULL) {
        return false;
    }
    link->out = grown;
    link->out_size = size;
    return true;
}

static void add_bytes(struct redis_link *link, const void *p, size_t n)
{
    if (n != 0) {
        memcpy(link->out + link->out_at + link->out_len, p, n);
        link->out_len += n;
    }
}

static void add_count(struct redis_link *link, char mark, size_t n)
{
    char buffer[32];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "%c%zu\r\n", mark, n);
    add_bytes(link, buffer, t.len);
}

static bool send_command(struct redis_link *link, const struct redis_arg *args, size_t n,
                         unsigned kind, void *tag, int64_t now_ms)
{
    size_t bytes = 32;

    for (size_t i = 0; i < n; i++) {
        bytes += args[i].len + 32;
    }
    if (link->n_pending == REDIS_PENDING_MAX || !reserve(link, bytes)) {
        return false;
    }
    add_count(link, '*', n);
    for (size_t i = 0; i < n; i++) {
        add_count(link, '$', args[i].len);
        add_bytes(link, args[i].at, args[i].len);
        add_bytes(link, "\r\n", 2);
    }
    if (kind != 0) {
        const size_t at = (link->pending_at + link->n_pending++) % REDIS_PENDING_MAX;

        link->pending[at] = (struct pending){kind, tag, now_ms};
    }
    return true;
}

bool redis_link_command(struct redis_link *link, const struct redis_arg *args, size_t n,
                        unsigned kind, void *tag, int64_t now_ms)
{
    return link->state == UP && send_command(link, args, n, kind, tag, now_ms);
}

void redis_link_forget(struct redis_link *link, const void *tag)
{
    for (size_t i = 0; i < link->n_pending; i++) {
        struct pending *const p = &link->pending[(link->pending_at + i) % REDIS_PENDING_MAX];

        if (p->tag == tag) {
            p->tag = NULL;
        }
    }
}

static bool greet(struct redis_link *link, int64_t now_ms)
{
    const struct redis_url *const url = link->options.url;
    struct redis_arg args[3] = {{"AUTH", 4}};
    char number[16];
    struct text t = text_of(number, sizeof number);
    size_t n = 1;
    bool good = true;

    if (url->password[0] != '\0') {
        if (url->user[0] != '\0') {
            args[n++] = (struct redis_arg){url->user, strlen(url->user)};
        }
        args[n++] = (struct redis_arg){url->password, strlen(url->password)};
        good = send_command(link, args, n, GREETING_AUTH, NULL, now_ms);
    }
    if (url->db != 0) {
        text_addf(&t, "%u", url->db);
        args[0] = (struct redis_arg){"SELECT", 6};
        args[1] = (struct redis_arg){number, t.len};
        good = good && send_command(link, args, 2, GREETING_SELECT, NULL, now_ms);
    }
    args[0] = (struct redis_arg){"PING", 4};
    return good && send_command(link, args, 1, GREETING_PING, NULL, now_ms);
}

static void connected(struct redis_link *link, int64_t now_ms)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        errno = error != 0 ? error : errno;
        end_by_errno(link, "cannot be connected to", now_ms);
        return;
    }
    link->state = GREETING;
    link->heard_ms = now_ms;
    if (!greet(link, now_ms)) {
        end(link, "cannot be spoken to: out of memory", now_ms);
        return;
    }
    redis_link_flush(link, now_ms);
}

void redis_link_flush(struct redis_link *link, int64_t now_ms)
{
    if (link->state != GREETING && link->state != UP) {
        return;
    }
    while (link->out_len != 0) {
        const ssize_t n =
            send(link->fd, link->out + link->out_at, link->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n < 0) {
            end_by_errno(link, "has gone away", now_ms);
            return;
        }
        link->out_at += (size_t)n;
        link->out_len -= (size_t)n;
    }
    if (link->out_len == 0) {
        link->out_at = 0;
    }
    if (link->out_len == 0 && link->state == GREETING) {
        /* It had the password in it. */
        memory_wipe(link->out, link->out_size);
    }
    if (!listen_for(link, link->out_len != 0 ? EPOLLIN | EPOLLOUT : EPOLLIN)) {
        end_by_errno(link, "cannot be watched", now_ms);
    }
}

/* Not NULL: why the server will not do. */
static const char *take_greeting(struct redis_link *link, unsigned kind,
                                 const struct redis_reply *reply, int64_t now_ms)
{
    if (reply->kind == REDIS_ERROR) {
        return reply->text;
    }
    if (reply->kind != REDIS_STATUS ||
        strcmp(reply->text, kind == GREETING_PING ? "PONG" : "OK") != 0) {
        return "answers otherwise than a Redis does";
    }
    if (kind == GREETING_PING) {
        link->state = UP;
        link->up_ms = now_ms;
        link->due_ms = INT64_MAX;
        link->owner.up(link->owner.cookie);
    }
    return NULL;
}

static const char *take_reply(struct redis_link *link, const struct redis_reply *reply,
                              int64_t now_ms)
{
    struct pending answered;

    if (link->n_pending == 0) {
        return link->owner.pushed != NULL && link->state == UP
                   ? link->owner.pushed(link->owner.cookie, reply)
                   : (reply->kind == REDIS_ERROR ? reply->text : "answers what nobody has asked");
    }
    answered = link->pending[link->pending_at];
    link->pending_at = (link->pending_at + 1) % REDIS_PENDING_MAX;
    link->n_pending--;
    if (answered.kind >= GREETING_AUTH) {
        return take_greeting(link, answered.kind, reply, now_ms);
    }
    return link->owner.reply(link->owner.cookie, answered.kind, answered.tag, reply);
}

static void end_by_reply(struct redis_link *link, const char *why, bool error, int64_t now_ms)
{
    char buffer[SENTENCE_MAX + 1];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "%s%.100s", error ? "answers: " : "", why);
    end(link, buffer, now_ms);
}

/* False: the link has ended. */
static bool take_replies(struct redis_link *link, int64_t now_ms)
{
    struct redis_reply *reply;

    for (;;) {
        const enum redis_parse parse = redis_parser_next(link->parser, &reply);
        const char *why;

        if (parse == REDIS_MORE) {
            return true;
        }
        if (parse == REDIS_BAD) {
            end(link, "answers what is no protocol of Redis, or too much", now_ms);
            return false;
        }
        why = take_reply(link, reply, now_ms);
        if (why != NULL) {
            end_by_reply(link, why, reply->kind == REDIS_ERROR, now_ms);
        }
        redis_reply_free(reply);
        if (why != NULL) {
            return false;
        }
    }
}

static void read_replies(struct redis_link *link, int64_t now_ms)
{
    uint8_t buffer[READ_SIZE];

    for (unsigned i = 0; i < READ_ROUNDS; i++) {
        const ssize_t n = recv(link->fd, buffer, sizeof buffer, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n < 0) {
            end_by_errno(link, "has gone away", now_ms);
            return;
        }
        if (n == 0) {
            end(link, "has closed the connection", now_ms);
            return;
        }
        link->heard_ms = now_ms;
        if (!redis_parser_feed(link->parser, buffer, (size_t)n)) {
            end(link, "cannot be read: out of memory", now_ms);
            return;
        }
        if (!take_replies(link, now_ms)) {
            return;
        }
    }
}

void redis_link_ready(struct redis_link *link, uint32_t events, int64_t now_ms)
{
    if (link->state == CONNECTING) {
        connected(link, now_ms);
    } else if (link->state != PAUSING && (events & ~(uint32_t)EPOLLOUT) != 0) {
        read_replies(link, now_ms);
    }
}

void redis_link_tick(struct redis_link *link, int64_t now_ms)
{
    if (redis_link_due_ms(link) > now_ms) {
        return;
    }
    if (link->state == PAUSING) {
        begin_connecting(link, now_ms);
    } else {
        end(link, "does not answer", now_ms);
    }
}
