#include <reprise/keyring.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commit.h"
#include "error.h"
#include "keyring_options.h"
#include "memory.h"
#include "segment.h"
#include "window.h"

#define RETRY_MS 1000

/* The only writing before there is a keeper. */
static enum rp_status write_header(struct rp_keyring *keyring, struct rp_error *err)
{
    const struct segment_layout *const layout = &keyring->layout;
    struct segment_header *const header = secret_map(&keyring->window_memory, true, false);

    if (header == NULL) {
        error_set(err, "cannot map the window: %s", strerror(errno));
        return RP_SYSTEM;
    }
    memcpy(header->magic, SEGMENT_MAGIC, sizeof header->magic);
    header->version = SEGMENT_VERSION;
    header->header_len = sizeof *header;
    header->window_len = layout->window_len;
    header->chain_len = layout->chain_len;
    header->max_keys = layout->max_keys;
    header->max_domains = layout->max_domains;
    secret_unmap(&keyring->window_memory, header);
    return RP_OK;
}

static enum rp_status allocate(struct rp_keyring *keyring, unsigned kinds, struct rp_error *err)
{
    const struct segment_layout *const layout = &keyring->layout;
    enum rp_status status = secret_init(&keyring->window_memory, layout->window_len, kinds, err);

    /* Of one kind, for the chain is not to be kept worse than the window, nor the other way. */
    if (status == RP_OK) {
        status = secret_init(&keyring->chain_memory, layout->chain_len, keyring->window_memory.kind,
                             err);
    }
    if (status == RP_OK) {
        status = write_header(keyring, err);
    }
    if (status == RP_OK) {
        keyring->window = secret_map(&keyring->window_memory, false, true);
        if (keyring->window == NULL) {
            error_set(err, "cannot map the window: %s", strerror(errno));
            status = RP_SYSTEM;
        }
    }
    return status;
}

enum rp_status rp_keyring_new(const struct rp_keyring_options *options, struct rp_keyring **out,
                              struct rp_error *err)
{
    struct rp_keyring *keyring = memory_new(1, sizeof *keyring);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (keyring == NULL) {
        error_set(err, "out of memory");
        return status;
    }
    keyring->window_memory.fd = -1;
    keyring->chain_memory.fd = -1;
    status = keyring_options_read(keyring, options, err);
    if (status == RP_OK) {
        status = allocate(keyring,
                          options->secret_kinds != 0 ? options->secret_kinds : RP_SECRET_ANY, err);
    }
    if (status == RP_OK) {
        *out = keyring;
        keyring = NULL; /* transferred */
    }
    rp_keyring_free(&keyring);
    return status;
}

/* In a child of the keeper the addresses belong to nobody, or to another mapping by now. */
static void unmap_keeper(struct rp_keyring *keyring)
{
    if (segment_is_keeper(keyring)) {
        secret_unmap(&keyring->chain_memory, keyring->chain);
        secret_unmap(&keyring->window_memory, keyring->writable);
    }
    keyring->chain = NULL;
    keyring->writable = NULL;
    keyring->keeper = 0;
}

void rp_keyring_free(struct rp_keyring **keyring)
{
    struct rp_keyring *const k = keyring != NULL ? *keyring : NULL;

    if (k == NULL) {
        return;
    }
    if (segment_is_keeper(k)) {
        commit_clear(k);
    }
    unmap_keeper(k);
    secret_unmap(&k->window_memory, (void *)k->window);
    secret_fini(&k->window_memory);
    secret_fini(&k->chain_memory);
    memory_free(k);
    *keyring = NULL;
}

void rp_keyring_read_only(struct rp_keyring *keyring)
{
    unmap_keeper(keyring);
    secret_fini(&keyring->window_memory);
    secret_fini(&keyring->chain_memory);
}

static enum rp_status map_keeper(struct rp_keyring *keyring, struct rp_error *err)
{
    keyring->chain = secret_map(&keyring->chain_memory, true, false);
    keyring->writable =
        keyring->chain != NULL ? secret_map(&keyring->window_memory, true, false) : NULL;
    if (keyring->writable == NULL) {
        error_set(err, "cannot map the keyring's secret memory for writing: %s", strerror(errno));
        secret_unmap(&keyring->chain_memory, keyring->chain);
        keyring->chain = NULL;
        return RP_SYSTEM;
    }
    keyring->keeper = getpid();
    return RP_OK;
}

/* The draft copies the domains, so that they survive a ring that was lost. */
static enum rp_status begin(struct rp_keyring *keyring, int64_t fleet_ms)
{
    const enum rp_status status =
        rings_begin(segment_rings_writable(commit_draft(keyring)), RINGS_RANK_ALONE, fleet_ms,
                    keyring->rotate_ms, keyring->accept_ms);

