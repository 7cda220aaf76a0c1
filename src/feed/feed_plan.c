#include "feed_plan.h"

#include <string.h>

#include "derive.h"
#include "memory.h"
#include "order.h"

/* A window's keys, looked at for a plan. */
struct view {
    const struct feed_needs *needs;
    const struct window_keys *listed;
    int64_t offset_ms;
    size_t n_own;     /* keys of the ring that seals: they come first, newest first */
    size_t sealing;   /* its place among them */
    int64_t oldest_s; /* when the oldest of them begins, unix time */
};

/* Whole seconds, the earlier. */
static int64_t seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}

/* False: no instant that can be told. */
static bool begin_of(const struct view *v, const struct window_listed *key, int64_t *ms)
{
    return key->epoch <= INT64_MAX &&
           !__builtin_mul_overflow((int64_t)key->epoch, v->listed->rotate_ms, ms) &&
           !__builtin_add_overflow(*ms, key->base_ms, ms);
}

/* Two rings may have one genesis; within a ring epochs go down. */
static size_t count_own(const struct window_keys *listed)
{
    size_t n = listed->n != 0 ? 1 : 0;

    while (n < listed->n && listed->keys[n].base_ms == listed->keys[0].base_ms &&
           listed->keys[n].epoch < listed->keys[n - 1].epoch) {
        n++;
    }
    return n;
}

static enum rp_status view_open(struct view *v)
{
    int64_t oldest_ms;

    v->n_own = count_own(v->listed);
    while (v->sealing < v->n_own && !v->listed->keys[v->sealing].seals) {
        v->sealing++;
    }
    if (v->sealing == v->n_own) {
        return RP_NOT_FOUND;
    }
    if (v->listed->rotate_ms <= 0 || v->listed->accept_ms < 0 ||
        !begin_of(v, &v->listed->keys[v->n_own - 1], &oldest_ms) ||
        __builtin_add_overflow(oldest_ms, v->offset_ms, &oldest_ms)) {
        return RP_INVALID;
    }
    v->oldest_s = seconds(oldest_ms);
    return RP_OK;
}

/* Of the ring that seals; NULL: not in the window. */
static const struct window_listed *own_epoch(const struct view *v, uint64_t epoch)
{
    for (size_t i = 0; i < v->n_own; i++) {
        if (v->listed->keys[i].epoch == epoch) {
            return &v->listed->keys[i];
        }
    }
    return NULL;
}

static bool has_name(const struct feed_keys *out, const struct stek *stek)
{
    for (size_t i = 0; i < out->n; i++) {
        if (memcmp(out->keys[i].stek.name, stek->name, sizeof stek->name) == 0) {
            return true;
        }
    }
    return false;
}

static enum rp_status make_stek(const struct view *v, const struct window_listed *from,
                                struct stek *out)
{
    enum rp_status status = RP_OK;

    if (v->needs->short_keys) {
        status = derive_short_stek(&from->stek, out);
    } else {
        *out = from->stek;
    }
    if (v->needs->numbered_name) {
        out->name[0] = (uint8_t)from->epoch;
    }
    return status;
}

/*
 * A server that goes by dates must not find another ring's key the newest; only as the next one it
 * has a begin of its own.
 */
static bool date(const struct view *v, const struct window_listed *from, struct format_key *key)
{
    const bool own = from >= v->listed->keys && from < v->listed->keys + v->n_own;
    int64_t begin_ms;
    int64_t end_ms;

    if (!begin_of(v, from, &begin_ms) ||
        __builtin_add_overflow(begin_ms, v->offset_ms, &begin_ms) ||
        __builtin_add_overflow(from->opens_until_ms, v->offset_ms, &end_ms)) {
        return false;
    }
    key->begins_s = seconds(begin_ms);
    key->ends_s = seconds(end_ms);
    if (!own && key->role == KEY_OPENS) {
        key->begins_s = order_least(key->begins_s, v->oldest_s - 1);
        key->ends_s = order_most(key->ends_s, key->begins_s);
    }
    return true;
}

