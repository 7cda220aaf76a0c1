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
#define SESSION_META_LEN 68

struct session_meta {
    int64_t origin_ms;                /* fleet time of the full handshake, >= 0 */
    int64_t sealed_ms;                /* fleet time when this ticket was made, >= origin_ms */
    uint8_t domain[SESSION_HASH_LEN]; /* of the domain's name */
    uint8_t sni[SESSION_HASH_LEN];    /* of the lower-case server name; zeroes: none */
    uint8_t policy[SESSION_HASH_LEN]; /* of the domain's authentication policy */
    uint16_t version;                 /* protocol version on the wire: 0x0303 or 0x0304 */
    bool ems;                         /* extended master secret; set for TLS 1.3 */
};

/* Always SESSION_META_LEN bytes. What breaks a rule above is written, but never read again. */
void session_meta_encode(const struct session_meta *m, uint8_t out[static SESSION_META_LEN]);

/* False, and out all zeroes, for any other length, version or flag and for a broken rule. */
bool session_meta_decode(const uint8_t *p, size_t n, struct session_meta *out);

#endif
