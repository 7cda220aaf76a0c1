#include "leaf_set.h"

#include <string.h>

static bool has(const struct leaf_set *s, const uint8_t *leaf)
{
    for (size_t i = 0; i < s->n; i++) {
        if (memcmp(s->leaves[i], leaf, LEAF_LEN) == 0) {
            return true;
        }
    }
    return false;
}

void leaf_set_add(struct leaf_set *s, const uint8_t leaf[static LEAF_LEN])
{
    if (s->n < LEAF_SET_MAX && !has(s, leaf)) {
        memcpy(s->leaves[s->n], leaf, LEAF_LEN);
        s->n++;
    }
}

bool leaf_set_disjoint(const struct leaf_set *a, const struct leaf_set *b)
{
    if (a->n == 0 || b->n == 0 || a->n == LEAF_SET_MAX || b->n == LEAF_SET_MAX) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (has(b, a->leaves[i])) {
            return false;
        }
    }
    return true;
}
