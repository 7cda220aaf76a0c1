/*
 * libcrypto's algorithms as the session layer uses them, fetched once: to fetch one by its name
 * costs as much as to use it; and which of them libsodium does here. Whoever owns a handle (an
 * attached SSL_CTX, for one) has one of these and hands it on. It never holds a key: contexts are
 * made and freed around each use.
 *
 * Concurrency: after algorithms_init any thread may read it; it stays good over fork.
 */
#ifndef ALGORITHMS_H
#define ALGORITHMS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include <reprise/status.h>

struct algorithms {
    EVP_MD *sha256;
    EVP_CIPHER *aes_128_cbc;
    EVP_CIPHER *aes_256_cbc;
    EVP_CIPHER *aes_256_gcm;
    bool gcm_by_sodium; /* this CPU has the instructions that libsodium's needs */
};

/* From libcrypto's default context. On failure *a is zeroes. */
enum rp_status algorithms_init(struct algorithms *a) RP_MUST_USE;

/* Only what ticket_crypt_init needs for one ticket under a key of key_len bytes; the rest stays
 * NULL. */
enum rp_status algorithms_init_ticket(struct algorithms *a, size_t key_len) RP_MUST_USE;

/* Takes zeroes too. */
void algorithms_fini(struct algorithms *a);

#endif
