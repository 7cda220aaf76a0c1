#include "haproxy_socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "error.h"
#include "memory.h"
#include "text.h"

#define ADDRESS_MAX 128
#define COMMAND_SIZE (2 * HAPROXY_FILE_MAX + 256)
#define ANSWER_SIZE                                                                                \
    8192 /* three keys and a name; of a list of files, what of it is worth showing */
#define FILES_SHOWN 120

/* What is asked, each by a connection of its own. */
enum step {
    STEP_IDLE,
    STEP_BEGIN,
    STEP_ASK,   /* what it has */
    STEP_PUSH,  /* keys[next_key], and those after it */
    STEP_CHECK, /* what it has now */
    STEP_FILES, /* what it has instead of our file */
};

struct haproxy_socket {
    struct loop *loop;
    struct loop_timer begin;
    struct loop_timer deadline;
    struct loop_watch watch; /* fd -1: no connection */
    enum step step;

    haproxy_done *done;
    void *cookie;
    char address_text[ADDRESS_MAX + 1];
    struct address address;
    char file[HAPROXY_FILE_MAX + 1];
    int64_t timeout_ms;
    struct stek keys[HAPROXY_KEYS]; /* secret, as the two buffers are */
    unsigned next_key;
    unsigned n_pushed;

    char command[COMMAND_SIZE];
    size_t command_len;
    size_t n_sent;
    char answer[ANSWER_SIZE];
    size_t answer_len;
};

static void ask(struct haproxy_socket *s, enum step step);

static struct haproxy_socket *of_watch(struct loop_watch *watch)
{
    return (struct haproxy_socket *)((char *)watch - offsetof(struct haproxy_socket, watch));
}

static void hang_up(struct haproxy_socket *s)
{
    if (s->watch.fd >= 0) {
        loop_close(s->loop, &s->watch);
        s->watch.fd = -1;
    }
    memory_wipe(s->command, sizeof s->command);
    memory_wipe(s->answer, sizeof s->answer);
    s->command_len = s->n_sent = s->answer_len = 0;
}

void haproxy_socket_cancel(struct haproxy_socket *s)
{
    hang_up(s);
    loop_timer_clear(&s->begin);
    loop_timer_clear(&s->deadline);
    memory_wipe(s->keys, sizeof s->keys);
    s->step = STEP_IDLE;
}

/* The last thing that a callback of the loop does: done may free s. */
static void finish(struct haproxy_socket *s, enum rp_status status, const struct rp_error *why)
{
    haproxy_done *const done = s->done;
    void *const cookie = s->cookie;
    const unsigned n_pushed = s->n_pushed;

    haproxy_socket_cancel(s);
    done(cookie, status, why != NULL ? why->text : "", n_pushed);
}

static void fail(struct haproxy_socket *s, enum rp_status status, const char *what)
{
    struct rp_error err;

    error_set(&err, "HAProxy's socket %s %s", s->address_text, what);
    finish(s, status, &err);
}

static void fail_by_errno(struct haproxy_socket *s)
{
    const int error = errno;
    const char *advice = "";
    struct rp_error err;

    if (error == ENOENT || error == ECONNREFUSED) {
        advice = "; HAProxy must run, with this address as a `stats socket`";
    } else if (error == EACCES || error == EPERM) {
        advice = "; its `stats socket` must let the feeder's user in (mode, user or group)";
    }
    error_set(&err, "HAProxy's socket %s cannot be connected to: %s%s", s->address_text,
              strerror(error), advice);
    finish(s, RP_SYSTEM, &err);
}

static void fail_by_files(struct haproxy_socket *s)
{
    char buffer[FILES_SHOWN];
    struct text names = text_of(buffer, sizeof buffer);
    const size_t n = haproxy_answer_files(s->answer, s->answer_len, &names);
    struct rp_error err;

    error_set(&err, "HAProxy at %s has no ticket keys from %.120s but from %s%s", s->address_text,
              s->file, n != 0 ? buffer : "no file at all", names.cut ? " ..." : "");
    error_add(&err, "; its `bind` must have `tls-ticket-keys` with this file, to the letter");
    finish(s, RP_NOT_FOUND, &err);
}

static void fail_by_size(struct haproxy_socket *s)
{
    fail(s, RP_INVALID,
         s->keys[0].key_len == 32
             ? "tells of keys of 48 bytes, ours have 80; HAProxy must be started again, or "
               "reloaded, to take the length from the file"
             : "tells of keys of 80 bytes, ours have 48; HAProxy must be started again, or "
               "reloaded, to take the length from the file");
}

