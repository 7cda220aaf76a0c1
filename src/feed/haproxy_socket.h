/*
 * A running HAProxy is told its session ticket keys by its runtime API (`stats socket`): asked what
 * it has, pushed what is missing, asked again. A state machine over the loop; never blocks. A
 * connection for each command, which HAProxy closes when it has answered, and no more memory than
 * was had at first.
 *
 * Of the three keys that HAProxy holds it seals with the last but one. A push drops the first and
 * adds one at the end: that opens, and seals from the next push on. So in the ordinary case, where
 * it has what was before, the seal of old and the one that seals now, a single push of the next
 * makes it right. A push is in its memory alone: when it starts it reads the file.
 */
#ifndef HAPROXY_SOCKET_H
#define HAPROXY_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "address.h"
#include "haproxy_answer.h"
#include "key_file.h"
#include "loop.h"

#define HAPROXY_TIMEOUT_MS 5000

struct haproxy_socket;

struct haproxy_order {
    const char *address; /* /path/of/the/socket or HOST:PORT */
    /* As HAProxy's configuration names it after `tls-ticket-keys`, to the letter; or #ID. */
    const char *file;
    struct stek keys[HAPROXY_KEYS]; /* secret; all of one length: before, seals, next */
    int64_t timeout_ms;             /* of all of it together; 0: HAPROXY_TIMEOUT_MS */
};

/*
 * RP_OK: HAProxy has been seen to hold the three in this order; sentence is "". RP_SYSTEM: it
 * cannot be reached, does not answer in time, or has other keys after it was told. RP_NOT_FOUND: it
 * knows no such file. RP_INVALID: it does not let us, or its keys are of another length. RP_FORMAT:
 * what answers is no HAProxy. sentence then names the socket, says what is wrong and what would be
 * right; borrowed until done returns. It holds no secret.
 */
typedef void haproxy_done(void *cookie, enum rp_status status, const char *sentence,
                          unsigned n_pushed);

/* The loop is borrowed. RP_NO_MEMORY. */
enum rp_status haproxy_socket_new(struct loop *loop, struct haproxy_socket **out) RP_MUST_USE;
void haproxy_socket_free(struct haproxy_socket **socket); /* cancels, wipes */

/*
 * Begins; order is copied. done is called once, never from within haproxy_socket_start, and may
 * start again or free the socket. RP_INVALID: one is under way, or the order makes no sense;
 * RP_NO_MEMORY. done is not called then.
 */
enum rp_status haproxy_socket_start(struct haproxy_socket *socket,
                                    const struct haproxy_order *order, haproxy_done *done,
                                    void *cookie) RP_MUST_USE;

/* done is not called any more. A key that was being pushed may have arrived or not. */
void haproxy_socket_cancel(struct haproxy_socket *socket);

/* What the order's address may be: an absolute path, or an address with a port that is not 0.
 * What its file may be: haproxy_file_valid. */
bool haproxy_address_parse(const char *s, struct address *out);

#endif
