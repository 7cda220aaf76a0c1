/*
 * In which order a binary session ticket key has its parts, and how long they are. The name, 16
 * bytes, is always first.
 */
#ifndef KEY_LAYOUT_H
#define KEY_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_NAME_LEN 16

struct key_layout {
    uint8_t aes_len; /* at most 32 */
    uint8_t hmac_len;
    bool hmac_first;
};

/* A: AES key, H: HMAC key, in the file's order; the length of all three parts. */
extern const struct key_layout key_layout_ah48, key_layout_ha48, key_layout_ah64, key_layout_ah80,
    key_layout_ha80;

size_t key_layout_len(const struct key_layout *layout);

/* p has key_layout_len bytes; what aes and hmac have beyond the layout's lengths is untouched. */
void key_layout_read(const struct key_layout *layout, const uint8_t *p,
                     uint8_t name[static KEY_NAME_LEN], uint8_t *aes, uint8_t *hmac);

/* key_layout_len bytes. */
void key_layout_write(const struct key_layout *layout, const uint8_t name[static KEY_NAME_LEN],
                      const uint8_t *aes, const uint8_t *hmac, uint8_t *out);

#endif
