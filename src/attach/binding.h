/*
 * The hash by which a session is bound to its domain, its policy and its server name
 * (docs/formats/session.md). Few names are asked for often, so the hashes of the first ones are
 * kept: a table that fills once and never changes or grows after.
 *
 * Concurrency: any thread. A client chooses the names, so all it can do is fill the table with
 * junk; the rest is then hashed anew each time.
 */
#ifndef BINDING_H
#define BINDING_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "session_meta.h"

struct binding_table;

/* Of one domain and policy, given by their hashes. sha256 is borrowed for as long as it lives. */
enum rp_status binding_table_new(EVP_MD *sha256, const uint8_t domain[static SESSION_HASH_LEN],
                                 const uint8_t policy[static SESSION_HASH_LEN],
                                 struct binding_table **out) RP_MUST_USE;
void binding_table_free(struct binding_table **table);

/* name: lower case; empty where the client sent none. */
enum rp_status binding_of(struct binding_table *table, const char *name,
                          uint8_t out[static SESSION_HASH_LEN]) RP_MUST_USE;

#endif
