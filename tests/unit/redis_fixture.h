/* What the tests of a store in a Redis share: its other end, and what passes between the two. */
#ifndef REDIS_FIXTURE_H
#define REDIS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "memory.h"
#include "store_kit.h"
#include "text.h"

#define LIFE 60000
#define TRIES 2000
#define PONG "+PONG\r\n"

/* A Redis that says what the test says, and the store of one host. */
struct place {
    char path[STORE_KIT_PATH_SIZE];
    char socket[80];
    int listener;
    int peer; /* the store's connection; -1: none */
    char heard[65536];
    size_t n_heard;
    struct store_kit kit;
    struct store_kit_answer answer;
};

static inline int listen_at(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(un.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static inline int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct text t = text_of(p->socket, sizeof p->socket);

    store_kit_folder(p->path);
    text_addf(&t, "%s/redis", p->path);
    p->listener = listen_at(p->socket);
    p->peer = -1;
    *state = p;
    return 0;
}

static inline int tear_down(void **state)
{
    struct place *p = *state;

    store_kit_finish(&p->kit);
    if (p->peer >= 0) {
        (void)close(p->peer);
    }
    (void)close(p->listener);
    (void)unlink(p->socket);
    (void)rmdir(p->path);
    free(p);
    return 0;
}

static inline void begin(struct place *p, const char *before, const char *after)
{
    char url[256];
    struct text t = text_of(url, sizeof url);

    text_addf(&t, "redis+unix://%s%s%s", before, p->socket, after);
    store_kit_begin(&p->kit, url);
}

static inline bool readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

/* The store's next connection. */
static inline void take_peer(struct place *p)
{
    if (p->peer >= 0) {
        (void)close(p->peer);
    }
    for (unsigned i = 0; !readable(p->listener); i++) {
        assert_true(i < TRIES);
        store_kit_turn(&p->kit, 1);
    }
    p->peer = accept(p->listener, NULL, NULL);
    assert_true(p->peer >= 0);
    p->n_heard = 0;
    p->heard[0] = '\0';
}

static inline void hear(struct place *p, const char *expected)
{
    for (unsigned i = 0; strstr(p->heard, expected) == NULL; i++) {
        ssize_t n;

        assert_true(i < TRIES);
        store_kit_turn(&p->kit, 1);
        n = recv(p->peer, p->heard + p->n_heard, sizeof p->heard - 1 - p->n_heard, MSG_DONTWAIT);
        if (n > 0) {
            p->n_heard += (size_t)n;
            p->heard[p->n_heard] = '\0';
        }
    }
    p->n_heard = 0;
    p->heard[0] = '\0';
}

static inline void say_n(struct place *p, const char *s, size_t n)
{
    for (unsigned i = 0; n != 0; i++) {
        const ssize_t sent = send(p->peer, s, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return;
        }
        assert_true(i < TRIES);
        if (sent > 0) {
            s += sent;
            n -= (size_t)sent;
        }
        store_kit_turn(&p->kit, 0);
    }
}

static inline void say(struct place *p, const char *s)
{
    say_n(p, s, strlen(s));
}

/* A connection that is good, by a store that needs no more than a PING. */
static inline void greet(struct place *p)
{
    const unsigned before = p->kit.n_states;

    take_peer(p);
    hear(p, "PING");
    say(p, PONG);
    if (!p->kit.up) {
        store_kit_until(&p->kit, &p->kit.n_states, before + 1);
    }
    assert_true(p->kit.up);
}

static inline void ask_put(struct place *p)
{
    store_put(p->kit.store, STORE_KIT_BOX, "x", (const uint8_t *)"1", 1, LIFE, store_kit_done,
              &p->answer);
}

static inline void ask_list(struct place *p)
{
    store_list(p->kit.store, STORE_KIT_BOX, 10, store_kit_listed, &p->answer);
}

static inline void expect(struct place *p, unsigned n, enum store_status status)
{
    store_kit_until(&p->kit, &p->answer.n, n);
    assert_int_equal(p->answer.n, n);
    assert_int_equal(p->answer.status, status);
}

#endif
