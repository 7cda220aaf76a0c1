#include "key_file.h"

#include "memory.h"
#include "reader.h"
#include "writer.h"

bool key_file_nginx_decode(const uint8_t *p, size_t n, struct stek *out)
{
    struct reader r = reader_of(p, n);

    *out = (struct stek){0};
    reader_copy(&r, out->name, sizeof out->name);
    if (n == KEY_FILE_NGINX_SHORT) {
        out->key_len = 16;
        reader_copy(&r, out->aes, 16);
        reader_copy(&r, out->hmac, 16);
    } else {
        out->key_len = 32;
        reader_copy(&r, out->hmac, 32);
        reader_copy(&r, out->aes, 32);
    }
    if (!reader_done(&r)) {
        memory_wipe(out, sizeof *out);
        return false;
    }
    return true;
}

size_t key_file_nginx_encode(const struct stek *k, uint8_t out[static KEY_FILE_NGINX_LONG])
{
    struct writer w = writer_of(out, KEY_FILE_NGINX_LONG);

    writer_bytes(&w, k->name, sizeof k->name);
    if (k->key_len == 16) {
        writer_bytes(&w, k->aes, 16);
        writer_bytes(&w, k->hmac, 16);
    } else {
        writer_bytes(&w, k->hmac, 32);
        writer_bytes(&w, k->aes, 32);
    }
    return writer_len(&w);
}
