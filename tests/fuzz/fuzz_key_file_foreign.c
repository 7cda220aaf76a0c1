/* Any file gives readings within bounds, and one of nginx's length nginx's own reading. */
#include <stdlib.h>
#include <string.h>

#include "key_file.h"
#include "key_file_foreign.h"

#define ROOM 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_nginx(const struct foreign_key *f, const struct stek *k)
{
    return f->aes_len == k->key_len && f->hmac_len == k->key_len &&
           memcmp(f->name, k->name, sizeof k->name) == 0 &&
           memcmp(f->aes, k->aes, k->key_len) == 0 && memcmp(f->hmac, k->hmac, k->key_len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct foreign_key keys[ROOM];
    const size_t n = key_file_foreign_decode(data, size, keys, ROOM);
    struct stek stek;
    bool found = false;

    if (n > ROOM) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        if ((keys[i].aes_len != 16 && keys[i].aes_len != 32) ||
            keys[i].hmac_len > sizeof keys[i].hmac || key_order_text(keys[i].order) == NULL ||
            key_order_servers(keys[i].order) == NULL) {
            abort();
        }
        found = found || (key_file_nginx_decode(data, size, &stek) && is_nginx(&keys[i], &stek));
    }
    if (n != 0 && !keys[0].base64 && keys[0].order != KEY_ORDER_H2O &&
        key_file_nginx_decode(data, size, &stek) && !found) {
        abort();
    }
    return 0;
}