    if (status != RP_OK) {
        commit_draft_wipe(keyring);
        return status;
    }
    return commit_draft_end(keyring);
}

enum rp_status rp_keyring_keep(struct rp_keyring *keyring, int64_t boot_ms, bool *resumed,
                               struct rp_error *err)
{
    enum rp_status status = RP_OK;
    bool found = true;

    if (!segment_is_keeper(keyring)) {
        if (keyring->chain_memory.fd < 0) {
            error_set(err, "this process has given up the keyring's chain");
            return RP_NOT_KEEPER;
        }
        status = map_keeper(keyring, err);
        if (status != RP_OK) {
            return status;
        }
        found = commit_resume(keyring);
        if (!found) {
            status = begin(keyring, window_fleet_ms(keyring, boot_ms));
        }
    }
    if (status != RP_OK) {
        error_set(err, "cannot begin a ring: %s", rp_status_text(status));
        unmap_keeper(keyring);
    } else if (resumed != NULL) {
        *resumed = found;
    }
    return status;
}

static enum rp_status step(struct rp_keyring *keyring, int64_t fleet_ms)
{
    enum rp_status status;

    if (rings_lost(segment_rings(commit_state(keyring)), fleet_ms)) {
        return begin(keyring, fleet_ms);
    }
    status = rings_advance(segment_rings_writable(commit_draft(keyring)), fleet_ms);
    if (status != RP_OK) {
        commit_draft_wipe(keyring);
        return status;
    }
    return commit_draft_end(keyring);
}

enum rp_status rp_keyring_advance(struct rp_keyring *keyring, int64_t boot_ms, int64_t *next_ms)
{
    const int64_t fleet_ms = window_fleet_ms(keyring, boot_ms);
    const int64_t offset_ms = window_fleet_ms(keyring, 0);
    enum rp_status status = RP_OK;
    int64_t next;

    *next_ms = INT64_MAX;
    if (!segment_is_keeper(keyring)) {
        return RP_NOT_KEEPER;
    }
    if (commit_state(keyring)->is_static != 0) {
        return RP_OK;
    }
    if (fleet_ms >= rings_next_ms(segment_rings(commit_state(keyring)))) {
        status = step(keyring, fleet_ms);
    }
    if (status != RP_OK) {
        *next_ms = boot_ms < INT64_MAX - RETRY_MS ? boot_ms + RETRY_MS : INT64_MAX;
        return status;
    }
    next = rings_next_ms(segment_rings(commit_state(keyring)));
    if (next == INT64_MAX || __builtin_sub_overflow(next, offset_ms, next_ms)) {
        *next_ms = INT64_MAX;
    }
    return RP_OK;
}

static bool has_domain(const struct segment_layout *layout, const struct chain_slot *slot,
                       const uint8_t id[static DERIVE_DOMAIN_LEN])
{
    for (unsigned i = 0; i < slot->n_domains; i++) {
        if (memcmp(segment_domain(layout, slot, i), id, DERIVE_DOMAIN_LEN) == 0) {
            return true;
        }
    }
    return false;
}

static enum rp_status draft_domain(const struct rp_keyring *keyring, struct chain_slot *draft,
                                   const char *name)
{
    const struct segment_layout *const layout = &keyring->layout;
    uint8_t id[DERIVE_DOMAIN_LEN];
    const enum rp_status status = derive_domain_id(name, id);

    if (status != RP_OK || has_domain(layout, draft, id)) {
        return status;
    }
    if (draft->n_domains == layout->max_domains) {
        return RP_FULL;
    }
    memcpy((uint8_t *)draft + layout->chain_domains + (size_t)draft->n_domains * sizeof id, id,
           sizeof id);
    draft->n_domains++;
    return RP_OK;
}

enum rp_status rp_keyring_domains_add(struct rp_keyring *keyring, const char *const *names,
                                      size_t n)
{
    enum rp_status status = RP_OK;
    struct chain_slot *draft;

    if (!segment_is_keeper(keyring)) {
        return RP_NOT_KEEPER;
    }
    draft = commit_draft(keyring);
    for (size_t i = 0; status == RP_OK && i < n; i++) {
        status = draft_domain(keyring, draft, names[i]);
    }
    if (status != RP_OK || draft->n_domains == commit_state(keyring)->n_domains) {
        commit_draft_wipe(keyring);
        return status;
    }
    return commit_draft_end(keyring);
}

enum rp_status rp_keyring_domain_add(struct rp_keyring *keyring, const char *name)
{
    return rp_keyring_domains_add(keyring, &name, 1);
}
