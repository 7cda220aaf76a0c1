/*
 * From a root and a security domain to the keys that seal in it. Each key has a label of its own,
 * so that none tells anything of another (docs/formats/keyring.md).
 */
#ifndef DERIVE_H
#define DERIVE_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "key_file.h"

#define DERIVE_ROOT_LEN 32
#define DERIVE_DOMAIN_LEN 16

/* All that a domain needs of one epoch. */
struct domain_keys {
    struct stek stek;   /* tickets */
    uint8_t record[32]; /* session cache records */
    uint8_t id_mac[32]; /* session IDs */
    uint8_t id_hint[4]; /* names this key in a session ID */
};

/*
 * The 16 bytes by which a domain is known: SHA-256 of a versioned label and its name, cut. Also
 * what session_meta carries.
 */
enum rp_status derive_domain_id(const char *name, uint8_t id[static DERIVE_DOMAIN_LEN]) RP_MUST_USE;

enum rp_status derive_domain_keys(const uint8_t root[static DERIVE_ROOT_LEN],
                                  const uint8_t domain[static DERIVE_DOMAIN_LEN],
                                  struct domain_keys *out) RP_MUST_USE;

/*
 * The same for a static key, whose tickets other servers open: its STEK is used as it is in every
 * domain, the other keys are derived from it and the domain.
 */
enum rp_status derive_static_keys(const struct stek *stek,
                                  const uint8_t domain[static DERIVE_DOMAIN_LEN],
                                  struct domain_keys *out) RP_MUST_USE;

/*
 * A 48-byte key for servers that take no longer one, from the long one: labels of its own, not a
 * truncation, so whoever has it has not the long one. RP_INVALID: long_key is none.
 */
enum rp_status derive_short_stek(const struct stek *long_key, struct stek *out) RP_MUST_USE;

/*
 * A key of the same length that stands where a server wants more keys than there are: nobody seals
 * by it, and all hosts that have the one have the other. RP_INVALID: neither length.
 */
enum rp_status derive_filler_stek(const struct stek *of, struct stek *out) RP_MUST_USE;

#endif
