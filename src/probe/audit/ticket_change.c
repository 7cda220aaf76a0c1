#include "ticket_change.h"

#include <string.h>

#include <openssl/rand.h>

#include "text.h"

#define SPREAD 48 /* places all over a ticket */

/* From the front: of names, IVs and lengths. From the end: of MACs and AEAD tags, of 16, 20 and 32
 * bytes, and the block of ciphertext before them, which decides on the padding. */
static const size_t flip_front[] = {0, 3, 4, 15, 16, 17, 19, 20, 27, 31, 32, 33, 34, 47, 48, 63};
static const size_t flip_end[] = {1,  2,  8,  15, 16, 17, 19, 20, 21, 31, 32,
                                  33, 34, 36, 37, 48, 49, 52, 53, 64, 65};
static const size_t cut_by[] = {1, 2, 16, 20, 32, 48};
static const size_t cut_to[] = {1, 4, 15, 16, 17, 31, 32, 33, 48, 64, 80};
static const size_t grow_by[] = {1, 16, 32};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct list {
    struct ticket_change *items;
    size_t n;
    size_t len; /* of the ticket */
};

static size_t place(const struct ticket_change *c, size_t len)
{
    return c->from_end ? len - c->at : c->at;
}

static void add(struct list *list, enum ticket_change_kind kind, size_t at, bool from_end)
{
    struct ticket_change c = {.kind = kind, .at = at, .from_end = from_end};

    if (kind == CHANGE_FLIP) {
        c.mask = (uint8_t)(1U << at % 8);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].kind == kind &&
            place(&list->items[i], list->len) == place(&c, list->len)) {
            return;
        }
    }
    if (list->n < TICKET_CHANGES_MAX) {
        list->items[list->n++] = c;
    }
}

static void add_flips(struct list *list)
{
    const size_t n = list->len;

    for (size_t i = 0; i < COUNT(flip_front); i++) {
        if (flip_front[i] < n) {
            add(list, CHANGE_FLIP, flip_front[i], false);
        }
    }
    for (size_t i = 0; i < COUNT(flip_end); i++) {
        if (flip_end[i] <= n) {
            add(list, CHANGE_FLIP, flip_end[i], true);
        }
    }
    for (size_t i = 0; i < SPREAD && n != 0; i++) {
        const size_t at = i * n / SPREAD;

        if (at < n / 2) {
            add(list, CHANGE_FLIP, at, false);
        } else {
            add(list, CHANGE_FLIP, n - at, true);
        }
    }
}

size_t ticket_changes(size_t n, struct ticket_change out[static TICKET_CHANGES_MAX])
{
    struct list list = {out, 0, n};

    add_flips(&list);
    for (size_t i = 0; i < COUNT(cut_by); i++) {
        if (cut_by[i] < n) {
            add(&list, CHANGE_CUT, cut_by[i], true);
        }
    }
    for (size_t i = 0; i < COUNT(cut_to); i++) {
        if (cut_to[i] < n) {
            add(&list, CHANGE_CUT, cut_to[i], false);
        }
    }
    for (size_t i = 0; i < COUNT(grow_by); i++) {
        add(&list, CHANGE_GROW, grow_by[i], false);
    }
    add(&list, CHANGE_TWICE, 0, false);
    add(&list, CHANGE_RANDOM, 0, false);
    return list.n;
}

static bool randomize(uint8_t *out, size_t n)
{
    const size_t kept = n > TICKET_CHANGE_NAME_LEN ? TICKET_CHANGE_NAME_LEN : 0;

    return n - kept >= TICKET_CHANGE_NAME_LEN && RAND_bytes(out + kept, (int)(n - kept)) == 1;
}

size_t ticket_change_apply(const struct ticket_change *c, const uint8_t *ticket, size_t n,
                           uint8_t *out)
{
    const bool has_place = c->from_end ? c->at != 0 && c->at <= n : c->at < n;

    memcpy(out, ticket, n);
    switch (c->kind) {
    case CHANGE_NONE:
        return n;
    case CHANGE_FLIP:
        if (!has_place) {
            return 0;
        }
        out[place(c, n)] = (uint8_t)(out[place(c, n)] ^ c->mask);
        return n;
    case CHANGE_CUT:
        return has_place ? place(c, n) : 0;
    case CHANGE_GROW:
        memset(out + n, 0, c->at);
        return n + c->at;
    case CHANGE_TWICE:
        memcpy(out + n, ticket, n);
        return 2 * n;
    case CHANGE_RANDOM:
        return randomize(out, n) ? n : 0;
    }
    return 0;
}

bool ticket_change_is_inside(const struct ticket_change *c)
{
    return c->kind == CHANGE_FLIP && (c->from_end || c->at >= TICKET_CHANGE_NAME_LEN);
}

void ticket_change_text(const struct ticket_change *c, char *out, size_t size)
{
    struct text t = text_of(out, size);
    unsigned bit = 0;

    switch (c->kind) {
    case CHANGE_NONE:
        text_add(&t, "unchanged");
        break;
    case CHANGE_FLIP:
        while (bit < 7 && (c->mask >> bit & 1) == 0) {
            bit++;
        }
        text_addf(&t, "bit %u of byte %zu%s flipped", bit, c->at,
                  c->from_end ? " from the end" : "");
        break;
    case CHANGE_CUT:
        text_addf(&t, c->from_end ? "%zu bytes cut off" : "cut to %zu bytes", c->at);
        break;
    case CHANGE_GROW:
        text_addf(&t, "%zu zero byte%s appended", c->at, c->at == 1 ? "" : "s");
        break;
    case CHANGE_TWICE:
        text_add(&t, "sent twice in one");
        break;
    case CHANGE_RANDOM:
        text_add(&t, "all but its first 16 bytes replaced");
        break;
    }
}
