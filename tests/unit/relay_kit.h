/* For the tests of the relay: a client, a relay and a backend in one process. */
#ifndef RELAY_KIT_H
#define RELAY_KIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "relay.h"

/*
 * client (an SSL) <-> relay <-> backend (a socket), all in one process, the relay under
 * edge-triggered epoll as in a worker.
 */
struct relay_kit {
    SSL_CTX *server_ctx;
    SSL_CTX *client_ctx;
    SSL *server;
    SSL *client;
    int client_fd;
    int backend_fd; /* the test's end */
    struct stream relay_client;
    struct stream relay_backend;
    BIO_METHOD *method;
    struct relay relay;
    enum relay_state state;
    unsigned n_runs;
    int epoll_fd;
    uint8_t scratch[RELAY_HELD];
};

/* Connected sockets, both nonblocking. */
void relay_kit_tcp_pair(int pair[static 2]);

/* After the handshake, in this TLS version; over sockets of the caller's, which are taken over. */
void relay_kit_init(struct relay_kit *k, int version, const int client[static 2],
                    const int backend[static 2]);
void relay_kit_unix(struct relay_kit *k, int version);
void relay_kit_tcp(struct relay_kit *k, int version);
void relay_kit_fini(struct relay_kit *k);

void relay_kit_close(int *fd);

/* What a worker does: runs the relay after events, or when it gave way. */
void relay_kit_turn(struct relay_kit *k);

/* One end of a transfer: what was sent so far, what was received, as a pattern of its seed. */
struct relay_flow {
    size_t n;
    size_t at;
};

/* Each does what it can at once, and checks what it gets. */
void relay_kit_client_send(struct relay_kit *k, struct relay_flow *f);
void relay_kit_backend_send(struct relay_kit *k, struct relay_flow *f);

/* Returns SSL_get_error's code. */
int relay_kit_client_receive(struct relay_kit *k, struct relay_flow *f);

/* Returns recv's result. */
ssize_t relay_kit_backend_receive(struct relay_kit *k, struct relay_flow *f);

#endif
