/*
 * What a session carries besides libssl's own fields: the ticket application data of a sealed
 * ticket (docs/formats/session.md). Found inside the seal, so it is ours; still decoded as if it
 * were a peer's, for with static keys other servers seal too.
 */
#ifndef SESSION_META_H
#define SESSION_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_HASH_LEN 16 /* SHA-256, cut */
#define SESSION_CONTEXT_LEN 8
#define SESSION_META_LEN 36
#define SESSION_TIME_ZERO (INT64_C(1) << 62) /* the genesis of the ring, as it is written */

struct session_meta {
    int64_t origin_ms;                    /* of the full handshake; as written, >= 0 */
    int64_t sealed_ms;                    /* when this ticket was made, >= origin_ms */
    uint8_t binding[SESSION_HASH_LEN];    /* of domain, policy and server name: what decides */
    uint8_t context[SESSION_CONTEXT_LEN]; /* four bytes each of domain and policy: what tells which
                                             of them differs; the session ID context */
    uint16_t version;                     /* protocol version on the wire: 0x0303 or 0x0304 */
    bool ems;                             /* extended master secret; set for TLS 1.3 */
};

/* Always SESSION_META_LEN bytes, without the context, which libssl keeps. What breaks a rule above
 * is written, but never read again. */
void session_meta_encode(const struct session_meta *m, uint8_t out[static SESSION_META_LEN]);

/*
 * False, and out all zeroes, for any other length, version or flag and for a broken rule. The
 * context is left zero.
 */
bool session_meta_decode(const uint8_t *p, size_t n, struct session_meta *out);

#endif
