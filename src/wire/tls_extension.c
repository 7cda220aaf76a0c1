#include "tls_extension.h"

bool tls_extension_next(struct reader *block, struct tls_extension *out)
{
    struct reader body;

    *out = (struct tls_extension){0};
    if (reader_left(block) == 0) {
        return false;
    }
    out->type = reader_u16(block);
    body = reader_vec16(block);
    out->len = reader_left(&body);
    out->body = reader_bytes(&body, out->len);
    return !block->failed;
}

bool tls_extension_find(const uint8_t *block, size_t n, uint16_t type, struct tls_extension *out)
{
    struct reader r = reader_of(block, n);

    while (tls_extension_next(&r, out)) {
        if (out->type == type) {
            return true;
        }
    }
    *out = (struct tls_extension){0};
    return false;
}

/* Whether the one that the reader before came to is the first of its type. */
static bool is_first(const uint8_t *block, size_t n, const struct reader *before, uint16_t type)
{
    struct reader r = reader_of(block, n);
    struct tls_extension ext;

    while (reader_left(&r) > reader_left(before) && tls_extension_next(&r, &ext)) {
        if (ext.type == type) {
            return false;
        }
    }
    return true;
}

bool tls_extension_check(const uint8_t *block, size_t n, size_t max)
{
    struct reader r = reader_of(block, n);
    struct reader before = r;
    struct tls_extension at;
    size_t count = 0;

    while (tls_extension_next(&r, &at)) {
        if (++count > max || !is_first(block, n, &before, at.type)) {
            return false;
        }
        before = r;
    }
    return reader_done(&r);
}
