/* A key in words, for people. */
#ifndef KEY_WORDS_H
#define KEY_WORDS_H

#include <stdint.h>

#include "key_format.h"
#include "key_h2o.h"

#define KEY_WORDS_NAME_SIZE 33
#define KEY_WORDS_TIME_SIZE 32
#define KEY_WORDS_PLAIN_SIZE 1024

/* Its name, in hexadecimal digits. */
const char *key_words_name(const struct stek *k, char out[static KEY_WORDS_NAME_SIZE]);

/* "2026-11-22 10:00:00Z" */
const char *key_words_time(int64_t unix_s, char out[static KEY_WORDS_TIME_SIZE]);

/* A name of somebody else's making: what would move a terminal's cursor, or begin a line, is "?".
 * Cut if it is longer. */
const char *key_words_plain(const char *s, char out[static KEY_WORDS_PLAIN_SIZE]);

/* "seals", "next", "opens" */
const char *key_words_role(enum key_role role);

/* Bytes of the HMAC key as it is in the file. */
unsigned key_words_hmac_len(enum key_format format, const struct format_key *k);

/* Those bytes in one piece, and zeroes after them; secret. How many. */
unsigned key_words_hmac(enum key_format format, const struct format_key *k,
                        uint8_t out[static KEY_H2O_HMAC_LEN]);

#endif
