#include "ticket_change.h"

#include <string.h>

#include <openssl/rand.h>

#include "text.h"

#define SPREAD 48 /* places all over a ticket */

/* From the front: of names, IVs and lengths. From the end: of MACs and AEAD tags, of 16, 20 and 32
 * bytes, and the block of ciphertext before them, which decides on the padding. */
static const size_t from_front[] = {0, 3, 4, 15, 16, 17, 19, 20, 27, 31, 32, 33, 34, 47, 48, 63};
static const size_t from_end[] = {1,  2,  8,  15, 16, 17, 19, 20, 21, 31, 32,
                                  33, 34, 36, 37, 48, 49, 52, 53, 64, 65};
static const size_t cut_by[] = {1, 2, 16, 20, 32, 48};
static const size_t cut_to[] = {1, 4, 15, 16, 17, 31, 32, 33, 48, 64, 80};
static const size_t grow_by[] = {1, 16, 32};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct list {
    struct ticket_change *items;
    size_t n;
};

static void add(struct list *list, enum ticket_change_kind kind, size_t at)
{
    const uint8_t mask = kind == CHANGE_FLIP ? (uint8_t)(1U << at % 8) : 0;

    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].kind == kind && list->items[i].at == at) {
            return;
        }
    }
    if (list->n < TICKET_CHANGES_MAX) {
        list->items[list->n++] = (struct ticket_change){kind, at, mask};
    }
}

size_t ticket_changes(size_t n, struct ticket_change out[static TICKET_CHANGES_MAX])
{
    struct list list = {out, 0};

    for (size_t i = 0; i < COUNT(from_front); i++) {
        if (from_front[i] < n) {
            add(&list, CHANGE_FLIP, from_front[i]);
        }
    }
    for (size_t i = 0; i < COUNT(from_end); i++) {
        if (from_end[i] <= n) {
            add(&list, CHANGE_FLIP, n - from_end[i]);
        }
    }
    for (size_t i = 0; i < SPREAD && n != 0; i++) {
        add(&list, CHANGE_FLIP, i * n / SPREAD);
    }
    for (size_t i = 0; i < COUNT(cut_by); i++) {
        if (cut_by[i] < n) {
            add(&list, CHANGE_CUT, n - cut_by[i]);
        }
    }
    for (size_t i = 0; i < COUNT(cut_to); i++) {
        if (cut_to[i] < n) {
            add(&list, CHANGE_CUT, cut_to[i]);
        }
    }
    for (size_t i = 0; i < COUNT(grow_by); i++) {
        add(&list, CHANGE_GROW, grow_by[i]);
    }
    add(&list, CHANGE_TWICE, 0);
    add(&list, CHANGE_RANDOM, 0);
    return list.n;
}

size_t ticket_change_apply(const struct ticket_change *c, const uint8_t *ticket, size_t n,
                           uint8_t *out)
{
    memcpy(out, ticket, n);
    switch (c->kind) {
    case CHANGE_NONE:
        return n;
    case CHANGE_FLIP:
        if (c->at < n) {
            out[c->at] ^= c->mask;
        }
        return n;
    case CHANGE_CUT:
        return c->at < n ? c->at : n;
    case CHANGE_GROW:
        memset(out + n, 0, c->at);
        return n + c->at;
    case CHANGE_TWICE:
        memcpy(out + n, ticket, n);
        return 2 * n;
    case CHANGE_RANDOM:
        if (n > TICKET_CHANGE_NAME_LEN) {
            (void)RAND_bytes(out + TICKET_CHANGE_NAME_LEN, (int)(n - TICKET_CHANGE_NAME_LEN));
        } else {
            (void)RAND_bytes(out, (int)n);
        }
        return n;
    }
    return n;
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
        text_addf(&t, "bit %u of byte %zu flipped", bit, c->at);
        break;
    case CHANGE_CUT:
        text_addf(&t, "cut to %zu bytes", c->at);
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
