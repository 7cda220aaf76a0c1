/*
 * libcrypto's memory in the hands of a test: memory_fail_after counts its blocks too, and none may
 * hold a watched secret when it is given back.
 */
#ifndef CRYPTO_BLOCKS_H
#define CRYPTO_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* A group set-up of cmocka: to be called before libcrypto has allocated anything. */
int crypto_blocks_set_up(void **state);

/* From now on, instead of what was watched before; p is borrowed. */
void crypto_blocks_watch(const uint8_t *p, size_t n);

/* Blocks given back since, and those of them in which a good piece of the secret was. */
unsigned crypto_blocks_given(void);
unsigned crypto_blocks_found(void);

#endif
