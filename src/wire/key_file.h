/* nginx session ticket key files: one key each, binary (docs/formats/key-files.md). */
#ifndef KEY_FILE_H
#define KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A session ticket encryption key with its name. */
struct stek {
    uint8_t name[16];
    uint8_t aes[32];  /* secret; of a short key, the last 16 are zero */
    uint8_t hmac[32]; /* the same */
    uint8_t key_len;  /* of aes and of hmac: 16 or 32 */
};

#define KEY_FILE_NGINX_SHORT 48 /* name, AES-128, HMAC 16 */
#define KEY_FILE_NGINX_LONG 80  /* name, HMAC 32, AES-256: not the order of the short one */

/* False, and out all zeroes, unless n is one of the two lengths. Does not judge the key
 * (weak_key.h). */
bool key_file_nginx_decode(const uint8_t *p, size_t n, struct stek *out);

/* The length written: 48 or 80, by key_len. */
size_t key_file_nginx_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG]);

/* The same of HAProxy's, without its base64: as long, and both name, AES, HMAC. */
bool key_file_haproxy_decode(const uint8_t *p, size_t n, struct stek *out);
size_t key_file_haproxy_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG]);

#endif
