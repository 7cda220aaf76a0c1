#include "key_file_foreign.h"

#include <string.h>

#include "base64.h"
#include "key_h2o.h"
#include "key_layout.h"
#include "key_lines.h"
#include "memory.h"
#include "reader.h"

#define LIGHTTPD_HEAD 12

struct readings {
    struct foreign_key *keys;
    size_t n;
    size_t room;
};

/* One key in a row of equally long ones. */
struct order {
    const struct key_layout *layout;
    size_t head_len; /* skipped */
    enum key_order order;
    bool concatenated; /* several in a binary file */
    bool in_lines;     /* base64, one on a line */
};

static const struct order orders[] = {
    {&key_layout_ah48, 0, KEY_ORDER_AH48, false, true},
    {&key_layout_ha48, 0, KEY_ORDER_HA48, true, true},
    {&key_layout_ha80, 0, KEY_ORDER_HA80, true, true},
    {&key_layout_ah80, 0, KEY_ORDER_AH80, true, true},
    {&key_layout_ah64, 0, KEY_ORDER_AH64, true, false},
    {&key_layout_ha80, LIGHTTPD_HEAD, KEY_ORDER_LIGHTTPD, true, false},
};

#define N_ORDERS (sizeof orders / sizeof orders[0])

static size_t order_len(const struct order *o)
{
    return o->head_len + key_layout_len(o->layout);
}

static struct foreign_key *add(struct readings *r, enum key_order order, size_t index)
{
    struct foreign_key *key = r->n < r->room ? &r->keys[r->n] : NULL;

    if (key != NULL) {
        *key = (struct foreign_key){.order = order, .index = (unsigned)index};
        r->n++;
    }
    return key;
}

static struct foreign_key *add_ordered(struct readings *all, const struct order *o,
                                       const uint8_t *p, size_t index)
{
    struct foreign_key *key = add(all, o->order, index);

    if (key != NULL) {
        key_layout_read(o->layout, p + o->head_len, key->name, key->aes, key->hmac);
        key->aes_len = o->layout->aes_len;
        key->hmac_len = o->layout->hmac_len;
    }
    return key;
}

static void read_binary(const uint8_t *p, size_t n, struct readings *out)
{
    for (size_t i = 0; i < N_ORDERS; i++) {
        const struct order *o = &orders[i];
        const size_t len = order_len(o);

        if (n % len != 0 || (n != len && !o->concatenated)) {
            continue;
        }
        for (size_t at = 0, index = 0; at < n; at += len, index++) {
            (void)add_ordered(out, o, p + at, index);
        }
    }
    if (n == 32) {
        struct foreign_key *key = add(out, KEY_ORDER_GO_SEED, 0);

        if (key != NULL) {
            memcpy(key->aes, p, n);
            key->aes_len = 32;
        }
    }
}

/* False: a line that is no key, so that the file is none of HAProxy's. */
static bool read_lines(const uint8_t *p, size_t n, struct readings *out)
{
    struct reader r = reader_of(p, n);
    uint8_t key[80];
    const char *line;
    size_t line_len;
    size_t index = 0;
    bool good = true;

    while (good && key_lines_next(&r, &line, &line_len)) {
        size_t len = 0;

        if (line_len == 0 || line[0] == '#') {
            continue;
        }
        good = base64_decode(line, line_len, key, sizeof key, &len) && (len == 48 || len == 80);
        for (size_t i = 0; good && i < N_ORDERS; i++) {
            if (orders[i].in_lines && order_len(&orders[i]) == len) {
                struct foreign_key *added = add_ordered(out, &orders[i], key, index);

                if (added != NULL) {
                    added->base64 = true;
                }
            }
        }
        index++;
    }
    memory_wipe(key, sizeof key);
    return good;
}

/* AES-256 with an HMAC key of 32 or 64 bytes, AES-128 with any: told by the length alone. */
static void split_h2o(const uint8_t *secret, size_t n, struct foreign_key *key)
{
    key->aes_len = n == 96 || n == 64 ? 32 : 16;
    key->hmac_len = (uint8_t)(n - key->aes_len);
    memcpy(key->aes, secret, key->aes_len);
    memcpy(key->hmac, secret + key->aes_len, key->hmac_len);
}

/* Of an entry, no more is asked than its name and its secret. */
static void read_h2o(const uint8_t *p, size_t n, struct readings *out)
{
    const unsigned wanted = KEY_H2O_NAME | KEY_H2O_KEY;
    struct reader r = reader_of(p, n);
    struct key_h2o_entry entry;
    size_t index = 0;

    while (key_h2o_next(&r, &entry)) {
        if ((entry.has & wanted) == wanted && entry.secret_len >= 32 &&
            entry.secret_len % 16 == 0) {
            struct foreign_key *key = add(out, KEY_ORDER_H2O, index++);

            if (key != NULL) {
                memcpy(key->name, entry.name, sizeof key->name);
                split_h2o(entry.secret, entry.secret_len, key);
            }
        }
    }
    memory_wipe(&entry, sizeof entry);
}

size_t key_file_foreign_decode(const uint8_t *p, size_t n, struct foreign_key *out, size_t room)
{
    struct readings all = {out, 0, room};

    if (n == 0 || n > KEY_FILE_FOREIGN_MAX) {
        return 0;
    }
    /* A binary key that is text by chance has, at 48 bytes, a chance of 2^-68. */
    if (key_lines_are_text(p, n)) {
        if (!read_lines(p, n, &all)) {
            memory_wipe(out, all.n * sizeof *out);
            all.n = 0;
        }
        if (all.n == 0) {
            read_h2o(p, n, &all);
        }
    }
    if (all.n == 0) {
        read_binary(p, n, &all);
    }
    return all.n;
}

static const struct {
    const char *order, *servers;
} texts[] = {
#define KEY_ORDER_TEXT(name, order, servers) {order, servers},
    KEY_ORDER_MAP(KEY_ORDER_TEXT)
#undef KEY_ORDER_TEXT
};

const char *key_order_text(enum key_order order)
{
    return texts[order].order;
}

const char *key_order_servers(enum key_order order)
{
    return texts[order].servers;
}
