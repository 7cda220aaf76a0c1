#include "resources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "fleet_secret_file.h"
#include "keeper.h"
#include "keyring_descriptors.h"
#include "keyring_rings.h"
#include "memory.h"
#include "privileges.h"
#include "resources_feeds.h"
#include "sites.h"
#include "store.h"
#include "text.h"

#define DOMAINS_LEAST 64 /* that a keyring has room for */
#define DOMAINS_MAX 4096
#define FOLDER_SCHEME "dir:"
#define FOLDER_MODE 0700 /* of a store */
#define PARENTS_MODE 0755

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

/*
 * Whether the keeper can map what it needs: the window twice, the chain once. Root may lock what it
 * likes.
 */
static bool can_be_mapped(const struct rp_keyring *keyring)
{
    int fds[KEYRING_DESCRIPTORS];
    struct rlimit limit;
    struct stat window;
    struct stat chain;

    keyring_descriptors(keyring, fds);
    return geteuid() == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
           fstat(fds[0], &window) != 0 || fstat(fds[1], &chain) != 0 ||
           (rlim_t)(2 * window.st_size + chain.st_size) <= limit.rlim_max;
}

unsigned resources_spare_keys(const struct config *config)
{
    return config->fleet.store != NULL ? keyring_rings_spare(config->rotate_ms, config->accept_ms)
                                       : 0;
}

static enum rp_status new_keyring(const struct config *config, unsigned n_domains, unsigned kind,
                                  struct rp_keyring **out, struct rp_error *err)
{
    const unsigned roomy = n_domains * 2 > DOMAINS_LEAST ? n_domains * 2 : DOMAINS_LEAST;
    struct rp_keyring_options options = {
        .rotate_ms = config->rotate_ms, .accept_ms = config->accept_ms, .secret_kinds = kind};

    options.spare_keys = resources_spare_keys(config);
    options.max_domains = roomy < DOMAINS_MAX ? roomy : DOMAINS_MAX;
    if (rp_keyring_new(&options, out, NULL) == RP_OK) {
        if (can_be_mapped(*out)) {
            return RP_OK;
        }
        rp_keyring_free(out);
    }
    options.max_domains = n_domains;
    return rp_keyring_new(&options, out, err);
}

enum rp_status resources_keyring(const struct config *config, const struct log *log,
                                 struct rp_keyring **out, struct rp_error *err)
{
    static const enum rp_secret_kind kinds[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS,
                                                RP_SECRET_LOCKED};
    char reasons[RP_ERROR_SIZE];
    struct text t = text_of(reasons, sizeof reasons);
    const char **domains;
    size_t n_domains;
    enum rp_status status = config_domains(config, &domains, &n_domains);

    *out = NULL;
    memory_free(domains);
    if (status != RP_OK) {
        error_set(err, "out of memory");
        return status;
    }
    status = RP_SYSTEM;
    /* One kind at a time, because only the reasons of those that were not to be had are told. */
    for (size_t i = 0; status != RP_OK && i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rp_error why;

        error_clear(&why);
        status = new_keyring(config, (unsigned)n_domains, kinds[i], out, &why);
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

uint64_t resources_cache_bytes(const struct config *config)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < config->n_listen; i++) {
        bytes += config->listen[i].session_cache;
    }
    return bytes;
}

enum rp_status resources_cache(const struct config *config, struct rp_cache **out,
                               struct rp_error *err)
{
    const struct config_listen *largest = config->listen;
    const uint64_t bytes = resources_cache_bytes(config);
    struct rp_error why = {""};
    enum rp_status status;

    *out = NULL;
    if (bytes == 0) {
        return RP_OK;
    }
    for (size_t i = 0; i < config->n_listen; i++) {
        if (config->listen[i].session_cache > largest->session_cache) {
            largest = &config->listen[i];
        }
    }
    status = rp_cache_new((size_t)bytes, out, &why);
    if (status != RP_OK) {
        config_complain(config, largest->places.session_cache, err, "session_cache: %s", why.text);
    }
    return status;
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

enum rp_status resources_check_keys(const struct config *config, struct rp_error *err)
{
    struct stek keys[STATIC_KEYS_MAX];
    enum rp_status status;

    if (config->session_ticket_key.n == 0) {
        return RP_OK;
    }
    status = resources_read_keys(config, keys, err);
    memory_wipe(keys, sizeof keys);
    return status;
}

enum rp_status resources_fleet(const struct config *config, struct fleet_secrets *out,
                               struct rp_error *err)
{
    struct rp_error why = {""};
    enum rp_status status;

    fleet_secrets_fini(out);
    if (config->fleet.store == NULL) {
        return RP_OK;
    }
    if (!store_check_url(config->fleet.store, &why)) {
        config_complain(config, config->fleet.store_place, err, "store: %.450s", why.text);
        return RP_INVALID;
    }
    status = fleet_secret_file_read(config->fleet.secret, out, &why);
    if (status != RP_OK) {
        config_complain(config, config->fleet.secret_place, err, "secret: %.450s", why.text);
    }
    return status;
}

/* Those above it, as far as they are missing, are everybody's to enter. */
static bool make_folder(char *path, mode_t mode)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, PARENTS_MODE) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return mkdir(path, mode) == 0;
}

static bool give_folder(const char *path, const struct privileges_account *owner)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const bool given = fd >= 0 && fchown(fd, owner->uid, owner->gid) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return given;
}

void resources_store_folder(const struct config *config, const struct privileges_account *owner,
                            const struct log *log)
{
    char path[PATH_MAX];
    struct text t = text_of(path, sizeof path);

    if (config->fleet.store == NULL ||
        strncmp(config->fleet.store, FOLDER_SCHEME, sizeof FOLDER_SCHEME - 1) != 0) {
        return;
    }
    text_add(&t, config->fleet.store + sizeof FOLDER_SCHEME - 1);
    if (make_folder(path, FOLDER_MODE) ? owner != NULL && !give_folder(path, owner)
                                       : errno != EEXIST) {
        LOG_LINE(log, LOG_LEVEL_WARNING, "the folder of the store cannot be made",
                 LOG_S("folder", path), LOG_S("reason", strerror(errno)));
    }
}

enum rp_status resources_check(const struct config *config, struct rp_error *err)
{
    struct rp_keyring *keyring = NULL;
    struct rp_cache *cache = NULL;
    struct sites *sites = NULL;
    struct fleet_secrets secrets = {0};
    struct privileges privileges;
    enum rp_status status = privileges_plan(config, &privileges, err);

    if (status == RP_OK) {
        status = resources_check_keys(config, err);
    }
    if (status == RP_OK) {
        status = resources_fleet(config, &secrets, err);
        fleet_secrets_fini(&secrets);
    }
    if (status == RP_OK) {
        status = resources_feeds(config, &privileges, false, err);
    }
    if (status == RP_OK) {
        status = resources_keyring(config, NULL, &keyring, err);
    }
    if (status == RP_OK) {
        const struct keeper_start start = {.config = config, .keyring = keyring};

        status = keeper_begin(&start, err);
    }
    if (status == RP_OK) {
        status = resources_cache(config, &cache, err);
    }
    if (status == RP_OK) {
        status = sites_new(config, keyring, cache, &sites, err);
    }
    for (size_t i = 0; status == RP_OK && i < sites_n_warnings(sites); i++) {
        (void)fprintf(stderr, "warning: %s\n", sites_warning(sites, i));
    }
    sites_free(&sites);
    rp_cache_free(&cache);
    rp_keyring_free(&keyring);
    return status;
}
