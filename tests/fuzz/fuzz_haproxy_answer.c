/* What answers at the address of HAProxy's runtime API: anything, of anybody. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(const struct haproxy_shown *shown)
{
    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        const uint8_t len = shown->keys[i].key_len;

        if ((len != 16 && len != 32) || len != shown->keys[0].key_len) {
            abort();
        }
    }
}

static void check_zeroes(const struct haproxy_shown *shown)
{
    static const struct haproxy_shown nothing;

    if (memcmp(shown, &nothing, sizeof nothing) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const p = (const char *)data;
    char buffer[64];
    struct text names = text_of(buffer, sizeof buffer);
    struct haproxy_shown shown;

    (void)haproxy_answer_whole(p, size);
    if (haproxy_answer_read(p, size, &shown) == HAPROXY_SHOWS_KEYS) {
        check_keys(&shown);
    } else {
        check_zeroes(&shown);
    }
    (void)haproxy_answer_files(p, size, &names);
    for (size_t i = 0; i < names.len; i++) {
        if (buffer[i] < ' ' || buffer[i] > '~') {
            abort();
        }
    }
    return 0;
}
