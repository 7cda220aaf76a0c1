#include "key_report.h"

#include <string.h>

#include "commit.h"
#include "memory.h"
#include "window.h"

_Static_assert(METRICS_KEYS_MAX >= SEGMENT_KEYS_MAX && METRICS_KEYS_MAX >= STATIC_KEYS_MAX,
               "all keys of a window can be shown");

/* In the first domain. Zeroes where there is none, or where it cannot be derived now. */
static void name_of(const struct segment_layout *layout, const struct chain_slot *state,
                    const struct ring_root *root, uint8_t name[static METRICS_NAME_LEN])
{
    struct domain_keys keys;

    memset(name, 0, METRICS_NAME_LEN);
    if (state->n_domains != 0 &&
        derive_domain_keys(root->root, segment_domain(layout, state, 0), &keys) == RP_OK) {
        memcpy(name, keys.stek.name, METRICS_NAME_LEN);
        memory_wipe(&keys, sizeof keys);
    }
}

static enum metrics_key_role role_of(const struct rings *rings, const struct ring_root *root)
{
    const struct ring *const ring = &rings->ring[root->ring];

    if (root->ring == rings->sealing && root->epoch == ring->epoch) {
        return METRICS_KEY_SEALS;
    }
    return root->epoch > ring->epoch ? METRICS_KEY_NEXT : METRICS_KEY_OPENS;
}

/* Since when a static key is here: the report before knows. */
static int64_t known_since(const struct key_report *before, const uint8_t *name, int64_t now_ms)
{
    for (size_t i = 0; i < before->n_keys; i++) {
        if (memcmp(before->keys[i].name, name, METRICS_NAME_LEN) == 0) {
            return before->keys[i].since_ms;
        }
    }
    return now_ms;
}

static void describe_static(const struct key_report *before, const struct stek *stek, size_t i,
                            int64_t boot_ms, struct metrics_key *out)
{
    out->epoch = i;
    out->role = i == 0 ? METRICS_KEY_SEALS : METRICS_KEY_OPENS;
    memcpy(out->name, stek->name, METRICS_NAME_LEN);
    out->since_ms = known_since(before, out->name, boot_ms);
}

/* offset_ms: what fleet time is ahead of the boot-time clock. */
static void describe(const struct rp_keyring *keyring, size_t i, int64_t offset_ms,
                     struct metrics_key *out)
{
    const struct chain_slot *const state = commit_state(keyring);
    const struct rings *const rings = segment_rings(state);
    const struct ring_root *const root = &rings->roots[i];

    out->epoch = root->epoch;
    out->role = role_of(rings, root);
    name_of(&keyring->layout, state, root, out->name);
    out->since_ms =
        rings->ring[root->ring].genesis_ms + (int64_t)root->epoch * rings->rotate_ms - offset_ms;
}

static int64_t sealing_since(const struct key_report *report)
{
    for (size_t i = 0; i < report->n_keys; i++) {
        if (report->keys[i].role == METRICS_KEY_SEALS) {
            return report->keys[i].since_ms;
        }
    }
    return 0;
}

void key_report(struct key_report *report, const struct rp_keyring *keyring,
                struct metrics *metrics, int64_t boot_ms)
{
    const struct chain_slot *state = commit_state(keyring);
    const struct rings *rings = segment_rings(state);
    metrics_cell *cells = metrics_keeper(metrics);
    const int64_t offset_ms = window_fleet_ms(keyring, boot_ms) - boot_ms;
    struct key_report next = {.generation = keyring->generation, .n_keys = segment_n_keys(state)};

    if (report->generation == next.generation) {
        return;
    }
    for (size_t i = 0; i < next.n_keys; i++) {
        if (state->is_static != 0) {
            describe_static(report, &state->steks[i], i, boot_ms, &next.keys[i]);
        } else {
            describe(keyring, i, offset_ms, &next.keys[i]);
        }
    }
    *report = next;
    metrics_keys_write(metrics, report->keys, report->n_keys);
    metrics_set(&cells[METRICS_EPOCH], rings->ring[rings->sealing].epoch);
    metrics_set(&cells[METRICS_EPOCH_SINCE_MS], (uint64_t)sealing_since(&next));
    metrics_set(&cells[METRICS_IS_STATIC], state->is_static != 0);
    metrics_set(&cells[METRICS_DOMAINS], state->n_domains);
}
