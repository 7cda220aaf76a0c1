/*
 * Sets up libcrypto for one ticket, as libssl's ticket key callback wants it and as rp_ticket_seal
 * and rp_ticket_open use it themselves. To be included before any header of OpenSSL
 * (ticket_mac.h).
 */
#ifndef TICKET_CRYPT_H
#define TICKET_CRYPT_H

#include "ticket_mac.h"

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "algorithms.h"
#include "key_file.h"

/* iv is read; both contexts, which are the caller's, are ready to seal (or open) afterwards. */
enum rp_status ticket_crypt_init(const struct algorithms *a, const struct stek *key,
                                 const uint8_t iv[static 16], bool seal, EVP_CIPHER_CTX *cipher,
                                 TICKET_MAC *mac) RP_MUST_USE;

#endif
