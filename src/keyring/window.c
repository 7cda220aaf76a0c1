#include "window.h"

#include <string.h>

#include "memory.h"
#include "segment.h"
#include "window_view.h"

static void copy_key(const struct view *v, unsigned domain, unsigned key, struct window_key *out)
{
    const size_t place = view_pair(v, domain, key);
    const size_t secrets = v->layout->secrets + place * SEGMENT_SECRET_WORDS;
    const uint32_t hint = (uint32_t)view_word(v, v->layout->tags + place);
    const size_t entry = view_entry(key);

    view_copy_stek(v, domain, key, &out->keys.stek);
    view_copy(v, secrets + 8, out->keys.record, 4);
    view_copy(v, secrets + 12, out->keys.id_mac, 4);
    memcpy(out->keys.id_hint, &hint, sizeof hint);
    out->epoch = view_word(v, entry);
    out->opens_until_ms = (int64_t)view_word(v, entry + 1);
    out->base_ms = (int64_t)view_word(v, entry + 2);
    out->seals = view_word(v, SEGMENT_SEALING) == key;
}

/* Copies the key unless it no longer opens. */
static enum window_hit take_key(const struct view *v, unsigned domain, unsigned key,
                                int64_t fleet_ms, struct window_key *out)
{
    if (fleet_ms >= (int64_t)view_word(v, view_entry(key) + 1)) {
        return WINDOW_EXPIRED;
    }
    copy_key(v, domain, key, out);
    return WINDOW_FOUND;
}

/* The first of n names from `at` on that equals name; n if none does. */
static size_t search_names(const struct view *v, size_t at, size_t n, const uint64_t name[static 2])
{
    size_t i = 0;

    while (i < n && (view_word(v, at + i * SEGMENT_NAME_WORDS) != name[0] ||
                     view_word(v, at + i * SEGMENT_NAME_WORDS + 1) != name[1])) {
        i++;
    }
    return i;
}

/* Whether any domain has the name. The bounds are for what a taken-over process may have written.
 */
static bool is_indexed(const struct view *v, const uint64_t name[static 2])
{
    const size_t n_pairs = view_pair(v, v->layout->max_domains, 0);

    for (size_t i = 0; i < v->layout->index_len; i++) {
        const size_t bucket = (size_t)(name[0] + i) & (v->layout->index_len - 1);
        const uint64_t place = view_word(v, v->layout->index + bucket);

        if (place == 0 || place > n_pairs) {
            return false;
        }
        if (search_names(v, v->layout->names + (place - 1) * SEGMENT_NAME_WORDS, 1, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum window_hit find_name(const struct view *v, unsigned domain, int64_t fleet_ms,
                                 const uint64_t name[static 2], struct window_key *out)
{
    const size_t own = v->layout->names + view_pair(v, domain, 0) * SEGMENT_NAME_WORDS;
    const size_t i = domain < v->n_domains ? search_names(v, own, v->n_keys, name) : v->n_keys;

    if (i < v->n_keys) {
        return take_key(v, domain, (unsigned)i, fleet_ms, out);
    }
    return is_indexed(v, name) ? WINDOW_OTHER_DOMAIN : WINDOW_ABSENT;
}

static enum window_hit find_hint(const struct view *v, unsigned domain, int64_t fleet_ms,
                                 uint32_t hint, struct window_key *out)
{
    if (domain >= v->n_domains) {
        return WINDOW_ABSENT;
    }
    for (unsigned i = 0; i < v->n_keys; i++) {
        if ((uint32_t)view_word(v, v->layout->tags + view_pair(v, domain, i)) == hint) {
            return take_key(v, domain, i, fleet_ms, out);
        }
    }
    return WINDOW_ABSENT;
}

int64_t window_fleet_ms(const struct rp_keyring *keyring, int64_t boot_ms)
{
    const int64_t offset = atomic_load_explicit(&keyring->window->offset_ms, memory_order_relaxed);
    int64_t fleet_ms;

    if (__builtin_add_overflow(boot_ms, offset, &fleet_ms)) {
        return boot_ms < 0 ? INT64_MIN : INT64_MAX;
    }
    return fleet_ms;
}

bool window_domain(const struct rp_keyring *keyring, const char *name, unsigned *place)
{
    uint8_t id[DERIVE_DOMAIN_LEN];
    uint64_t words[SEGMENT_DOMAIN_WORDS];
    struct view v;
    size_t i;

    if (derive_domain_id(name, id) != RP_OK) {
        return false;
    }
    memcpy(words, id, sizeof words);
    do {
        if (!view_open(keyring, &v)) {
            return false;
        }
        i = search_names(&v, v.layout->domains, v.n_domains, words);
    } while (!view_whole(&v));
    *place = (unsigned)i;
    return i < v.n_domains;
}

bool window_rotation(const struct rp_keyring *keyring, int64_t *rotate_ms, int64_t *accept_ms)
{
    bool is_static;
    struct view v;

    do {
        if (!view_open(keyring, &v)) {
            return false;
        }
        *rotate_ms = (int64_t)view_word(&v, SEGMENT_ROTATE);
        *accept_ms = (int64_t)view_word(&v, SEGMENT_ACCEPT);
        is_static = view_word(&v, SEGMENT_IS_STATIC) != 0;
    } while (!view_whole(&v));
    return !is_static;
}

bool window_sealing(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                    struct window_key *out)
{
    struct view v;

    while (view_open(keyring, &v)) {
        const uint64_t key = view_word(&v, SEGMENT_SEALING);
        const bool found = domain < v.n_domains && key < v.n_keys &&
                           take_key(&v, domain, (unsigned)key, fleet_ms, out) == WINDOW_FOUND;

        if (view_whole(&v)) {
            return found;
        }
        window_key_wipe(out);
    }
    return false;
}

enum window_hit window_by_name(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                               const uint8_t name[static 16], struct window_key *out)
{
    uint64_t words[SEGMENT_NAME_WORDS];
    struct view v;

    memcpy(words, name, sizeof words);
    while (view_open(keyring, &v)) {
        const enum window_hit hit = find_name(&v, domain, fleet_ms, words, out);

        if (view_whole(&v)) {
            return hit;
        }
        window_key_wipe(out);
    }
    return WINDOW_ABSENT;
}

enum window_hit window_by_hint(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                               const uint8_t hint[static 4], struct window_key *out)
{
    uint32_t value;
    struct view v;

    memcpy(&value, hint, sizeof value);
    while (view_open(keyring, &v)) {
        const enum window_hit hit = find_hint(&v, domain, fleet_ms, value, out);

        if (view_whole(&v)) {
            return hit;
        }
        window_key_wipe(out);
    }
    return WINDOW_ABSENT;
}

void window_key_wipe(struct window_key *key)
{
    memory_wipe(key, sizeof *key);
}

static void view_info(const struct view *v, struct rp_keyring_info *out)
{
    out->is_static = view_word(v, SEGMENT_IS_STATIC) != 0;
    view_copy(v, SEGMENT_RING_ID, out->ring_id, 2);
    out->epoch = view_word(v, SEGMENT_EPOCH);
    out->generation = v->generation;
    out->n_keys = v->n_keys;
    out->n_domains = v->n_domains;
}

void rp_keyring_info(const struct rp_keyring *keyring, struct rp_keyring_info *out)
{
    struct view v;

    do {
        *out = (struct rp_keyring_info){.secret_kind = keyring->window_memory.kind,
                                        .max_domains = keyring->layout.max_domains};
        if (!view_open(keyring, &v)) {
            return;
        }
        view_info(&v, out);
    } while (!view_whole(&v));
}
