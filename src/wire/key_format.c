#include "key_format.h"

#include <string.h>

#include "base64.h"
#include "key_h2o.h"
#include "key_layout.h"
#include "key_lines.h"
#include "memory.h"
#include "order.h"
#include "reader.h"
#include "writer.h"

#define LIGHTTPD_VERSION 0
#define LIGHTTPD_HEAD 12 /* version, activation, expiry */
#define LONGEST 80       /* of a key in a layout */
#define PASSES 3

#define SEALS (1U << KEY_SEALS)
#define NEXT (1U << KEY_NEXT)
#define OPENS (1U << KEY_OPENS)

enum shape { SHAPE_ROWS = 0, SHAPE_LINES, SHAPE_LIGHTTPD, SHAPE_H2O };

/* Which key of a file seals. */
enum sealing { SEALING_FIRST = 0, SEALING_LAST, SEALING_PENULTIMATE, SEALING_BY_DATE };

struct form {
    const struct key_layout *of_short; /* NULL: no such keys, or not in a layout */
    const struct key_layout *of_long;
    struct key_format_traits traits;
    enum shape shape;
    enum sealing sealing;
    uint8_t passes[PASSES]; /* the keys of which roles are written first, second, third */
};

static const struct form forms[KEY_FORMATS] = {
    [KEY_FORMAT_NGINX] =
        {.of_short = &key_layout_ah48,
         .of_long = &key_layout_ha80,
         .traits = {.takes_short = true, .takes_long = true, .least = 1, .most = 1},
         .passes = {SEALS | NEXT | OPENS}},
    [KEY_FORMAT_HAPROXY] =
        {.of_short = &key_layout_ah48,
         .of_long = &key_layout_ah80,
         .traits = {.takes_short = true, .takes_long = true, .least = 3, .most = 3},
         .shape = SHAPE_LINES,
         .sealing = SEALING_PENULTIMATE,
         .passes = {OPENS, SEALS, NEXT}},
    [KEY_FORMAT_APACHE] = {.of_short = &key_layout_ha48,
                           .traits = {.takes_short = true, .least = 1, .most = 1},
                           .passes = {SEALS | NEXT | OPENS}},
    [KEY_FORMAT_TRAFFICSERVER] = {.of_short = &key_layout_ha48,
                                  .traits = {.takes_short = true, .least = 1},
                                  .passes = {SEALS, NEXT | OPENS}},
    [KEY_FORMAT_LIGHTTPD] = {.of_long = &key_layout_ha80,
                             .traits = {.takes_long = true, .dated = true, .least = 1, .most = 1},
                             .shape = SHAPE_LIGHTTPD,
                             .sealing = SEALING_BY_DATE,
                             .passes = {SEALS | NEXT | OPENS}},
    [KEY_FORMAT_H2O] = {.traits = {.takes_short = true,
                                   .takes_long = true,
                                   .mixed = true,
                                   .dated = true,
                                   .least = 1},
                        .shape = SHAPE_H2O,
                        .sealing = SEALING_BY_DATE,
                        .passes = {SEALS | NEXT | OPENS}},
    [KEY_FORMAT_NGHTTPX] =
        {.of_short = &key_layout_ah48,
         .of_long = &key_layout_ah80,
         .traits = {.takes_short = true, .takes_long = true, .least = 1, .most = 1},
         .passes = {SEALS | NEXT | OPENS}},
    [KEY_FORMAT_DNSDIST] = {.of_long = &key_layout_ah80,
                            .traits = {.takes_long = true, .least = 1},
                            .sealing = SEALING_LAST,
                            .passes = {NEXT | OPENS, SEALS}},
    [KEY_FORMAT_DNSDIST_GNUTLS] = {.of_long = &key_layout_ah64,
                                   .traits = {.takes_long = true, .least = 1},
                                   .sealing = SEALING_LAST,
                                   .passes = {NEXT | OPENS, SEALS}},
};

static const struct {
    const char *word, *servers;
} texts[KEY_FORMATS] = {
#define KEY_FORMAT_TEXT(name, word, servers) {word, servers},
    KEY_FORMAT_MAP(KEY_FORMAT_TEXT)
#undef KEY_FORMAT_TEXT
};

bool key_format_parse(const char *word, enum key_format *out)
{
    for (unsigned i = 0; i < KEY_FORMATS; i++) {
        if (strcmp(word, texts[i].word) == 0) {
            *out = (enum key_format)i;
            return true;
        }
    }
    return false;
}

const char *key_format_text(enum key_format format)
{
    return texts[format].word;
}

const char *key_format_servers(enum key_format format)
{
    return texts[format].servers;
}

const struct key_format_traits *key_format_traits(enum key_format format)
{
    return &forms[format].traits;
}

static const struct key_layout *layout_of(const struct form *f, const struct stek *k)
{
    return k->key_len == 16 ? f->of_short : f->of_long;
}

bool format_key_is_stek(const struct format_key *key)
{
    uint8_t any = 0;

    for (size_t i = 0; i < sizeof key->hmac_rest; i++) {
        any |= key->hmac_rest[i];
    }
    return any == 0;
}

