/*
 * What an attached SSL_CTX carries: rp_attach_options, checked, with everything computed that would
 * otherwise be computed in each handshake. Freed with its SSL_CTX. But for the server names that it
 * remembers, it never changes once made; any thread may read it.
 */
#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/attach.h>

#include "algorithms.h"
#include "binding.h"
#include "revival.h"
#include "session_meta.h"

typedef int attachment_new_fn(SSL *ssl, SSL_SESSION *session);
typedef SSL_SESSION *attachment_get_fn(SSL *ssl, const unsigned char *id, int n, int *copy);

struct attachment {
    struct rp_keyring *keyring;
    struct rp_cache *cache; /* NULL: none */
    struct rp_clock clock;
    struct algorithms algorithms;
    struct binding_table *bindings;
    SSL_SESSION *blank; /* cached sessions are made of it */

    unsigned place;                       /* of the domain in the keyring */
    uint8_t context[SESSION_CONTEXT_LEN]; /* the session ID context */

    bool no_tickets;
    unsigned num_tickets;
    unsigned max_tickets;
    int64_t session_timeout_ms;
    int64_t max_age_ms;

    rp_select_fn *select;
    void *select_cookie;
    SSL_client_hello_cb_fn client_hello;
    void *client_hello_arg;
    attachment_new_fn *new_session; /* the application's own, called where ours does not serve */
    attachment_get_fn *get_session;
};

enum rp_status attachment_new(const struct rp_attach_options *options, struct attachment **out,
                              struct rp_error *err) RP_MUST_USE;

/* Takes NULL or a pointer to NULL. */
void attachment_free(struct attachment **at);

/* NULL: the SSL_CTX is not attached. Borrowed from it. */
const struct attachment *attachment_of(const SSL_CTX *ctx);

/* Now, in the keyring's fleet time. */
int64_t attachment_fleet_ms(const struct attachment *at);

#endif
