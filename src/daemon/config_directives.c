/* The directives that stand outside of a listener. */
#include "config_directives.h"

#include <sched.h>
#include <stddef.h>

#include "address.h"
#include "memory.h"

#define DOMAINS_MAX 4096

/* The whole. */

static enum rp_status root_end(struct config_walk *walk, void *target,
                               const struct config_place *places);

enum {
    ROOT_WORKERS,
    ROOT_USER,
    ROOT_WORKER_SHUTDOWN_TIMEOUT,
    ROOT_SHUTDOWN_TIMEOUT,
    ROOT_SANDBOX,
    ROOT_FLEET,
    ROOT_SESSION_TICKET_KEY,
    ROOT_LISTEN,
    ROOT_MAX_CONNECTIONS,
    ROOT_MAX_CONNECTIONS_PER_ADDRESS,
    ROOT_LOG,
    ROOT_FEEDS,
    ROOT_ADMIN,
};

static const struct config_row root_rows[] = {
    [ROOT_WORKERS] = {.name = "workers",
                      .type = CONFIG_NUMBER,
                      .takes = "a whole number from 1 to 256",
                      CONFIG_AT(config, workers),
                      .least = 1,
                      .most = CONFIG_WORKERS_MAX},
    [ROOT_USER] = {.name = "user",
                   .type = CONFIG_TEXT,
                   .takes = "the name of a user, of at most 24 characters",
                   CONFIG_AT(config, user),
                   .least = 1,
                   .most = 24},
    [ROOT_SANDBOX] = {.name = "sandbox",
                      .type = CONFIG_SWITCH,
                      .takes = "on or off",
                      CONFIG_AT(config, sandbox)},
    [ROOT_WORKER_SHUTDOWN_TIMEOUT] = {.name = "worker_shutdown_timeout",
                                      .type = CONFIG_DURATION,
                                      .takes = "a duration from 1s to 365d, such as 10m",
                                      CONFIG_AT(config, worker_shutdown_timeout_ms),
                                      .least = CONFIG_SECOND_MS,
                                      .most = CONFIG_YEAR_MS},
    [ROOT_SHUTDOWN_TIMEOUT] = {.name = "shutdown_timeout",
                               .type = CONFIG_DURATION,
                               .takes = "a duration from 1s to 365d, such as 10s",
                               CONFIG_AT(config, shutdown_timeout_ms),
                               .least = CONFIG_SECOND_MS,
                               .most = CONFIG_YEAR_MS},
    [ROOT_FLEET] = {.name = "fleet",
                    .type = CONFIG_MAP,
                    .takes = "a map with rotate, accept, store and others",
                    .within = &config_fleet_table},
    [ROOT_SESSION_TICKET_KEY] = {.name = "session_ticket_key",
                                 .type = CONFIG_FILES,
                                 .takes = "the name of a key file, or a list of at most 16",
                                 CONFIG_AT(config, session_ticket_key),
                                 .most = 16},
    [ROOT_LISTEN] = {.name = "listen",
                     .type = CONFIG_MAPS,
                     .takes = "a list of 1 to 64 maps, each with address and sites",
                     CONFIG_AT(config, listen),
                     .most = CONFIG_LISTEN_MAX,
                     .within = &config_listen_table,
                     .n_offset = offsetof(struct config, n_listen)},
    [ROOT_MAX_CONNECTIONS] = {.name = "max_connections",
                              .type = CONFIG_NUMBER,
                              .takes = "a whole number from 1 to 10000000",
                              CONFIG_AT(config, max_connections),
                              .least = 1,
                              .most = CONFIG_CONNECTIONS_MAX},
    [ROOT_MAX_CONNECTIONS_PER_ADDRESS] = {.name = "max_connections_per_address",
                                          .type = CONFIG_NUMBER,
                                          .takes = "a whole number from 1 to 65535",
                                          CONFIG_AT(config, max_connections_per_address),
                                          .least = 1,
                                          .most = 65535},
    [ROOT_LOG] = {.name = "log",
                  .type = CONFIG_MAP,
                  .takes = "a map with format, connections and to",
                  .within = &config_log_table},
    [ROOT_FEEDS] = {.name = "feeds",
                    .type = CONFIG_MAPS,
                    .takes =
                        "a list of 1 to 16 maps, each with the word of a server, such as nginx",
                    CONFIG_AT(config, feeds),
                    .most = CONFIG_FEEDS_MAX,
                    .within = &config_feed_table,
                    .n_offset = offsetof(struct config, n_feeds)},
    [ROOT_ADMIN] = {.name = "admin",
                    .type = CONFIG_MAP,
                    .takes = "a map with listen",
                    .within = &config_admin_table},
};

