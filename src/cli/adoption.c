#include "adoption.h"

#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "resources.h"
#include "window.h"

static int give(int *fd)
{
    const int given = *fd;

    *fd = -1;
    return given;
}

static void close_given(int *fd)
{
    if (*fd >= 0) {
        (void)close(give(fd));
    }
}

/* What only the daemon knows of: where the keys come from, and which domains are there. */
static enum rp_status check_content(const struct rp_keyring *keyring, const struct config *config,
                                    const char *const *domains, size_t n, struct rp_error *err)
{
    const bool is_static = config->session_ticket_key.n != 0;
    struct rp_keyring_info info;
    size_t n_lacking = 0;

    rp_keyring_info(keyring, &info);
    if (info.generation != 0 && info.is_static != is_static) {
        error_set(err, info.is_static ? "its keys are of files, and now keys are to rotate"
                                      : "its keys rotate, and now those of files are to be used");
        return RP_INVALID;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned place;

        n_lacking += !window_domain(keyring, domains[i], &place);
    }
    if (info.n_domains + n_lacking > info.max_domains) {
        error_set(err, "it has no room for %zu more security domains beside the %u in it",
                  n_lacking, info.n_domains);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status take_keyring(struct inherited *inherited, const struct config *config,
                                   struct rp_keyring **out, struct rp_error *err)
{
    struct rp_keyring_options options = {.rotate_ms = config->rotate_ms,
                                         .accept_ms = config->accept_ms,
                                         .spare_keys = resources_spare_keys(config)};
    const char **domains = NULL;
    size_t n = 0;
    enum rp_status status = config_domains(config, &domains, &n);

    if (status != RP_OK) {
        error_set(err, "%s", rp_status_text(status));
        return status;
    }
    options.max_domains = (unsigned)n;
    if (inherited->window_fd < 0 || inherited->chain_fd < 0) {
        error_set(err, "half of it is missing");
        status = RP_INVALID;
    } else {
        status = rp_keyring_adopt(&options, give(&inherited->window_fd), give(&inherited->chain_fd),
                                  out, err);
    }
    if (status == RP_OK) {
        status = check_content(*out, config, domains, n, err);
    }
    if (status != RP_OK) {
        rp_keyring_free(out);
    }
    memory_free(domains);
    return status;
}

void adoption_keyring(struct inherited *inherited, const struct config *config,
                      const struct log *log, struct rp_keyring **out)
{
    struct rp_keyring_info info;
    struct rp_error err = {""};

    *out = NULL;
    if (inherited->window_fd < 0 && inherited->chain_fd < 0) {
        return;
    }
    if (take_keyring(inherited, config, out, &err) == RP_OK) {
        rp_keyring_info(*out, &info);
        LOG_LINE(log, LOG_LEVEL_INFO, "the keyring goes on",
                 LOG_S("memory", rp_secret_kind_text(info.secret_kind)), LOG_N("epoch", info.epoch),
                 LOG_N("keys", info.n_keys));
    } else {
        LOG_LINE(log, LOG_LEVEL_WARNING,
                 "the keyring that was handed on is of no use, and a new one begins",
                 LOG_S("reason", err.text));
    }
    close_given(&inherited->window_fd);
    close_given(&inherited->chain_fd);
}

static void take_cache(struct inherited *inherited, const struct config *config,
                       const struct log *log, struct generation *out)
{
    const uint64_t bytes = resources_cache_bytes(config);
    struct rp_error err = {""};

    if (inherited->cache_fd < 0 || bytes == 0) {
        close_given(&inherited->cache_fd);
        return;
    }
    if (rp_cache_adopt(give(&inherited->cache_fd), (size_t)bytes, &out->cache, &err) == RP_OK) {
        out->cache_bytes = bytes;
        LOG_LINE(log, LOG_LEVEL_INFO, "the session cache goes on", LOG_N("bytes", bytes));
    } else {
        LOG_LINE(log, LOG_LEVEL_WARNING,
                 "the session cache that was handed on is of no use, and a new one begins",
                 LOG_S("reason", err.text));
    }
}

static enum rp_status take_sockets(struct inherited *inherited, struct generation *out)
{
    int *fds = memory_new(inherited->n_sockets + 1, sizeof *fds);
    enum rp_status status;

    if (fds == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < inherited->n_sockets; i++) {
        fds[i] = inherited->sockets[i].fd;
    }
    status = listening_adopt(fds, inherited->n_sockets, &out->listening);
    for (size_t i = 0; status == RP_OK && i < inherited->n_sockets; i++) {
        inherited->sockets[i].fd = -1; /* transferred */
    }
    memory_free(fds);
    return status;
}

enum rp_status adoption_generation(struct inherited *inherited, const struct config *config,
                                   const struct log *log, struct generation *out)
{
    enum rp_status status = RP_OK;

    *out = (struct generation){0};
    if (inherited->n_refused != 0) {
        LOG_LINE(log, LOG_LEVEL_WARNING, "descriptors that were handed on are of no use",
                 LOG_N("descriptors", inherited->n_refused));
    }
    if (inherited->n_sockets != 0) {
        status = take_sockets(inherited, out);
    }
    if (status == RP_OK) {
        take_cache(inherited, config, log, out);
    }
    return status;
}

void adoption_end(struct generation *before, const struct generation *heir, const struct log *log)
{
    if (before->listening != NULL && heir != NULL) {
        for (size_t i = 0; i < listening_count(before->listening); i++) {
            if (!listening_goes_on(before->listening, i, heir->listening)) {
                char address[ADDRESS_TEXT_SIZE];

                address_text(listening_address(before->listening, i), address);
                LOG_LINE(log, LOG_LEVEL_INFO, "no longer listening", LOG_S("address", address));
            }
        }
    }
    if (heir == NULL || heir->cache != before->cache) {
        rp_cache_free(&before->cache);
    }
    listening_free(&before->listening, heir != NULL ? heir->listening : NULL);
}
