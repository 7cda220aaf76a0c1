/* The ClientHello's extensions: the first byte picks one, the rest is its body. */
#include <stdlib.h>
#include <string.h>

#include "hello_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sni(const uint8_t *body, size_t n)
{
    char name[HELLO_SNI_MAX + 1];
    const bool ok = hello_sni_decode(body, n, name);
    const size_t len = strlen(name);

    if (ok != (len != 0) || len > HELLO_SNI_MAX || (ok && len + 5 != n && len + 6 != n)) {
        abort();
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') {
            abort();
        }
    }
}

static void check_psk(const uint8_t *body, size_t n)
{
    struct hello_psk_offer offer;
    const bool ok = hello_psk_decode(body, n, &offer);

    /* The least that an identity and its binder take is 7 and 33 bytes. */
    if (ok != (offer.n_identities != 0) || ok != (offer.longest != 0) ||
        (ok && 4 + (size_t)offer.n_identities * 40 + offer.longest - 1 > n)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (data[0] == 0) {
        check_sni(data + 1, size - 1);
    } else {
        check_psk(data + 1, size - 1);
    }
    return 0;
}