/* What has the name of one that is there already is left out. */
static enum rp_status add(const struct view *v, const struct window_listed *from,
                          enum key_role role, struct feed_keys *out)
{
    struct format_key *const key = &out->keys[out->n];
    enum rp_status status;

    if (out->n == FEED_KEYS_MAX) {
        return RP_OK;
    }
    *key = (struct format_key){.role = role};
    if (!date(v, from, key)) {
        return RP_INVALID;
    }
    status = make_stek(v, from, &key->stek);
    if (status == RP_OK && !has_name(out, &key->stek)) {
        out->n++;
    } else {
        memory_wipe(key, sizeof *key);
    }
    return status;
}

static bool is_planned(const struct view *v, const struct window_listed *key)
{
    const struct window_listed *const sealing = &v->listed->keys[v->sealing];

    return key == sealing || key == own_epoch(v, sealing->epoch + 1);
}

static bool opens_longer(const struct format_key *a, const struct format_key *b)
{
    return a->ends_s > b->ends_s;
}

/* Those that open, by their ends; equal ones in the order of the window, which all hosts have. */
static void sort(struct feed_keys *out, size_t first)
{
    for (size_t i = first + 1; i < out->n; i++) {
        struct format_key moved = out->keys[i];
        size_t at = i;

        while (at > first && opens_longer(&moved, &out->keys[at - 1])) {
            out->keys[at] = out->keys[at - 1];
            at--;
        }
        out->keys[at] = moved;
        memory_wipe(&moved, sizeof moved);
    }
}

static enum rp_status plan_any(const struct view *v, struct feed_keys *out)
{
    const struct window_listed *const sealing = &v->listed->keys[v->sealing];
    const struct window_listed *const next = own_epoch(v, sealing->epoch + 1);
    const size_t most = v->needs->most != 0 ? v->needs->most : FEED_KEYS_MAX;
    enum rp_status status = add(v, sealing, KEY_SEALS, out);
    size_t first;

    if (status == RP_OK && next != NULL) {
        status = add(v, next, KEY_NEXT, out);
    }
    first = out->n;
    for (size_t i = 0; i < v->listed->n && status == RP_OK; i++) {
        if (!is_planned(v, &v->listed->keys[i])) {
            status = add(v, &v->listed->keys[i], KEY_OPENS, out);
        }
    }
    sort(out, first);
    while (out->n > most) {
        out->n--;
        memory_wipe(&out->keys[out->n], sizeof out->keys[0]);
    }
    return status;
}

/*
 * A ring that begins when this epoch ends takes over then (a re-seed, mailbox.md): whoever is told
 * late must open by its first key. Of two that do nobody knows which wins.
 */
static const struct window_listed *coming(const struct view *v, int64_t end_ms)
{
    const int64_t slack_ms = v->listed->rotate_ms / 4;
    const struct window_listed *found = NULL;

    for (size_t i = v->n_own; i < v->listed->n; i++) {
        const struct window_listed *const key = &v->listed->keys[i];
        int64_t off_ms;

        if (key->epoch == 0 && !__builtin_sub_overflow(key->base_ms, end_ms, &off_ms) &&
            off_ms >= -slack_ms && off_ms <= slack_ms) {
            if (found != NULL) {
                return NULL;
            }
            found = key;
        }
    }
    return found;
}

/* Of other rings, the key that had begun before this epoch and opens for the longest time. */
static const struct window_listed *left_behind(const struct view *v, int64_t begin_ms)
{
    const struct window_listed *found = NULL;

    for (size_t i = v->n_own; i < v->listed->n; i++) {
        const struct window_listed *const key = &v->listed->keys[i];
        int64_t ms;

        if (begin_of(v, key, &ms) && ms < begin_ms &&
            (found == NULL || key->opens_until_ms > found->opens_until_ms)) {
            found = key;
        }
    }
    return found;
}

/* A key that nobody seals by, the same on all hosts, for a server that takes no fewer than three.
 */
static enum rp_status add_filler(struct feed_keys *out)
{
    const struct format_key *const next = &out->keys[1];
    struct format_key *const key = &out->keys[out->n];
    enum rp_status status;

