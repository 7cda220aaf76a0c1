#include "key_layout.h"

#include <string.h>

const struct key_layout key_layout_ah48 = {16, 16, false};
const struct key_layout key_layout_ha48 = {16, 16, true};
const struct key_layout key_layout_ah64 = {32, 16, false};
const struct key_layout key_layout_ah80 = {32, 32, false};
const struct key_layout key_layout_ha80 = {32, 32, true};

static size_t aes_at(const struct key_layout *layout)
{
    return KEY_NAME_LEN + (layout->hmac_first ? layout->hmac_len : 0U);
}

static size_t hmac_at(const struct key_layout *layout)
{
    return KEY_NAME_LEN + (layout->hmac_first ? 0U : layout->aes_len);
}

size_t key_layout_len(const struct key_layout *layout)
{
    return (size_t)KEY_NAME_LEN + layout->aes_len + layout->hmac_len;
}

void key_layout_read(const struct key_layout *layout, const uint8_t *p,
                     uint8_t name[static KEY_NAME_LEN], uint8_t *aes, uint8_t *hmac)
{
    memcpy(name, p, KEY_NAME_LEN);
    memcpy(aes, p + aes_at(layout), layout->aes_len);
    memcpy(hmac, p + hmac_at(layout), layout->hmac_len);
}

void key_layout_write(const struct key_layout *layout, const uint8_t name[static KEY_NAME_LEN],
                      const uint8_t *aes, const uint8_t *hmac, uint8_t *out)
{
    memcpy(out, name, KEY_NAME_LEN);
    memcpy(out + aes_at(layout), aes, layout->aes_len);
    memcpy(out + hmac_at(layout), hmac, layout->hmac_len);
}
