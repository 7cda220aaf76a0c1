#include "key_file_foreign.h"

#include <string.h>

#include "base64.h"
#include "hex.h"
#include "memory.h"
#include "reader.h"

#define LINE_MAX_LEN 512
#define LIGHTTPD_HEAD 12

struct readings {
    struct foreign_key *keys;
    size_t n;
    size_t room;
};

/* One key in a row of equally long ones. */
struct order {
    enum key_order order;
    size_t len;
    size_t head_len; /* skipped */
    uint8_t aes_len;
    uint8_t hmac_len;
    bool hmac_first;
    bool concatenated; /* several in a binary file */
    bool in_lines;     /* base64, one on a line */
};

static const struct order orders[] = {
    {KEY_ORDER_AH48, 48, 0, 16, 16, false, false, true},
    {KEY_ORDER_HA48, 48, 0, 16, 16, true, true, true},
    {KEY_ORDER_HA80, 80, 0, 32, 32, true, true, true},
    {KEY_ORDER_AH80, 80, 0, 32, 32, false, true, true},
    {KEY_ORDER_AH64, 64, 0, 32, 16, false, true, false},
    {KEY_ORDER_LIGHTTPD, 92, LIGHTTPD_HEAD, 32, 32, true, true, false},
};

#define N_ORDERS (sizeof orders / sizeof orders[0])

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
    struct reader r = reader_of(p, o->len);
    struct foreign_key *key = add(all, o->order, index);

    if (key == NULL) {
        return NULL;
    }
    (void)reader_bytes(&r, o->head_len);
    reader_copy(&r, key->name, sizeof key->name);
    key->aes_len = o->aes_len;
    key->hmac_len = o->hmac_len;
    if (o->hmac_first) {
        reader_copy(&r, key->hmac, o->hmac_len);
    }
    reader_copy(&r, key->aes, o->aes_len);
    if (!o->hmac_first) {
        reader_copy(&r, key->hmac, o->hmac_len);
    }
    return key;
}

static void read_binary(const uint8_t *p, size_t n, struct readings *out)
{
    for (size_t i = 0; i < N_ORDERS; i++) {
        const struct order *o = &orders[i];

        if (n % o->len != 0 || (n != o->len && !o->concatenated)) {
            continue;
        }
        for (size_t at = 0, index = 0; at < n; at += o->len, index++) {
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

static bool is_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((p[i] < ' ' || p[i] > '~') && p[i] != '\n' && p[i] != '\r' && p[i] != '\t') {
            return false;
        }
    }
    return n != 0;
}

/* The next line without white space around it; false: no more. */
static bool next_line(struct reader *r, const char **line, size_t *n)
{
    const size_t left = reader_left(r);
    const uint8_t *p = r->at;
    const uint8_t *end = left != 0 ? memchr(p, '\n', left) : NULL;
    size_t len = end != NULL ? (size_t)(end - p) : left;

    if (left == 0) {
        return false;
    }
    (void)reader_bytes(r, end != NULL ? len + 1 : len);
    while (len != 0 && (p[len - 1] == ' ' || p[len - 1] == '\r' || p[len - 1] == '\t')) {
        len--;
    }
    while (len != 0 && (*p == ' ' || *p == '\t')) {
        p++;
        len--;
    }
    *line = (const char *)p;
    *n = len;
    return true;
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

    while (good && next_line(&r, &line, &line_len)) {
        size_t len = 0;

        if (line_len == 0 || line[0] == '#') {
            continue;
        }
        good = base64_decode(line, line_len, key, sizeof key, &len) && (len == 48 || len == 80);
        for (size_t i = 0; good && i < N_ORDERS; i++) {
            if (orders[i].in_lines && orders[i].len == len) {
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

/* "name: value", with quotes around the value or none. */
static bool is_setting(const char *line, size_t n, const char *name, const char **value,
                       size_t *value_len)
{
    const size_t name_len = strlen(name);

    if (n <= name_len || memcmp(line, name, name_len) != 0 || line[name_len] != ':') {
        return false;
    }
    line += name_len + 1;
    n -= name_len + 1;
    while (n != 0 && (*line == ' ' || *line == '"' || *line == '\'')) {
        line++;
        n--;
    }
    while (n != 0 && (line[n - 1] == ' ' || line[n - 1] == '"' || line[n - 1] == '\'')) {
        n--;
    }
    *value = line;
    *value_len = n;
    return true;
}

/* AES-256 with an HMAC key of 32 or 64 bytes, AES-128 with any: told by the length alone. */
static void split_h2o(const uint8_t *secret, size_t n, struct foreign_key *key)
{
    key->aes_len = n == 96 || n == 64 ? 32 : 16;
    key->hmac_len = (uint8_t)(n - key->aes_len);
    memcpy(key->aes, secret, key->aes_len);
    memcpy(key->hmac, secret + key->aes_len, key->hmac_len);
}

/* A key is where both its name and its secret came, in whatever order, since the last "-". */
static void read_h2o(const uint8_t *p, size_t n, struct readings *out)
{
    struct reader r = reader_of(p, n);
    uint8_t name[FOREIGN_KEY_NAME_LEN];
    uint8_t secret[96];
    size_t name_len = 0;
    size_t secret_len = 0;
    size_t index = 0;
    const char *line;
    const char *value;
    size_t line_len;
    size_t value_len;

    while (next_line(&r, &line, &line_len)) {
        if (line_len >= 2 && line[0] == '-') {
            name_len = secret_len = 0;
            do {
                line++;
                line_len--;
            } while (line_len != 0 && *line == ' ');
        }
        if (is_setting(line, line_len, "name", &value, &value_len)) {
            (void)hex_decode(value, value_len, name, sizeof name, &name_len);
        } else if (is_setting(line, line_len, "key", &value, &value_len)) {
            (void)hex_decode(value, value_len, secret, sizeof secret, &secret_len);
        }
        if (name_len == sizeof name && secret_len >= 32 && secret_len % 16 == 0) {
            struct foreign_key *key = add(out, KEY_ORDER_H2O, index++);

            if (key != NULL) {
                memcpy(key->name, name, sizeof name);
                split_h2o(secret, secret_len, key);
            }
            name_len = secret_len = 0;
        }
    }
    memory_wipe(secret, sizeof secret);
}

size_t key_file_foreign_decode(const uint8_t *p, size_t n, struct foreign_key *out, size_t room)
{
    struct readings all = {out, 0, room};

    if (n == 0 || n > KEY_FILE_FOREIGN_MAX) {
        return 0;
    }
    /* A binary key that is text by chance has, at 48 bytes, a chance of 2^-68. */
    if (is_text(p, n)) {
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
