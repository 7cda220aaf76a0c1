/*
 * What a server gave for resuming, with the secret that goes with it. All fields are open: an audit
 * copies a session, spoils what it likes and offers that.
 */
#ifndef RAW_SESSION_H
#define RAW_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define RAW_SECRET_MAX 48
#define RAW_SESSION_ID_MAX 32

struct raw_session {
    uint16_t version; /* 0x0303 or 0x0304 */
    uint16_t suite;
    bool extended_master_secret;
    uint8_t secret[RAW_SECRET_MAX]; /* TLS 1.2: the master secret; TLS 1.3: the PSK */
    size_t secret_len;
    uint8_t id[RAW_SESSION_ID_MAX]; /* TLS 1.2: what the server named the session */
    size_t id_len;
    uint8_t *ticket; /* owned; NULL: none */
    size_t ticket_len;
    uint32_t lifetime_s; /* as the server said it */
    uint32_t age_add;    /* TLS 1.3 */
    uint32_t max_early_data;
    int64_t received_us; /* on the clock that the connection ran by */
};

/* All zeroes but for a copy of the ticket. ticket may be NULL if n is 0. */
enum rp_status raw_session_new(const uint8_t *ticket, size_t n,
                               struct raw_session **out) RP_MUST_USE;

enum rp_status raw_session_copy(const struct raw_session *s, struct raw_session **out) RP_MUST_USE;

/* Another ticket in place of the one there; n may be 0. On failure s is as it was. */
enum rp_status raw_session_set_ticket(struct raw_session *s, const uint8_t *ticket,
                                      size_t n) RP_MUST_USE;

/* Wipes it. Takes NULL, NULLs the pointer. */
void raw_session_free(struct raw_session **s);

#endif
