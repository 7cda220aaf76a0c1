/* The certificates that full handshakes under one name showed, as hashes: a few distinct ones. */
#ifndef LEAF_SET_H
#define LEAF_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAF_SET_MAX 8
#define LEAF_LEN 32

struct leaf_set {
    size_t n;
    uint8_t leaves[LEAF_SET_MAX][LEAF_LEN];
};

/* Does nothing if it is in the set or the set is full. */
void leaf_set_add(struct leaf_set *s, const uint8_t leaf[static LEAF_LEN]);

/* Neither is empty, neither is full, and they have none in common. */
bool leaf_set_disjoint(const struct leaf_set *a, const struct leaf_set *b);

#endif