static const struct config_table root_table = {.where = "at the top level",
                                               .rows = root_rows,
                                               .n_rows = CONFIG_COUNT(root_rows),
                                               .size = sizeof(struct config),
                                               .end = root_end};

const struct config_table *config_directives(void)
{
    return &root_table;
}

/* Defaults. */

void config_defaults(struct config *config)
{
    cpu_set_t cores;
    int n;

    CPU_ZERO(&cores);
    n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    config->workers = n < CONFIG_WORKERS_MAX ? (unsigned)n : CONFIG_WORKERS_MAX;
    config->rotate_ms = 3600 * CONFIG_SECOND_MS;
    config->accept_ms = CONFIG_DAY_MS;
    config->fleet.reseed_ms = CONFIG_DAY_MS;
    config->fleet.join_timeout_ms = CONFIG_SECOND_MS;
    config->worker_shutdown_timeout_ms = 600 * CONFIG_SECOND_MS;
    config->shutdown_timeout_ms = 10 * CONFIG_SECOND_MS;
    config->log_connections = true;
    config->sandbox = true;
}

/* What must hold. */

/* Port 0 is another port each time. */
static enum rp_status check_address(const struct config_walk *walk,
                                    const struct config_listen *listen,
                                    const struct config_listen *before)
{
    struct address a;
    struct address b;

    if (!address_parse(listen->address, &a) || !address_parse(before->address, &b) ||
        address_port(&a) == 0) {
        return RP_OK;
    }
    if (address_equal(&a, &b)) {
        return config_refuse(walk, listen->place,
                             "the listener %s stands in line %u already; give its sites there",
                             listen->address, before->place.line);
    }
    if (address_covers(&a, &b) || address_covers(&b, &a)) {
        return config_refuse(walk, listen->place,
                             "the listener %s overlaps with %s in line %u: 0.0.0.0 takes all of "
                             "IPv4, [::] takes everything",
                             listen->address, before->address, before->place.line);
    }
    return RP_OK;
}

static enum rp_status check_addresses(const struct config_walk *walk, const struct config *config)
{
    enum rp_status status = RP_OK;

    for (size_t i = 1; i < config->n_listen; i++) {
        for (size_t j = 0; status == RP_OK && j < i; j++) {
            status = check_address(walk, &config->listen[i], &config->listen[j]);
        }
    }
    return status;
}

static enum rp_status check_domains(const struct config_walk *walk, const struct config *config,
                                    struct config_place place)
{
    const char **domains;
    size_t n;
    const enum rp_status status = config_domains(config, &domains, &n);

    memory_free(domains);
    if (status == RP_OK && n > DOMAINS_MAX) {
        return config_refuse(walk, place,
                             "the sites make up %zu security domains, and 4096 is the most; let "
                             "sites share one by domain",
                             n);
    }
    return status;
}

static enum rp_status root_end(struct config_walk *walk, void *target,
                               const struct config_place *places)
{
    struct config *config = target;
    const struct config_place ratchet = walk->rotate.line != 0 ? walk->rotate : walk->accept;
    enum rp_status status;

    config->user_place = places[ROOT_USER];
    config->max_connections_place = places[ROOT_MAX_CONNECTIONS];
    config->feeds_place = places[ROOT_FEEDS];
    if (config->session_ticket_key.n != 0 && ratchet.line != 0) {
        return config_refuse(walk, ratchet,
                             "%s has no meaning beside session_ticket_key, whose files rotate when "
                             "they are replaced; remove one of the two",
                             walk->rotate.line != 0 ? "rotate" : "accept");
    }
    if (config->session_ticket_key.n != 0 && config->fleet.store != NULL) {
        return config_refuse(walk, config->fleet.store_place,
                             "store has no meaning beside session_ticket_key, whose files are the "
                             "same on all hosts already; remove one of the two");
    }
    if (config->n_listen == 0 && config->n_feeds == 0) {
        return config_refuse(walk, (struct config_place){1, 1},
                             "listen is missing; give at least one address with its sites, "
                             "or feeds");
    }
    if (config->n_listen == 0) {
        config->workers = 0;
    }
    status = check_addresses(walk, config);
    if (status == RP_OK) {
        status = config_admin_check(walk, config);
    }
    if (status == RP_OK) {
        status = config_feeds_check(walk, config);
    }
    return status == RP_OK ? check_domains(walk, config, places[ROOT_LISTEN]) : status;
}
