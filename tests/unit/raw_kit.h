/* A raw client and a libssl server in one process, joined by memory. */
#ifndef RAW_KIT_H
#define RAW_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "raw_client.h"

#define RAW_KIT_SEED_LEN 32

struct raw_kit {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *to_server;
    BIO *from_server;
    struct raw_client *client;
    int64_t now_us;
    size_t piece;      /* bytes that the client is fed at once; 0: all */
    uint8_t *recorded; /* what the server sent, if it is wanted: of libcrypto */
    size_t n_recorded;
    char early[64]; /* early data that the server read */
    bool stateless; /* asks for a cookie, and begins with who returns it */
    bool cookie_right;
};

/* With a certificate of a new P-256 key. */
void raw_kit_init(struct raw_kit *k);
void raw_kit_fini(struct raw_kit *k);

/* The same for cmocka: a state that is a kit. */
int raw_kit_set_up(void **state);
int raw_kit_tear_down(void **state);

/* A new client and a new server-side SSL, in place of those before. */
void raw_kit_connect(struct raw_kit *k, const struct raw_config *config);

/* Carries bytes to and fro until nothing moves any more. */
void raw_kit_run(struct raw_kit *k);

const struct raw_result *raw_kit_result(const struct raw_kit *k);

/* The last session of the client; NULL if it got none. */
struct raw_session *raw_kit_session(const struct raw_kit *k);

#endif
