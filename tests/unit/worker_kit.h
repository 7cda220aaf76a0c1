/* For the tests of a worker: one as a child process, and clients and backends that block. */
#ifndef WORKER_KIT_H
#define WORKER_KIT_H

#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>
#include <openssl/ssl.h>

#include "address.h"
#include "channel.h"
#include "serve_kit.h"

#define WORKER_KIT_LINES 65536

#define WORKER_KIT_SITES                                                                           \
    "    sites:\n"                                                                                 \
    "      - { name: a.example, certificate: ec.pem, key: ec.key }\n"                              \
    "      - { name: b.example, certificate: ec.pem, key: ec.key }\n"
#define WORKER_KIT_PAGE "listen:\n  - address: 127.0.0.1:0\n" WORKER_KIT_SITES

/* A worker as a child, and all that a parent has of it. */
struct worker_kit {
    struct serve_kit kit;
    struct loop *loop;
    struct channel *channel;
    pid_t pid;
    int listen_fd;
    int log_fd;
    int backend_fd; /* listens */
    struct address address;
    SSL_CTX *client_ctx;
    char lines[WORKER_KIT_LINES]; /* of the log, so far */
    size_t n_lines;
};

/* For cmocka: *state is the kit. */
int worker_kit_setup(void **state);
int worker_kit_teardown(void **state);

/* Returns when the worker is ready. max_fds: how many descriptors it may have; 0: as many as we. */
void worker_kit_start(struct worker_kit *f, const char *yaml, unsigned max_fds);

/* The same in front of a TCP backend that we listen for. */
void worker_kit_start_tcp(struct worker_kit *f, unsigned max_fds);

int worker_kit_listen(struct address *address);
/* Sends DRAIN with a bound that no test reaches. */
void worker_kit_drain(const struct worker_kit *f);

int worker_kit_exit_status(struct worker_kit *f);

/* How often words are in the log, as far as it was read. */
unsigned worker_kit_count(const struct worker_kit *f, const char *words);
void worker_kit_wait_for_log(struct worker_kit *f, const char *words);

/* The first line with this message, when it is there. */
json_t *worker_kit_log_line(struct worker_kit *f, const char *text);
const char *worker_kit_string(const json_t *object, const char *name);

int worker_kit_connect(const struct address *to);
SSL *worker_kit_client(struct worker_kit *f, SSL_SESSION *session);
void worker_kit_client_free(SSL *ssl);
int worker_kit_accept(const struct worker_kit *f);

/* A word to the backend, and one back. */
void worker_kit_exchange(SSL *ssl, int backend);

#endif
