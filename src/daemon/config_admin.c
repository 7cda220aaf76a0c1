/* The directives of log and admin. */
#include <stddef.h>
#include <string.h>

#include "address.h"
#include "config_directives.h"
#include "system_log.h"

#define ADMIN_TAKES                                                                                \
    "a numeric address and a port, such as 127.0.0.1:9443, or unix:/path; or a list of at most 8"

/* log. */

static enum rp_status log_end(struct config_walk *walk, void *target,
                              const struct config_place *places);

enum {
    LOG_FORMAT,
    LOG_CONNECTIONS,
    LOG_TO,
};

static const struct config_row log_rows[] = {
    [LOG_FORMAT] = {.name = "format",
                    .type = CONFIG_FORMAT,
                    .takes = "text or json",
                    CONFIG_AT(config, log_format)},
    [LOG_CONNECTIONS] = {.name = "connections",
                         .type = CONFIG_SWITCH,
                         .takes = "on or off",
                         CONFIG_AT(config, log_connections)},
    [LOG_TO] = {.name = "to",
                .type = CONFIG_TEXT,
                .takes = "stderr, syslog, or unix:/path of the system's log",
                CONFIG_AT(config, log_to),
                .least = 1,
                .most = CONFIG_SOCKET_PATH_MAX},
};

const struct config_table config_log_table = {
    .where = "in log", .rows = log_rows, .n_rows = CONFIG_COUNT(log_rows), .end = log_end};

static enum rp_status log_end(struct config_walk *walk, void *target,
                              const struct config_place *places)
{
    const struct config *config = target;
    struct address path;

    if (config->log_to == NULL || strcmp(config->log_to, "stderr") == 0 ||
        strcmp(config->log_to, "syslog") == 0 ||
        (strchr(config->log_to, '/') != NULL && address_parse_backend(config->log_to, &path))) {
        return RP_OK;
    }
    return config_refuse(walk, places[LOG_TO], "to takes %s, not \"%.72s\"", log_rows[LOG_TO].takes,
                         config->log_to);
}

/* admin. */

static void admin_begin(void *target, struct config_place place);
static enum rp_status admin_end(struct config_walk *walk, void *target,
                                const struct config_place *places);

enum {
    ADMIN_LISTEN,
};

static const struct config_row admin_rows[] = {
    [ADMIN_LISTEN] = {.name = "listen",
                      .type = CONFIG_TEXTS,
                      .takes = ADMIN_TAKES,
                      CONFIG_AT(config, admin),
                      .most = CONFIG_ADMIN_MAX},
};

const struct config_table config_admin_table = {.where = "in admin",
                                                .rows = admin_rows,
                                                .n_rows = CONFIG_COUNT(admin_rows),
                                                .begin = admin_begin,
                                                .end = admin_end};

/* Until listen, if it is there, has its own. */
static void admin_begin(void *target, struct config_place place)
{
    struct config *config = target;

    config->admin.place = place;
}

static enum rp_status admin_end(struct config_walk *walk, void *target,
                                const struct config_place *places)
{
    const struct config *config = target;

    (void)places;
    if (config->admin.n == 0) {
        return config_refuse(walk, config->admin.place,
                             "admin takes listen, with %s; give it, or leave admin out",
                             ADMIN_TAKES);
    }
    for (size_t i = 0; i < config->admin.n; i++) {
        struct address address;

        if (!config_admin_address(config->admin.items[i], &address)) {
            return config_refuse(walk, config->admin.place, "listen takes %s, not \"%.72s\"",
                                 ADMIN_TAKES, config->admin.items[i]);
        }
    }
    return RP_OK;
}

bool config_admin_address(const char *s, struct address *out)
{
    return strchr(s, '/') != NULL ? address_parse_backend(s, out) : address_parse(s, out);
}

static bool overlap(const char *a_text, const char *b_text)
{
    struct address a;
    struct address b;

    if (!config_admin_address(a_text, &a) || !config_admin_address(b_text, &b)) {
        return false;
    }
    if (a.storage.ss_family == AF_UNIX || b.storage.ss_family == AF_UNIX) {
        return address_equal(&a, &b);
    }
    return address_port(&a) != 0 && (address_covers(&a, &b) || address_covers(&b, &a));
}

enum rp_status config_admin_check(const struct config_walk *walk, const struct config *config)
{
    const struct config_strings *admin = &config->admin;

    for (size_t i = 0; i < admin->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (overlap(admin->items[i], admin->items[j])) {
                return config_refuse(walk, admin->place,
                                     "admin listens at %s already, so not at %s", admin->items[j],
                                     admin->items[i]);
            }
        }
        for (size_t j = 0; j < config->n_listen; j++) {
            if (overlap(admin->items[i], config->listen[j].address)) {
                return config_refuse(walk, admin->place,
                                     "%s overlaps with the listener %s in line %u; give admin an "
                                     "address of its own",
                                     admin->items[i], config->listen[j].address,
                                     config->listen[j].place.line);
            }
        }
    }
    return RP_OK;
}

const char *config_system_log(const struct config *config)
{
    static const char prefix[] = "unix:";

    if (config->log_to == NULL || strcmp(config->log_to, "stderr") == 0) {
        return NULL;
    }
    return strcmp(config->log_to, "syslog") == 0 ? SYSTEM_LOG_PATH
                                                 : config->log_to + sizeof prefix - 1;
}
