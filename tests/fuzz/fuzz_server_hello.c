/* What a ServerHello yields lies within it. */
#include <stdlib.h>

#include "server_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(const uint8_t *data, size_t size, const uint8_t *p, size_t n)
{
    if (n != 0 && (p < data || n > size || p > data + size - n)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_hello h;

    if (server_hello_decode(data, size, &h)) {
        within(data, size, h.random, 32);
        within(data, size, h.session_id, h.session_id_len);
        within(data, size, h.extensions, h.extensions_len);
        within(data, size, h.share, h.share_len);
        within(data, size, h.cookie, h.cookie_len);
        if (h.session_id_len > 32 || (h.retry && h.share != NULL)) {
            abort();
        }
    } else if (h.random != NULL) {
        abort();
    }
    return 0;
}