/* Whether one key alone could stand in such a file. */
static bool is_fit(const struct form *f, const struct format_key *k)
{
    const struct key_format_traits *t = &f->traits;

    return (k->stek.key_len == 16 ? t->takes_short : k->stek.key_len == 32 && t->takes_long) &&
           (!t->dated || k->begins_s <= k->ends_s) &&
           (f->shape == SHAPE_H2O || format_key_is_stek(k));
}

static bool are_fit(const struct form *f, const struct format_key *keys, size_t n)
{
    const struct key_format_traits *t = &f->traits;
    size_t n_of[KEY_OPENS + 1] = {0};

    if (n < t->least || n > (t->most != 0 ? t->most : KEY_FORMAT_KEYS_MAX)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_fit(f, &keys[i]) || (!t->mixed && keys[i].stek.key_len != keys[0].stek.key_len)) {
            return false;
        }
        n_of[keys[i].role]++;
    }
    return t->most == 1 ||
           (n_of[KEY_SEALS] == 1 && (f->sealing != SEALING_PENULTIMATE || n_of[KEY_NEXT] == 1));
}

static void write_row(struct writer *w, const struct key_layout *layout, const struct stek *k)
{
    uint8_t row[LONGEST];

    key_layout_write(layout, k->name, k->aes, k->hmac, row);
    writer_bytes(w, row, key_layout_len(layout));
    memory_wipe(row, sizeof row);
}

static void write_line(struct writer *w, const struct key_layout *layout, const struct stek *k)
{
    char line[BASE64_TEXT_LEN(LONGEST)];
    uint8_t row[LONGEST];
    const size_t n = key_layout_len(layout);

    key_layout_write(layout, k->name, k->aes, k->hmac, row);
    (void)base64_encode(row, n, line);
    writer_bytes(w, line, BASE64_TEXT_LEN(n));
    writer_u8(w, '\n');
    memory_wipe(line, sizeof line);
    memory_wipe(row, sizeof row);
}

static int32_t clamp(int64_t date_s)
{
    return (int32_t)order_least(order_most(date_s, 0), INT32_MAX);
}

static void write_lighttpd(struct writer *w, const struct format_key *k)
{
    const int32_t head[] = {LIGHTTPD_VERSION, clamp(k->begins_s), clamp(k->ends_s)};

    _Static_assert(sizeof head == LIGHTTPD_HEAD, "its head");
    writer_bytes(w, head, sizeof head);
    write_row(w, &key_layout_ha80, &k->stek);
}

static void write_key(struct writer *w, const struct form *f, const struct format_key *k)
{
    switch (f->shape) {
    case SHAPE_ROWS:
        write_row(w, layout_of(f, &k->stek), &k->stek);
        break;
    case SHAPE_LINES:
        write_line(w, layout_of(f, &k->stek), &k->stek);
        break;
    case SHAPE_LIGHTTPD:
        write_lighttpd(w, k);
        break;
    case SHAPE_H2O:
        key_h2o_write(w, k);
        break;
    }
}

size_t key_format_write(enum key_format format, const struct format_key *keys, size_t n_keys,
                        uint8_t *out, size_t n)
{
    const struct form *f = &forms[format];
    struct writer w = writer_of(out, n);

    if (!are_fit(f, keys, n_keys)) {
        return 0;
    }
    for (size_t pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < n_keys; i++) {
            if ((f->passes[pass] & 1U << keys[i].role) != 0) {
                write_key(&w, f, &keys[i]);
            }
        }
    }
    return writer_len(&w);
}

size_t key_format_size(enum key_format format, size_t n_keys)
{
    switch (forms[format].shape) {
    case SHAPE_ROWS:
        return n_keys * LONGEST;
    case SHAPE_LINES:
        return n_keys * (BASE64_TEXT_LEN(LONGEST) + 1);
    case SHAPE_LIGHTTPD:
        return n_keys * (LIGHTTPD_HEAD + LONGEST);
    case SHAPE_H2O:
        break;
    }
    return n_keys * KEY_H2O_ENTRY_MAX;
}

/* Keys as they come; a failure sticks. */
struct taken {
    struct format_key *keys;
    size_t n;
    size_t room;
    bool failed;
};

static struct format_key *take(struct taken *t)
{
    if (t->n == t->room) {
        t->failed = true;
        return NULL;
    }
    t->keys[t->n] = (struct format_key){.role = KEY_OPENS};
    return &t->keys[t->n++];
}

static void take_row(struct taken *t, const struct key_layout *layout, const uint8_t *p)
{
    struct format_key *k = take(t);

    if (k != NULL) {
        key_layout_read(layout, p, k->stek.name, k->stek.aes, k->stek.hmac);
        k->stek.key_len = layout->aes_len;
    }
}

/* The layout of a file of n bytes, be it of one key or, where a format has several, of many. */
static const struct key_layout *layout_of_file(const struct form *f, size_t n)
{
    const struct key_layout *const layouts[] = {f->of_short, f->of_long};

    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const size_t len = layouts[i] != NULL ? key_layout_len(layouts[i]) : 0;

        if (len != 0 && (n == len || (f->traits.most != 1 && n % len == 0))) {
            return layouts[i];
        }
    }
    return NULL;
}

