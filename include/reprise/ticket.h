/*
 * OpenSSL's ticket envelope, for any bytes:
 *
 *     key name 16 | IV 16 | AES-CBC(plaintext), PKCS#7 padded | HMAC-SHA256 over all before, 32
 *
 * (RFC 5077 section 4). For programs that do not go through rp_attach: other TLS stacks, tests,
 * tools. AES-256 and 32 bytes of HMAC key, or, with nginx's 48-byte key files, AES-128 and 16.
 *
 * Concurrency: any thread of any process that has the keyring.
 */
#ifndef REPRISE_TICKET_H
#define REPRISE_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "keyring.h"
#include "status.h"
#include "verdict.h"

RP_BEGIN

#define RP_TICKET_OVERHEAD (16 + 16 + 16 + 32) /* at most, over the plaintext */
#define RP_TICKET_MAX 65535                    /* a ticket's length field has two bytes */

/*
 * Seals n bytes under the domain's current key at boot_ms. out has room for n + RP_TICKET_OVERHEAD
 * bytes. RP_NOT_FOUND: the window holds no key of this domain that seals; RP_INVALID: the ticket
 * would be longer than RP_TICKET_MAX.
 */
RP_API enum rp_status rp_ticket_seal(struct rp_keyring *keyring, const char *domain,
                                     int64_t boot_ms, const uint8_t *plain, size_t n, uint8_t *out,
                                     size_t *out_len) RP_MUST_USE;

/*
 * Opens a ticket: ACCEPTED, UNKNOWN_KEY, WRONG_DOMAIN, FORGED, MALFORMED or EXPIRED (its key no
 * longer opens). out has room for n bytes and holds nothing unless the verdict is ACCEPTED. The MAC
 * is checked, in constant time, before anything is decrypted. A status other than RP_OK is our own
 * failure (RP_NOT_FOUND: the keyring does not know the domain), and then *verdict means nothing.
 * What was sealed is not judged: age, server name and policy are the caller's.
 */
RP_API enum rp_status rp_ticket_open(struct rp_keyring *keyring, const char *domain,
                                     int64_t boot_ms, const uint8_t *ticket, size_t n,
                                     enum rp_verdict *verdict, uint8_t *out,
                                     size_t *out_len) RP_MUST_USE;

RP_END

#endif
