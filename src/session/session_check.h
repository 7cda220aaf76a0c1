/*
 * Whether a session that was opened may be resumed on this connection. Pure; the only place that
 * decides it, for tickets, PSKs and cached sessions alike.
 */
#ifndef SESSION_CHECK_H
#define SESSION_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/verdict.h>

#include "session_meta.h"

struct session_claim {
    const uint8_t *context; /* SESSION_CONTEXT_LEN */
    const uint8_t *binding; /* SESSION_HASH_LEN */
    int64_t fleet_ms;       /* now */
    int64_t max_age_ms;     /* since origin */
    uint16_t version;       /* negotiated */
    bool ems;               /* offered by the client; ignored for TLS 1.3 */
};

/*
 * ACCEPTED, or the first of these that does not hold, the most specific truth first: WRONG_DOMAIN,
 * WRONG_VERSION, POLICY_CHANGED, WRONG_SNI, WRONG_EMS, EXPIRED. Outside its domain a session's
 * other fields mean nothing, and whatever is wrong for good comes before what is merely over.
 * WRONG_EMS: under TLS 1.2, the session or the client is without extended master secret.
 *
 * lifetime_ms counts from sealed_ms, claim->max_age_ms from origin_ms. A session is good up to and
 * including its last millisecond. One that was sealed in the future by more than SESSION_SKEW_MS is
 * EXPIRED; by less, it counts as sealed just now.
 */
#define SESSION_SKEW_MS 60000
enum rp_verdict session_check(const struct session_meta *m, int64_t lifetime_ms,
                              const struct session_claim *claim);

/*
 * The lifetime to advertise, in whole seconds, rounded down: the least of what was configured, what
 * max_age leaves, what the sealing key will still open, and 7 days (RFC 8446 4.6.1); 0:
 * issue nothing.
 */
struct session_life {
    int64_t fleet_ms;
    int64_t origin_ms;
    int64_t session_timeout_ms;
    int64_t max_age_ms;
    int64_t opens_until_ms; /* of the sealing key, which opens up to, not including, it */
};
uint32_t session_lifetime_s(const struct session_life *life);

#endif