static void read_rows(const struct form *f, const uint8_t *p, size_t n, struct taken *t)
{
    const struct key_layout *layout = layout_of_file(f, n);
    struct reader r = reader_of(p, n);

    t->failed = layout == NULL;
    while (!t->failed && reader_left(&r) != 0) {
        take_row(t, layout, reader_bytes(&r, key_layout_len(layout)));
    }
}

/* Blank lines, comments, and keys of two lengths are refused there too. */
static void read_lines(const struct form *f, const uint8_t *p, size_t n, struct taken *t)
{
    struct reader r = reader_of(p, n);
    uint8_t row[LONGEST];
    const char *line;
    size_t line_len;
    size_t first_len = 0;

    while (!t->failed && key_lines_next(&r, &line, &line_len)) {
        const struct key_layout *layout;
        size_t len = 0;

        t->failed = !base64_decode(line, line_len, row, sizeof row, &len);
        layout = len == key_layout_len(f->of_short)  ? f->of_short
                 : len == key_layout_len(f->of_long) ? f->of_long
                                                     : NULL;
        first_len = first_len != 0 ? first_len : len;
        if (layout == NULL || len != first_len) {
            t->failed = true;
        } else if (!t->failed) {
            take_row(t, layout, row);
        }
    }
    memory_wipe(row, sizeof row);
}

static void read_lighttpd(const uint8_t *p, size_t n, struct taken *t)
{
    int32_t head[3];

    if (n != LIGHTTPD_HEAD + key_layout_len(&key_layout_ha80)) {
        t->failed = true;
        return;
    }
    memcpy(head, p, sizeof head);
    t->failed = head[0] != LIGHTTPD_VERSION;
    take_row(t, &key_layout_ha80, p + LIGHTTPD_HEAD);
    if (!t->failed) {
        t->keys[0].begins_s = head[1];
        t->keys[0].ends_s = head[2];
    }
}

static void read_h2o(const uint8_t *p, size_t n, struct taken *t)
{
    struct reader r = reader_of(p, n);
    struct key_h2o_entry entry = {0};

    t->failed = !key_lines_are_text(p, n);
    while (!t->failed && key_h2o_next(&r, &entry)) {
        struct format_key *k = take(t);

        if (k != NULL) {
            t->failed = !key_h2o_key(&entry, k);
        }
    }
    memory_wipe(&entry, sizeof entry);
}

/* h2o, of those that begin at the same instant, takes the one of the lower name. */
static bool is_newer(const struct format_key *a, const struct format_key *b)
{
    return a->begins_s != b->begins_s ? a->begins_s > b->begins_s
                                      : memcmp(a->stek.name, b->stek.name, sizeof a->stek.name) < 0;
}

/* The newest that has begun seals, unless it has ended; the first to begin is next. */
static void give_roles_by_date(struct format_key *keys, size_t n, int64_t now_s)
{
    struct format_key *newest = NULL;
    struct format_key *next = NULL;

    for (size_t i = 0; i < n; i++) {
        struct format_key *k = &keys[i];

        if (k->begins_s <= now_s) {
            newest = newest == NULL || is_newer(k, newest) ? k : newest;
        } else {
            next = next == NULL || is_newer(next, k) ? k : next;
        }
    }
    if (newest != NULL && now_s <= newest->ends_s) {
        newest->role = KEY_SEALS;
    }
    if (next != NULL) {
        next->role = KEY_NEXT;
    }
}

void key_format_give_roles(enum key_format format, struct format_key *keys, size_t n, int64_t now_s)
{
    for (size_t i = 0; i < n; i++) {
        keys[i].role = KEY_OPENS;
    }
    if (n == 0) {
        return;
    }
    switch (forms[format].sealing) {
    case SEALING_FIRST:
        keys[0].role = KEY_SEALS;
        break;
    case SEALING_LAST:
        keys[n - 1].role = KEY_SEALS;
        break;
    case SEALING_PENULTIMATE:
        keys[n - 1].role = KEY_NEXT;
        keys[n > 1 ? n - 2 : 0].role = KEY_SEALS;
        break;
    case SEALING_BY_DATE:
        give_roles_by_date(keys, n, now_s);
        break;
    }
}

size_t key_format_read(enum key_format format, const uint8_t *p, size_t n, int64_t now_s,
                       struct format_key *out, size_t room)
{
    const struct form *f = &forms[format];
    struct taken t = {out, 0, room, n > KEY_FORMAT_BYTES_MAX};

    if (!t.failed) {
        switch (f->shape) {
        case SHAPE_ROWS:
            read_rows(f, p, n, &t);
            break;
        case SHAPE_LINES:
            read_lines(f, p, n, &t);
            break;
        case SHAPE_LIGHTTPD:
            read_lighttpd(p, n, &t);
            break;
        case SHAPE_H2O:
            read_h2o(p, n, &t);
            break;
        }
    }
    if (t.failed) {
        memory_wipe(out, t.n * sizeof *out);
        return 0;
    }
    key_format_give_roles(format, out, t.n, now_s);
    return t.n;
}
