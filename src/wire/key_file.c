#include "key_file.h"

#include "key_layout.h"

static const struct key_layout *layout_of(size_t key_len)
{
    return key_len == 16 ? &key_layout_ah48 : &key_layout_ha80;
}

bool key_file_nginx_decode(const uint8_t *p, size_t n, struct stek *out)
{
    *out = (struct stek){0};
    if (n != KEY_FILE_NGINX_SHORT && n != KEY_FILE_NGINX_LONG) {
        return false;
    }
    out->key_len = n == KEY_FILE_NGINX_SHORT ? 16 : 32;
    key_layout_read(layout_of(out->key_len), p, out->name, out->aes, out->hmac);
    return true;
}

size_t key_file_nginx_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG])
{
    const struct key_layout *layout = layout_of(k->key_len);

    key_layout_write(layout, k->name, k->aes, k->hmac, out);
    return key_layout_len(layout);
}
