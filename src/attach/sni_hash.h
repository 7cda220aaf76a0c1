/*
 * The hash by which a session remembers its server name. Few names are asked for often, so the
 * hashes of the first ones are kept: a table that fills once and never changes or grows after.
 *
 * Concurrency: any thread. A client chooses the names, so all it can do is fill the table with
 * junk; the rest is then hashed anew each time.
 */
#ifndef SNI_HASH_H
#define SNI_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "session_meta.h"

struct sni_hash;

/* sha256 is borrowed for as long as the table lives. */
enum rp_status sni_hash_new(EVP_MD *sha256, struct sni_hash **out) RP_MUST_USE;
void sni_hash_free(struct sni_hash **table);

/* name: lower case, not empty. */
enum rp_status sni_hash_of(struct sni_hash *table, const char *name,
                           uint8_t out[static SESSION_HASH_LEN]) RP_MUST_USE;

#endif
