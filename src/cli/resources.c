#include "resources.h"

#include <string.h>

#include "error.h"
#include "keeper.h"
#include "memory.h"
#include "privileges.h"
#include "text.h"

static void log_secret(const struct log *log, enum rp_secret_kind kind, const char *reasons)
{
    if (log == NULL) {
        return;
    }
    if (reasons[0] == '\0') {
        LOG_LINE(log, LOG_LEVEL_INFO, "secret", LOG_S("memory", rp_secret_kind_text(kind)));
    } else {
        LOG_LINE(log, LOG_LEVEL_WARNING, "secret", LOG_S("memory", rp_secret_kind_text(kind)),
                 LOG_S("reason", reasons));
    }
}

enum rp_status resources_keyring(struct resources *resources, const struct config *config,
                                 const struct log *log, struct rp_error *err)
{
    static const enum rp_secret_kind kinds[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS,
                                                RP_SECRET_LOCKED};
    char reasons[RP_ERROR_SIZE];
    struct text t = text_of(reasons, sizeof reasons);
    struct rp_keyring_options options = {.rotate_ms = config->rotate_ms,
                                         .accept_ms = config->accept_ms};
    const char **domains;
    size_t n_domains;
    enum rp_status status = config_domains(config, &domains, &n_domains);

    memory_free(domains);
    if (status != RP_OK) {
        error_set(err, "out of memory");
        return status;
    }
    options.max_domains = (unsigned)n_domains;
    status = RP_SYSTEM;
    /* One kind at a time, because only the reasons of those that were not to be had are told. */
    for (size_t i = 0; status != RP_OK && i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rp_error why;

        options.secret_kinds = kinds[i];
        error_clear(&why);
        status = rp_keyring_new(&options, &resources->keyring, &why);
        if (status == RP_OK) {
            log_secret(log, kinds[i], reasons);
        } else {
            text_addf(&t, "%s%s", t.len != 0 ? "; " : "", why.text);
        }
    }
    if (status != RP_OK) {
        error_set(err, "no memory for secrets: %.450s", reasons);
    }
    return status;
}

enum rp_status resources_sites(struct resources *resources, const struct config *config,
                               struct rp_error *err)
{
    const struct config_listen *largest = &config->listen[0];
    uint64_t cache_bytes = 0;
    struct rp_error why = {""};
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < config->n_listen; i++) {
        cache_bytes += config->listen[i].session_cache;
        if (config->listen[i].session_cache > largest->session_cache) {
            largest = &config->listen[i];
        }
    }
    if (cache_bytes != 0) {
        status = rp_cache_new((size_t)cache_bytes, &resources->cache, &why);
        if (status != RP_OK) {
            config_complain(config, largest->places.session_cache, err, "session_cache: %s",
                            why.text);
        }
    }
    if (status == RP_OK) {
        status = sites_new(config, resources->keyring, resources->cache, &resources->sites, err);
    }
    return status;
}

void resources_fini(struct resources *resources)
{
    sites_free(&resources->sites);
    rp_cache_free(&resources->cache);
    rp_keyring_free(&resources->keyring);
}

enum rp_status resources_read_keys(const struct config *config,
                                   struct stek keys[static STATIC_KEYS_MAX], struct rp_error *err)
{
    const struct config_strings *files = &config->session_ticket_key;
    struct rp_error why = {""};
    const enum rp_status status =
        static_keys_read((const char *const *)files->items, files->n, keys, &why);

    if (status != RP_OK) {
        config_complain(config, files->place, err, "%s", why.text);
    }
    return status;
}

enum rp_status resources_check(const struct config *config, struct rp_error *err)
{
    struct resources resources = {0};
    struct privileges privileges;
    enum rp_status status = privileges_plan(config, &privileges, err);

    if (status == RP_OK && config->session_ticket_key.n != 0) {
        struct stek keys[STATIC_KEYS_MAX];

        status = resources_read_keys(config, keys, err);
        memory_wipe(keys, sizeof keys);
    }
    if (status == RP_OK) {
        status = resources_keyring(&resources, config, NULL, err);
    }
    if (status == RP_OK) {
        const struct keeper_start start = {.config = config, .keyring = resources.keyring};

        status = keeper_begin(&start, err);
    }
    if (status == RP_OK) {
        status = resources_sites(&resources, config, err);
    }
    resources_fini(&resources);
    return status;
}