/* What was answered is no answer to what was asked. */
static void fail_by_answer(struct haproxy_socket *s, enum haproxy_answer answer)
{
    switch (answer) {
    case HAPROXY_KNOWS_NO_FILE:
        ask(s, STEP_FILES);
        return;
    case HAPROXY_KEYS_OF_OTHER_SIZE:
        fail_by_size(s);
        return;
    case HAPROXY_DENIES:
        fail(s, RP_INVALID, "denies it; its `stats socket` must have `level admin`");
        return;
    case HAPROXY_KNOWS_NO_COMMAND:
        fail(s, RP_INVALID,
             "does not know the command; it must be a `stats socket`, not the master's (-S), of a "
             "HAProxy with TLS");
        return;
    case HAPROXY_SHOWS_KEYS:
    case HAPROXY_SHOWS_FILES:
    case HAPROXY_TOOK_KEY:
    case HAPROXY_ELSE:
        break;
    }
    fail(s, RP_FORMAT, "answers otherwise than HAProxy does; it must be its `stats socket`");
}

static bool same_key(const struct stek *a, const struct stek *b)
{
    return a->key_len == b->key_len && CRYPTO_memcmp(a->name, b->name, sizeof a->name) == 0 &&
           CRYPTO_memcmp(a->aes, b->aes, sizeof a->aes) == 0 &&
           CRYPTO_memcmp(a->hmac, b->hmac, sizeof a->hmac) == 0;
}

/*
 * How many of the wanted keys it has already, at the end of its three: each push drops one at the
 * front, so the others are to be pushed.
 */
static unsigned count_had(const struct haproxy_socket *s, const struct haproxy_shown *shown)
{
    for (unsigned n = HAPROXY_KEYS; n > 0; n--) {
        unsigned i = 0;

        while (i < n && same_key(&shown->keys[HAPROXY_KEYS - n + i], &s->keys[i])) {
            i++;
        }
        if (i == n) {
            return n;
        }
    }
    return 0;
}

static void take_keys(struct haproxy_socket *s, const struct haproxy_shown *shown)
{
    const unsigned n_had = count_had(s, shown);

    if (n_had == HAPROXY_KEYS) {
        finish(s, RP_OK, NULL);
    } else if (s->step == STEP_CHECK) {
        fail(s, RP_SYSTEM,
             "took our keys, but shows others; it was started again meanwhile, or somebody else "
             "sets keys there");
    } else if (shown->keys[0].key_len != s->keys[0].key_len) {
        fail_by_size(s);
    } else {
        s->next_key = n_had;
        ask(s, STEP_PUSH);
    }
}

static void take_answer(struct haproxy_socket *s)
{
    struct haproxy_shown shown;
    const enum haproxy_answer answer = haproxy_answer_read(s->answer, s->answer_len, &shown);

    if ((s->step == STEP_ASK || s->step == STEP_CHECK) && answer == HAPROXY_SHOWS_KEYS) {
        take_keys(s, &shown);
    } else if (s->step == STEP_PUSH && answer == HAPROXY_TOOK_KEY) {
        s->n_pushed++;
        s->next_key++;
        ask(s, s->next_key < HAPROXY_KEYS ? STEP_PUSH : STEP_CHECK);
    } else if (s->step != STEP_FILES) {
        fail_by_answer(s, answer);
    } else if (answer == HAPROXY_SHOWS_FILES || s->answer_len == sizeof s->answer) {
        fail_by_files(s);
    } else {
        fail_by_answer(s, HAPROXY_ELSE);
    }
    memory_wipe(&shown, sizeof shown);
}

static void read_answer(struct haproxy_socket *s)
{
    for (;;) {
        const size_t room = sizeof s->answer - s->answer_len;
        const ssize_t n = recv(s->watch.fd, s->answer + s->answer_len, room, MSG_DONTWAIT);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0 || (n == 0 && s->answer_len == 0)) {
            fail(s, RP_SYSTEM,
                 "ends the connection without an answer; it must be HAProxy's `stats socket`");
            return;
        }
        s->answer_len += (size_t)n;
        if (n == 0 || s->answer_len == sizeof s->answer ||
            haproxy_answer_whole(s->answer, s->answer_len)) {
            take_answer(s);
            return;
        }
    }
}

static void send_command(struct haproxy_socket *s)
{
    while (s->n_sent < s->command_len) {
        const ssize_t n = send(s->watch.fd, s->command + s->n_sent, s->command_len - s->n_sent,
                               MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            fail_by_errno(s);
            return;
        }
        s->n_sent += (size_t)n;
    }
    if (!loop_rewatch(s->loop, &s->watch, EPOLLIN)) {
        fail_by_errno(s);
    }
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct haproxy_socket *const s = of_watch(watch);
    int error = 0;
    socklen_t len = sizeof error;

    if (s->n_sent == s->command_len) {
        read_answer(s);
        return;
    }
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 &&
        getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
        errno = error;
        fail_by_errno(s);
        return;
    }
    send_command(s);
}

