/* A ClientHello as libssl makes it, changed as libssl would not, for an attached server to read. */
#ifndef HELLO_EDIT_H
#define HELLO_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach_kit.h"

#define HELLO_EDIT_MAX 131072

struct hello_edit {
    uint8_t bytes[HELLO_EDIT_MAX]; /* the handshake message, without records */
    size_t n;
};

/* What the client would send for the offer. */
void hello_edit_make(struct kit *kit, const struct kit_offer *offer, struct hello_edit *out);

/* An extension's body; NULL: there is none. */
uint8_t *hello_edit_find(struct hello_edit *h, unsigned type, size_t *n);

/* Replaces pre_shared_key, which is last, by n copies of one identity, each with a binder of 32. */
void hello_edit_psks(struct hello_edit *h, size_t n, const uint8_t *identity, size_t identity_len);

/* Gives it to a server, in records, and tells what that made of it. True: it sent a ServerHello. */
bool hello_edit_offer(SSL_CTX *server, const struct hello_edit *h, struct rp_ssl_info *info);

#endif
