/*
 * SipHash-2-4 with a tag of 8 bytes (Aumasson and Bernstein, 2012). It is here because libcrypto's
 * costs eight times as much, nearly all of it for making a context, and leaves the key in it.
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_LEN 16
#define SIPHASH_LEN 8

/* In constant time for a given n. Leaves nothing of the key behind. */
void siphash(const uint8_t key[static SIPHASH_KEY_LEN], const uint8_t *message, size_t n,
             uint8_t out[static SIPHASH_LEN]);

#endif