static bool write_command(struct haproxy_socket *s)
{
    struct text t = text_of(s->command, sizeof s->command);
    bool good = false;

    switch (s->step) {
    case STEP_ASK:
    case STEP_CHECK:
        good = haproxy_ask_keys(&t, s->file);
        break;
    case STEP_PUSH:
        good = haproxy_ask_push(&t, s->file, &s->keys[s->next_key]);
        break;
    case STEP_FILES:
        good = haproxy_ask_files(&t);
        break;
    case STEP_IDLE:
    case STEP_BEGIN:
        break;
    }
    s->command_len = t.len;
    return good;
}

static void ask(struct haproxy_socket *s, enum step step)
{
    const struct sockaddr *const address = (const struct sockaddr *)&s->address.storage;

    hang_up(s);
    s->step = step;
    if (!write_command(s)) {
        fail(s, RP_INVALID, "cannot be asked: the file's name is too long");
        return;
    }
    s->watch.events = EPOLLIN | EPOLLOUT;
    s->watch.ready = ready;
    s->watch.fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->watch.fd < 0 ||
        (connect(s->watch.fd, address, s->address.len) != 0 && errno != EINPROGRESS) ||
        !loop_watch(s->loop, &s->watch)) {
        fail_by_errno(s);
    }
}

static void begin(struct loop_timer *timer)
{
    ask((struct haproxy_socket *)((char *)timer - offsetof(struct haproxy_socket, begin)),
        STEP_ASK);
}

static void expire(struct loop_timer *timer)
{
    struct haproxy_socket *const s =
        (struct haproxy_socket *)((char *)timer - offsetof(struct haproxy_socket, deadline));
    struct rp_error err;

    error_set(&err,
              "HAProxy's socket %s does not answer within %lld ms; it must be a `stats socket` of "
              "a HAProxy that runs",
              s->address_text, (long long)s->timeout_ms);
    finish(s, RP_SYSTEM, &err);
}

bool haproxy_address_parse(const char *s, struct address *out)
{
    struct sockaddr_un *const un = (struct sockaddr_un *)&out->storage;
    const size_t n = strlen(s);

    if (s[0] != '/') {
        return address_parse(s, out) && address_port(out) != 0;
    }
    memset(out, 0, sizeof *out);
    if (n >= sizeof un->sun_path) {
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, s, n + 1);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return true;
}

enum rp_status haproxy_socket_new(struct loop *loop, struct haproxy_socket **out)
{
    struct haproxy_socket *const s = memory_new(1, sizeof *s);

    *out = s;
    if (s == NULL) {
        return RP_NO_MEMORY;
    }
    s->loop = loop;
    s->watch.fd = -1;
    s->begin.due = begin;
    s->deadline.due = expire;
    return RP_OK;
}

void haproxy_socket_free(struct haproxy_socket **socket)
{
    if (*socket != NULL) {
        haproxy_socket_cancel(*socket);
        memory_free(*socket);
        *socket = NULL;
    }
}

static bool take_order(struct haproxy_socket *s, const struct haproxy_order *order)
{
    struct text address = text_of(s->address_text, sizeof s->address_text);
    struct text file = text_of(s->file, sizeof s->file);

    if (!haproxy_address_parse(order->address, &s->address) || !haproxy_file_valid(order->file) ||
        (order->keys[0].key_len != 16 && order->keys[0].key_len != 32)) {
        return false;
    }
    for (unsigned i = 1; i < HAPROXY_KEYS; i++) {
        if (order->keys[i].key_len != order->keys[0].key_len) {
            return false;
        }
    }
    text_add(&address, order->address);
    text_add(&file, order->file);
    memcpy(s->keys, order->keys, sizeof s->keys);
    s->timeout_ms = order->timeout_ms > 0 ? order->timeout_ms : HAPROXY_TIMEOUT_MS;
    return true;
}

enum rp_status haproxy_socket_start(struct haproxy_socket *s, const struct haproxy_order *order,
                                    haproxy_done *done, void *cookie)
{
    if (s->step != STEP_IDLE || !take_order(s, order)) {
        return RP_INVALID;
    }
    s->done = done;
    s->cookie = cookie;
    s->n_pushed = 0;
    s->next_key = 0;
    s->step = STEP_BEGIN;
    if (!loop_timer_set(s->loop, &s->begin, 0) ||
        !loop_timer_set(s->loop, &s->deadline, s->timeout_ms)) {
        haproxy_socket_cancel(s);
        return RP_NO_MEMORY;
    }
    return RP_OK;
}
