/*
 * The first byte chooses a format. What is read is written, unless the server would not take it,
 * and read again: the same keys in the same order, with the same roles.
 */
#include <stdlib.h>
#include <string.h>

#include "key_format.h"

#define ROOM 64
#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_taken(enum key_format format, const struct format_key *keys, size_t n)
{
    const struct key_format_traits *t = key_format_traits(format);
    bool seals = t->most == 1;

    for (size_t i = 0; i < n; i++) {
        seals = seals || keys[i].role == KEY_SEALS;
        if (t->dated && keys[i].begins_s > keys[i].ends_s) {
            return false;
        }
    }
    return seals && n >= t->least && (t->most == 0 || n <= t->most);
}

static bool is_same(const struct format_key *a, const struct format_key *b)
{
    const bool dates = a->begins_s < 0 || a->ends_s < 0 ||
                       (a->begins_s == b->begins_s && a->ends_s == b->ends_s && a->role == b->role);

    return dates && a->stek.key_len == b->stek.key_len &&
           memcmp(a->stek.name, b->stek.name, sizeof a->stek.name) == 0 &&
           memcmp(a->stek.aes, b->stek.aes, sizeof a->stek.aes) == 0 &&
           memcmp(a->stek.hmac, b->stek.hmac, sizeof a->stek.hmac) == 0 &&
           memcmp(a->hmac_rest, b->hmac_rest, sizeof a->hmac_rest) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[ROOM * 512];
    struct format_key keys[ROOM];
    struct format_key again[ROOM];
    enum key_format format;
    size_t n;
    size_t written;

    if (size == 0) {
        return 0;
    }
    format = (enum key_format)(data[0] % KEY_FORMATS);
    n = key_format_read(format, data + 1, size - 1, NOW, keys, ROOM);
    if (n > ROOM) {
        abort();
    }
    written = key_format_write(format, keys, n, out, sizeof out);
    if ((written != 0) != (n != 0 && is_taken(format, keys, n)) ||
        written > key_format_size(format, n)) {
        abort();
    }
    if (written == 0) {
        return 0;
    }
    if (key_format_read(format, out, written, NOW, again, ROOM) != n) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_same(&keys[i], &again[i])) {
            abort();
        }
    }
    return 0;
}
