#include "siphash.h"

#include <endian.h>
#include <string.h>

#include "memory.h"

#define WORD_LEN 8

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotated(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint64_t word_of(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

static void rounds(struct state *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotated(s->v1, 13) ^ s->v0;
        s->v3 = rotated(s->v3, 16) ^ s->v2;
        s->v0 = rotated(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotated(s->v1, 17) ^ s->v2;
        s->v3 = rotated(s->v3, 21) ^ s->v0;
        s->v2 = rotated(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

void siphash(const uint8_t key[static SIPHASH_KEY_LEN], const uint8_t *message, size_t n,
             uint8_t out[static SIPHASH_LEN])
{
    struct state s = {
        .v0 = word_of(key) ^ UINT64_C(0x736f6d6570736575),
        .v1 = word_of(key + WORD_LEN) ^ UINT64_C(0x646f72616e646f6d),
        .v2 = word_of(key) ^ UINT64_C(0x6c7967656e657261),
        .v3 = word_of(key + WORD_LEN) ^ UINT64_C(0x7465646279746573),
    };
    uint8_t last[WORD_LEN] = {0};
    uint64_t tag;

    for (size_t i = 0; i < n / WORD_LEN; i++) {
        absorb(&s, word_of(message + i * WORD_LEN));
    }
    if (n % WORD_LEN != 0) {
        memcpy(last, message + n / WORD_LEN * WORD_LEN, n % WORD_LEN);
    }
    last[WORD_LEN - 1] = (uint8_t)n;
    absorb(&s, word_of(last));
    s.v2 ^= 0xff;
    rounds(&s, 4);
    tag = htole64(s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
    memcpy(out, &tag, sizeof tag);
    memory_wipe(&s, sizeof s);
}
