/* Base64 (RFC 4648), strictly: a whole string, nothing but its characters. */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that n characters need when decoded. */
#define BASE64_ROOM(n) ((n) / 4 * 3 + 2)

/*
 * The standard alphabet or the URL-safe one, padding or none; bits left over must be zero. Writes
 * at most room bytes. False: malformed, or too long; then *len is 0 and out is undefined.
 */
bool base64_decode(const char *s, size_t n, uint8_t *out, size_t room, size_t *len);

/* Characters of n bytes when encoded, without a NUL. */
#define BASE64_TEXT_LEN(n) (((n) + 2) / 3 * 4)

/* The standard alphabet, padded; no NUL. out has room for BASE64_TEXT_LEN(n), which is returned. */
size_t base64_encode(const uint8_t *p, size_t n, char *out);

#endif
