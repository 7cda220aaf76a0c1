/* A client's certificate, its chain and its private key. Not changed once made: threads share it.
 */
#ifndef RAW_IDENTITY_H
#define RAW_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "raw_buffer.h"

struct raw_identity;

/*
 * chain: PEM text, the client's own certificate first; key: PEM text, without a passphrase.
 * RP_FORMAT: err says which cannot be read, or that they do not belong together.
 */
enum rp_status raw_identity_new(const char *chain, size_t chain_len, const char *key,
                                size_t key_len, struct raw_identity **out,
                                struct rp_error *err) RP_MUST_USE;

/* The same from files; they may be one. */
enum rp_status raw_identity_load(const char *chain_path, const char *key_path,
                                 struct raw_identity **out, struct rp_error *err) RP_MUST_USE;

/* Borrowed. */
EVP_PKEY *raw_identity_key(const struct raw_identity *identity);

/* Adds the body of a Certificate message, an empty one if identity is NULL; context: of the
 * CertificateRequest, TLS 1.3 only. */
enum rp_status raw_identity_write(const struct raw_identity *identity, bool tls13,
                                  const uint8_t *context, size_t context_len,
                                  struct raw_buffer *out) RP_MUST_USE;

/* Takes NULL, NULLs the pointer. */
void raw_identity_free(struct raw_identity **identity);

#endif