    *key = (struct format_key){
        .role = KEY_OPENS, .begins_s = out->keys[0].begins_s - 1, .ends_s = out->keys[0].ends_s};
    status = derive_filler_stek(&next->stek, &key->stek);
    out->n += status == RP_OK ? 1 : 0;
    return status;
}

static enum rp_status plan_three(const struct view *v, struct feed_keys *out)
{
    const struct window_listed *const sealing = &v->listed->keys[v->sealing];
    const struct window_listed *next = own_epoch(v, sealing->epoch + 1);
    const struct window_listed *before =
        sealing->epoch != 0 ? own_epoch(v, sealing->epoch - 1) : NULL;
    enum rp_status status = RP_INVALID;
    int64_t begin_ms;
    int64_t end_ms;

    if (begin_of(v, sealing, &begin_ms) &&
        !__builtin_add_overflow(begin_ms, v->listed->rotate_ms, &end_ms)) {
        const struct window_listed *const other = coming(v, end_ms);

        next = other != NULL ? other : next;
        before = before != NULL ? before : left_behind(v, begin_ms);
        before = before != NULL ? before : own_epoch(v, sealing->epoch + 2);
        status = next != NULL ? add(v, sealing, KEY_SEALS, out) : RP_INVALID;
    }
    if (status == RP_OK) {
        status = add(v, next, KEY_NEXT, out);
    }
    if (status == RP_OK && before != NULL) {
        status = add(v, before, KEY_OPENS, out);
    }
    if (status == RP_OK && out->n == 2) {
        status = add_filler(out);
    }
    return status == RP_OK && out->n != 3 ? RP_INVALID : status;
}

/* For how many epochs the only key stays: it has not left the window when the last of them ends. */
static uint64_t epochs_of_one(int64_t rotate_ms, int64_t accept_ms)
{
    return 1 + (uint64_t)(accept_ms / rotate_ms);
}

static enum rp_status plan_one(const struct view *v, struct feed_keys *out)
{
    const uint64_t epoch = v->listed->keys[v->sealing].epoch;
    const uint64_t k = epochs_of_one(v->listed->rotate_ms, v->listed->accept_ms);
    const struct window_listed *const key = own_epoch(v, epoch - epoch % k);

    return add(v, key != NULL ? key : &v->listed->keys[v->n_own - 1], KEY_SEALS, out);
}

enum rp_status feed_plan(const struct feed_needs *needs, const struct window_keys *listed,
                         int64_t offset_ms, struct feed_keys *out)
{
    struct view v = {.needs = needs, .listed = listed, .offset_ms = offset_ms};
    enum rp_status status = view_open(&v);

    memory_wipe(out, sizeof *out);
    if (status == RP_OK) {
        switch (needs->room) {
        case FEED_ROOM_ANY:
            status = plan_any(&v, out);
            break;
        case FEED_ROOM_THREE:
            status = plan_three(&v, out);
            break;
        case FEED_ROOM_ONE:
            status = plan_one(&v, out);
            break;
        }
    }
    if (status != RP_OK) {
        feed_keys_wipe(out);
    }
    return status;
}

void feed_keys_wipe(struct feed_keys *keys)
{
    memory_wipe(keys, sizeof *keys);
}

/* Beside those that open there are the one that seals and the next. */
static int64_t accept_of_any(unsigned most, int64_t rotate_ms, int64_t accept_ms)
{
    const int64_t n_past = most > 2 ? (int64_t)most - 2 : 0;

    return most == 0 || accept_ms / rotate_ms < n_past ? accept_ms : n_past * rotate_ms;
}

int64_t feed_plan_accept_ms(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms)
{
    switch (needs->room) {
    case FEED_ROOM_ANY:
        break;
    case FEED_ROOM_THREE:
        return order_least(rotate_ms, accept_ms);
    case FEED_ROOM_ONE:
        return 0;
    }
    return accept_of_any(needs->most, rotate_ms, accept_ms);
}

int64_t feed_plan_interval_ms(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms)
{
    return needs->room == FEED_ROOM_ONE ? rotate_ms * (int64_t)epochs_of_one(rotate_ms, accept_ms)
                                        : rotate_ms;
}
