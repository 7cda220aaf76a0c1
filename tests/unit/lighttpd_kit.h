/* As lighttpd reads its file: the newest three, of which the last that has begun seals. */
#ifndef LIGHTTPD_KIT_H
#define LIGHTTPD_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed_files.h"
#include "key_format.h"

struct lighttpd {
    struct format_key keys[3];
    size_t n;
    uint8_t last[92];
};

/* What it has read already it does not read again. */
static inline void lighttpd_poll(struct lighttpd *server, const struct feed_file *file,
                                 int64_t now_s)
{
    assert_int_equal(file->n, sizeof server->last);
    if (memcmp(file->bytes, server->last, sizeof server->last) == 0) {
        return;
    }
    memcpy(server->last, file->bytes, sizeof server->last);
    server->keys[2] = server->keys[1];
    server->keys[1] = server->keys[0];
    assert_int_equal(
        key_format_read(KEY_FORMAT_LIGHTTPD, file->bytes, file->n, now_s, &server->keys[0], 1), 1);
    server->n += server->n < 3 ? 1 : 0;
}

/* NULL: none. */
static inline const struct format_key *lighttpd_sealing(const struct lighttpd *server,
                                                        int64_t now_s)
{
    for (size_t i = 0; i < server->n; i++) {
        if (server->keys[i].begins_s <= now_s && now_s <= server->keys[i].ends_s) {
            return &server->keys[i];
        }
    }
    return NULL;
}

static inline void lighttpd_assert_opens(const struct lighttpd *server,
                                         const struct format_key *key)
{
    bool found = false;

    assert_non_null(key);
    for (size_t i = 0; i < server->n; i++) {
        found = found || memcmp(server->keys[i].stek.name, key->stek.name, 16) == 0;
    }
    assert_true(found);
}

#endif
