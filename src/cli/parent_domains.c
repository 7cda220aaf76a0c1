#include "parent_state.h"

#include "error.h"
#include "memory.h"
#include "window.h"

/* The names that the keyring lacks, moved to the front; how many. */
static size_t keep_lacking(const struct rp_keyring *keyring, const char **names, size_t n)
{
    size_t n_lacking = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned place;

        if (!window_domain(keyring, names[i], &place)) {
            names[n_lacking++] = names[i];
        }
    }
    return n_lacking;
}

enum rp_status parent_domains_begin(struct parent *parent, struct rp_error *err)
{
    const struct config *config = parent->coming->config;
    struct parent_domains *domains = &parent->domains;
    struct rp_keyring_info info;
    enum rp_status status = config_domains(config, &domains->names, &domains->n);

    if (status != RP_OK) {
        error_set(err, "%s", rp_status_text(status));
        return status;
    }
    domains->n = keep_lacking(parent->keyring, domains->names, domains->n);
    domains->n_taken = 0;
    domains->n_sent = 0;
    rp_keyring_info(parent->keyring, &info);
    if (info.n_domains + domains->n > info.max_domains) {
        config_complain(
            config, config->n_listen != 0 ? config->listen[0].place : config->feeds_place, err,
            "the sites and feeds bring %zu new security domains, and the keyring has room for "
            "%u more beside the %u that were in use since the start; restart, or send SIGUSR2, to "
            "make room",
            domains->n, info.max_domains - info.n_domains, info.n_domains);
        parent_domains_end(parent);
        return RP_FULL;
    }
    return RP_OK;
}

bool parent_domains_done(const struct parent *parent)
{
    return parent->domains.n_taken == parent->domains.n;
}

void parent_domains_send(struct parent *parent)
{
    struct parent_domains *domains = &parent->domains;
    struct child *keeper = parent->keeper;
    uint8_t body[CHANNEL_BODY_MAX];
    size_t n;

    if (!keeper->ready || keeper->channel == NULL) {
        domains->n_sent = 0;
        return; /* its successor gets them */
    }
    n = message_domains_encode(domains->names + domains->n_taken, domains->n - domains->n_taken,
                               &domains->n_sent, body);
    if (!channel_send(keeper->channel, CHANNEL_DOMAINS, body, n)) {
        domains->n_sent = 0;
        child_kill(keeper);
    }
}

void parent_domains_end(struct parent *parent)
{
    memory_free(parent->domains.names);
    parent->domains = (struct parent_domains){0};
}
