#include "window_keys.h"

#include "memory.h"
#include "window_view.h"

/* A keeper publishes a few times a second at the very most. */
#define TRIES_MAX 1000

enum rp_status window_keys_new(const struct rp_keyring *keyring, struct window_keys **out)
{
    struct window_keys *const keys = memory_new(1, sizeof *keys);

    *out = NULL;
    if (keys == NULL) {
        return RP_NO_MEMORY;
    }
    keys->keys = memory_new(keyring->layout.max_keys, sizeof keys->keys[0]);
    if (keys->keys == NULL) {
        memory_free(keys);
        return RP_NO_MEMORY;
    }
    keys->room = keyring->layout.max_keys;
    *out = keys;
    return RP_OK;
}

static void empty(struct window_keys *keys)
{
    const size_t room = keys->room;
    struct window_listed *const listed = keys->keys;

    memory_wipe(listed, room * sizeof *listed);
    *keys = (struct window_keys){.room = room, .keys = listed};
}

void window_keys_free(struct window_keys **keys)
{
    if (keys == NULL || *keys == NULL) {
        return;
    }
    empty(*keys);
    memory_free((*keys)->keys);
    memory_free(*keys);
    *keys = NULL;
}

static void list_key(const struct view *v, unsigned domain, unsigned key, struct window_listed *out)
{
    const size_t entry = view_entry(key);

    view_copy_stek(v, domain, key, &out->stek);
    out->epoch = view_word(v, entry);
    out->opens_until_ms = (int64_t)view_word(v, entry + 1);
    out->base_ms = (int64_t)view_word(v, entry + 2);
    out->seals = view_word(v, SEGMENT_SEALING) == key;
}

static void list_view(const struct view *v, unsigned domain, struct window_keys *out)
{
    out->generation = v->generation;
    out->rotate_ms = (int64_t)view_word(v, SEGMENT_ROTATE);
    out->accept_ms = (int64_t)view_word(v, SEGMENT_ACCEPT);
    if (view_word(v, SEGMENT_IS_STATIC) != 0 || domain >= v->n_domains) {
        return;
    }
    for (unsigned i = 0; i < v->n_keys && i < out->room; i++) {
        list_key(v, domain, i, &out->keys[i]);
        out->n++;
    }
}

bool window_keys_list(const struct rp_keyring *keyring, unsigned domain, struct window_keys *out)
{
    empty(out);
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        struct view v;

        if (!view_open(keyring, &v)) {
            return true;
        }
        list_view(&v, domain, out);
        if (view_whole(&v)) {
            return true;
        }
        empty(out);
    }
    return false;
}
