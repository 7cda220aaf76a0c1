#include "key_file.h"

#include "key_layout.h"

static const struct key_layout *layout_of(size_t key_len, const struct key_layout *of_long)
{
    return key_len == 16 ? &key_layout_ah48 : of_long;
}

static bool decode(const uint8_t *p, size_t n, const struct key_layout *of_long, struct stek *out)
{
    *out = (struct stek){0};
    if (n != KEY_FILE_NGINX_SHORT && n != KEY_FILE_NGINX_LONG) {
        return false;
    }
    out->key_len = n == KEY_FILE_NGINX_SHORT ? 16 : 32;
    key_layout_read(layout_of(out->key_len, of_long), p, out->name, out->aes, out->hmac);
    return true;
}

static size_t encode(const struct stek *k, const struct key_layout *of_long, uint8_t *out)
{
    const struct key_layout *layout = layout_of(k->key_len, of_long);

    key_layout_write(layout, k->name, k->aes, k->hmac, out);
    return key_layout_len(layout);
}

bool key_file_nginx_decode(const uint8_t *p, size_t n, struct stek *out)
{
    return decode(p, n, &key_layout_ha80, out);
}

size_t key_file_nginx_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG])
{
    return encode(k, &key_layout_ha80, out);
}

bool key_file_haproxy_decode(const uint8_t *p, size_t n, struct stek *out)
{
    return decode(p, n, &key_layout_ah80, out);
}

size_t key_file_haproxy_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG])
{
    return encode(k, &key_layout_ah80, out);
}
