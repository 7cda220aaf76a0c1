#include "hello_ext.h"

#include <string.h>

#include "reader.h"

#define NAME_TYPE_HOST 0
#define BINDER_MIN 32

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool hello_sni_decode(const uint8_t *body, size_t n, char out[static HELLO_SNI_MAX + 1])
{
    struct reader r = reader_of(body, n);
    struct reader list = reader_vec16(&r);
    const uint8_t type = reader_u8(&list);
    struct reader name = reader_vec16(&list);
    size_t len = reader_left(&name);
    const uint8_t *p = reader_bytes(&name, len);

    out[0] = '\0';
    if (!reader_done(&r) || !reader_done(&list) || p == NULL || type != NAME_TYPE_HOST ||
        len > HELLO_SNI_MAX || memchr(p, '\0', len) != NULL) {
        return false;
    }
    if (len != 0 && p[len - 1] == '.') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = lower(p[i]);
    }
    out[len] = '\0';
    return len != 0;
}

bool hello_psk_decode(const uint8_t *body, size_t n, struct hello_psk_offer *out)
{
    struct reader r = reader_of(body, n);
    struct reader identities = reader_vec16(&r);
    struct reader binders = reader_vec16(&r);
    unsigned n_binders = 0;

    *out = (struct hello_psk_offer){0};
    for (; reader_left(&identities) != 0; out->n_identities++) {
        const struct reader identity = reader_vec16(&identities);
        const size_t len = reader_left(&identity);

        (void)reader_u32(&identities); /* obfuscated_ticket_age */
        if (len == 0) {
            reader_fail(&identities);
        }
        if (len > out->longest) {
            out->longest = len;
        }
    }
    for (; reader_left(&binders) != 0; n_binders++) {
        const struct reader binder = reader_vec8(&binders);

        if (reader_left(&binder) < BINDER_MIN) {
            reader_fail(&binders);
        }
    }
    if (!reader_done(&r) || !reader_done(&identities) || !reader_done(&binders) ||
        out->n_identities == 0 || n_binders != out->n_identities) {
        *out = (struct hello_psk_offer){0};
        return false;
    }
    return true;
}
