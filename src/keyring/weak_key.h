/*
 * Keys that must never seal anything: constant bytes, counting bytes, short repeated patterns,
 * well-known test vectors, and those that were found in the wild (Hebrok et al., USENIX Security
 * 2023; CVE-2020-13777).
 */
#ifndef WEAK_KEY_H
#define WEAK_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "key_file.h"

/* Why the key material is weak, as part of a sentence ("all its bytes are 0x31"); NULL if it is not
 * known to be. Static storage. */
const char *weak_key_bytes(const uint8_t *key, size_t n);

/* The same for both halves of a STEK, and for the two being equal. */
const char *weak_key_stek(const struct stek *k);

#endif
