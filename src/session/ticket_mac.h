/*
 * The HMAC-SHA256 of a ticket, in the context that libssl hands to a ticket key callback. There are
 * two kinds of callback. The one for HMAC_CTX, which OpenSSL 3.0 deprecates and 4.0 still has,
 * takes the hash as it was fetched once; the one for EVP_MAC_CTX looks both algorithms up by their
 * names for each ticket, which is 2 of the 67 microseconds that a resumption takes
 * (docs/BENCHMARKS.md). So it is the first, and the second where libcrypto was built without it.
 *
 * To be included before any header of OpenSSL.
 */
#ifndef TICKET_MAC_H
#define TICKET_MAC_H

#ifdef OPENSSL_MACROS_H
#error "ticket_mac.h comes before OpenSSL's headers: it says which of their calls there are"
#endif
#ifndef TICKET_MAC_BY_EVP
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif

#include <stddef.h>
#include <stdint.h>

#include <openssl/hmac.h>

#include <reprise/status.h>

#include "algorithms.h"

#ifdef OPENSSL_NO_DEPRECATED_3_0
typedef EVP_MAC_CTX TICKET_MAC;
#else
typedef HMAC_CTX TICKET_MAC;
#endif

#define TICKET_MAC_LEN 32

/* NULL: no memory. libssl makes its own. */
TICKET_MAC *ticket_mac_new(void);

/* Cleanses the key. Takes NULL. */
void ticket_mac_free(TICKET_MAC *mac);

/* key_len is 16 or 32. */
enum rp_status ticket_mac_init(TICKET_MAC *mac, const struct algorithms *a, const uint8_t *key,
                               size_t key_len) RP_MUST_USE;

/* Once after each ticket_mac_init. */
enum rp_status ticket_mac_make(TICKET_MAC *mac, const uint8_t *p, size_t n,
                               uint8_t out[static TICKET_MAC_LEN]) RP_MUST_USE;

#endif
