#include "keyring_static.h"

#include <string.h>

#include "commit.h"
#include "error.h"
#include "memory.h"
#include "segment.h"
#include "static_keys.h"
#include "text.h"

static enum rp_status check_number(size_t n, struct rp_error *err)
{
    if (n == 0 || n > STATIC_KEYS_MAX) {
        error_set(err, "%zu session ticket keys: 1 to %d are possible", n, STATIC_KEYS_MAX);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status check_keys(const struct stek *keys, size_t n, struct rp_error *err)
{
    enum rp_status status = check_number(n, err);

    for (size_t i = 0; i < n && status == RP_OK; i++) {
        char name[32];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "session ticket key %zu", i + 1);
        status = static_keys_check(name, &keys[i], err);
        for (size_t j = 0; j < i && status == RP_OK; j++) {
            if (memcmp(keys[i].name, keys[j].name, sizeof keys[i].name) == 0) {
                error_set(err, "%s has the name of key %zu: name each key once", name, j + 1);
                status = RP_INVALID;
            }
        }
    }
    return status;
}

/* The rings, if there were any, end here. */
static void fill(const struct segment_layout *layout, struct chain_slot *draft,
                 const struct stek *keys, size_t n)
{
    const uint32_t n_domains = draft->n_domains;

    memory_wipe(draft, layout->chain_domains);
    draft->is_static = 1;
    draft->n_domains = n_domains;
    draft->n_steks = (uint32_t)n;
    memcpy(draft->steks, keys, n * sizeof keys[0]);
}

enum rp_status keyring_set_static(struct rp_keyring *keyring, const struct stek *keys, size_t n,
                                  struct rp_error *err)
{
    enum rp_status status;

    if (!segment_is_keeper(keyring)) {
        error_set(err, "%s", rp_status_text(RP_NOT_KEEPER));
        return RP_NOT_KEEPER;
    }
    status = check_keys(keys, n, err);
    if (status != RP_OK) {
        return status;
    }
    fill(&keyring->layout, commit_draft(keyring), keys, n);
    status = commit_draft_end(keyring);
    if (status != RP_OK) {
        error_set(err, "cannot take the session ticket keys: %s", rp_status_text(status));
    }
    return status;
}

enum rp_status rp_keyring_load_files(struct rp_keyring *keyring, const char *const *paths, size_t n,
                                     struct rp_error *err)
{
    struct stek keys[STATIC_KEYS_MAX];
    enum rp_status status = check_number(n, err);

    if (status != RP_OK) {
        return status;
    }
    status = static_keys_read(paths, n, keys, err);
    if (status == RP_OK) {
        status = keyring_set_static(keyring, keys, n, err);
    }
    memory_wipe(keys, sizeof keys);
    return status;
}
