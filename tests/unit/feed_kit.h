/* Windows for the tests of feeds, without a keyring: made from rings, as the keeper would. */
#ifndef FEED_KIT_H
#define FEED_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed_plan.h"
#include "memory.h"
#include "rings_kit.h"

#define FEED_KIT_ROOM 2048

static inline struct window_keys *feed_kit_window(int64_t rotate_ms, int64_t accept_ms)
{
    struct window_keys *const keys = memory_new(1, sizeof *keys);

    assert_non_null(keys);
    keys->keys = memory_new(FEED_KIT_ROOM, sizeof keys->keys[0]);
    assert_non_null(keys->keys);
    keys->room = FEED_KIT_ROOM;
    keys->rotate_ms = rotate_ms;
    keys->accept_ms = accept_ms;
    keys->generation = 1;
    return keys;
}

static inline void feed_kit_window_free(struct window_keys *keys)
{
    memory_free(keys->keys);
    memory_free(keys);
}

/* A key of a ring that is known by its number. */
static inline void feed_kit_add(struct window_keys *keys, uint8_t ring, int64_t base_ms,
                                uint64_t epoch, bool seals)
{
    struct window_listed *const key = &keys->keys[keys->n];

    assert_true(keys->n < keys->room);
    *key = (struct window_listed){
        .epoch = epoch,
        .base_ms = base_ms,
        .opens_until_ms = base_ms + ((int64_t)epoch + 1) * keys->rotate_ms + keys->accept_ms,
        .seals = seals};
    key->stek.key_len = 32;
    memset(key->stek.name, 0x5a, sizeof key->stek.name);
    key->stek.name[1] = ring;
    memcpy(&key->stek.name[2], &epoch, sizeof epoch);
    memset(key->stek.aes, ring ^ 0x11, 32);
    memcpy(key->stek.aes, &epoch, sizeof epoch);
    memset(key->stek.hmac, ring ^ 0x22, 32);
    memcpy(key->stek.hmac, &epoch, sizeof epoch);
    keys->n++;
}

static inline void feed_kit_add_root(struct window_keys *keys, const struct rings *rings,
                                     const struct ring_root *root)
{
    struct window_listed *const key = &keys->keys[keys->n];
    const struct ring *const ring = &rings->ring[root->ring];

    *key =
        (struct window_listed){.epoch = root->epoch,
                               .base_ms = ring->genesis_ms,
                               .opens_until_ms = root->opens_until_ms,
                               .seals = root->ring == rings->sealing && root->epoch == ring->epoch};
    key->stek.key_len = 32;
    memcpy(key->stek.name, root->root, 16);
    memcpy(key->stek.aes, root->root, 32);
    for (size_t i = 0; i < 32; i++) {
        key->stek.hmac[i] = root->root[i] ^ 0xff;
    }
    keys->n++;
}

/* In the order of a window: first those of the ring that seals. */
static inline void feed_kit_list(struct window_keys *keys, const struct rings *rings)
{
    keys->n = 0;
    keys->generation++;
    for (unsigned other = 0; other < 2; other++) {
        for (unsigned i = 0; i < rings->n_roots; i++) {
            if ((rings->roots[i].ring != rings->sealing) == (other != 0)) {
                feed_kit_add_root(keys, rings, &rings->roots[i]);
            }
        }
    }
}

static inline struct feed_keys *feed_kit_plan(const struct feed_needs *needs,
                                              const struct window_keys *listed, int64_t offset_ms)
{
    struct feed_keys *const keys = memory_new(1, sizeof *keys);

    assert_non_null(keys);
    assert_int_equal(feed_plan(needs, listed, offset_ms, keys), RP_OK);
    return keys;
}

static inline const struct format_key *feed_kit_find(const struct feed_keys *keys,
                                                     const uint8_t name[static 16])
{
    for (size_t i = 0; i < keys->n; i++) {
        if (memcmp(keys->keys[i].stek.name, name, 16) == 0) {
            return &keys->keys[i];
        }
    }
    return NULL;
}

#endif
