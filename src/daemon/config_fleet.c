/* The directives of fleet. */
#include <stddef.h>
#include <string.h>

#include "config_directives.h"

#define EPOCHS_MAX 255  /* accept / rotate */
#define RESEEDS_MAX 4   /* accept / reseed: so many rings may still open */
#define RESEED_EPOCHS 4 /* reseed / rotate, at least */
#define STORE_MAX 1024  /* of a URL */
#define JOIN_MIN_MS 100
#define JOIN_MAX_MS INT64_C(30000)

static enum rp_status fleet_end(struct config_walk *walk, void *target,
                                const struct config_place *places);

enum {
    FLEET_ROTATE,
    FLEET_ACCEPT,
    FLEET_NAME,
    FLEET_STORE,
    FLEET_SECRET,
    FLEET_RESEED,
    FLEET_HOST,
    FLEET_ADDRESS,
    FLEET_JOIN_TIMEOUT,
};

static const struct config_row fleet_rows[] = {
    [FLEET_ROTATE] = {.name = "rotate",
                      .type = CONFIG_DURATION,
                      .takes = "a duration from 1s to 365d, such as 1h",
                      CONFIG_AT(config, rotate_ms),
                      .least = CONFIG_SECOND_MS,
                      .most = CONFIG_YEAR_MS},
    [FLEET_ACCEPT] = {.name = "accept",
                      .type = CONFIG_DURATION,
                      .takes = "a duration from 1s to 365d, such as 24h",
                      CONFIG_AT(config, accept_ms),
                      .least = CONFIG_SECOND_MS,
                      .most = CONFIG_YEAR_MS},
    [FLEET_NAME] = {.name = "name",
                    .type = CONFIG_TEXT,
                    .takes = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit",
                    CONFIG_AT(config, fleet.name),
                    .least = 1,
                    .most = CONFIG_FLEET_TEXT_MAX},
    [FLEET_STORE] = {.name = "store",
                     .type = CONFIG_TEXT,
                     .takes = "a URL, such as redis://10.0.0.5:6379/0 or dir:/run/reprise/shop",
                     CONFIG_AT(config, fleet.store),
                     .least = 1,
                     .most = STORE_MAX},
    [FLEET_SECRET] = {.name = "secret",
                      .type = CONFIG_FILE,
                      .takes = "the name of a file, as \"reprise key fleet-secret\" makes it",
                      CONFIG_AT(config, fleet.secret)},
    [FLEET_RESEED] = {.name = "reseed",
                      .type = CONFIG_DURATION_OFF,
                      .takes = "a duration from 4s to 365d, such as 1d, or off",
                      CONFIG_AT(config, fleet.reseed_ms),
                      .least = RESEED_EPOCHS * CONFIG_SECOND_MS,
                      .most = CONFIG_YEAR_MS},
    [FLEET_HOST] = {.name = "host",
                    .type = CONFIG_TEXT,
                    .takes = "1 to 63 printable ASCII characters without a space",
                    CONFIG_AT(config, fleet.host),
                    .least = 1,
                    .most = CONFIG_FLEET_TEXT_MAX},
    [FLEET_ADDRESS] = {.name = "address",
                       .type = CONFIG_TEXT,
                       .takes = "1 to 63 printable ASCII characters without a space",
                       CONFIG_AT(config, fleet.address),
                       .least = 1,
                       .most = CONFIG_FLEET_TEXT_MAX},
    [FLEET_JOIN_TIMEOUT] = {.name = "join_timeout",
                            .type = CONFIG_DURATION,
                            .takes = "a duration from 100ms to 30s, such as 1s",
                            CONFIG_AT(config, fleet.join_timeout_ms),
                            .least = JOIN_MIN_MS,
                            .most = JOIN_MAX_MS},
};

const struct config_table config_fleet_table = {
    .where = "in fleet", .rows = fleet_rows, .n_rows = CONFIG_COUNT(fleet_rows), .end = fleet_end};

bool config_fleet_is_name(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    return strspn(s, first) != 0 && s[strspn(s, all)] == '\0';
}

bool config_fleet_is_printable(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s <= ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

static enum rp_status check_text(const struct config_walk *walk, const struct config_place *places,
                                 unsigned row, const char *text, bool (*valid)(const char *s))
{
    if (text == NULL || valid(text)) {
        return RP_OK;
    }
    return config_refuse(walk, places[row], "%s takes %s, not \"%.72s\"", fleet_rows[row].name,
                         fleet_rows[row].takes, text);
}

/* Who is in a fleet says which, where it meets, and by what it knows its own. */
static enum rp_status check_store(const struct config_walk *walk, const struct config_place *places)
{
    const struct config_fleet *fleet = &walk->config->fleet;

    if (fleet->store == NULL && fleet->secret != NULL) {
        return config_refuse(walk, places[FLEET_SECRET],
                             "secret has no meaning without store, as this host would be alone; "
                             "give store, or remove secret");
    }
    if (fleet->store != NULL && fleet->name == NULL) {
        return config_refuse(walk, places[FLEET_STORE],
                             "store takes name beside it, the fleet's, the same on all its hosts");
    }
    if (fleet->store != NULL && fleet->secret == NULL) {
        return config_refuse(walk, places[FLEET_STORE],
                             "store takes secret beside it, a file that \"reprise key "
                             "fleet-secret\" makes, the same on all hosts of the fleet");
    }
    return RP_OK;
}

/* By default as often as it may be. */
static void default_reseed(struct config *config)
{
    int64_t ms = CONFIG_DAY_MS;

    if (ms < config->accept_ms / RESEEDS_MAX) {
        ms = config->accept_ms / RESEEDS_MAX;
    }
    if (ms < RESEED_EPOCHS * config->rotate_ms) {
        ms = RESEED_EPOCHS * config->rotate_ms;
    }
    config->fleet.reseed_ms = ms;
}

static enum rp_status check_reseed(const struct config_walk *walk, struct config_place place)
{
    struct config *config = walk->config;
    const int64_t reseed_ms = config->fleet.reseed_ms;

    if (place.line == 0) {
        default_reseed(config);
        return RP_OK;
    }
    if (reseed_ms != 0 && reseed_ms < RESEED_EPOCHS * config->rotate_ms) {
        return config_refuse(walk, place,
                             "reseed is shorter than 4 times rotate; make it at least %lld ms",
                             (long long)(RESEED_EPOCHS * config->rotate_ms));
    }
    if (reseed_ms != 0 && reseed_ms < config->accept_ms / RESEEDS_MAX) {
        return config_refuse(walk, place,
                             "reseed is shorter than a quarter of accept; make it at least %lld ms",
                             (long long)(config->accept_ms / RESEEDS_MAX));
    }
    return RP_OK;
}

static enum rp_status fleet_end(struct config_walk *walk, void *target,
                                const struct config_place *places)
{
    struct config *config = target;
    enum rp_status status;

    walk->rotate = places[FLEET_ROTATE];
    walk->accept = places[FLEET_ACCEPT];
    config->rotate_place = walk->rotate;
    config->accept_place = walk->accept;
    config->fleet.store_place = places[FLEET_STORE];
    config->fleet.secret_place = places[FLEET_SECRET];
    if (config->accept_ms > EPOCHS_MAX * config->rotate_ms) {
        return config_refuse(
            walk, walk->accept.line != 0 ? walk->accept : walk->rotate,
            "accept%s is more than 255 times rotate; make it at most %lld ms or rotate longer",
            walk->accept.line != 0 ? "" : ", which is 24h by default,",
            (long long)(EPOCHS_MAX * config->rotate_ms));
    }
    status = check_text(walk, places, FLEET_NAME, config->fleet.name, config_fleet_is_name);
    if (status == RP_OK) {
        status =
            check_text(walk, places, FLEET_HOST, config->fleet.host, config_fleet_is_printable);
    }
    if (status == RP_OK) {
        status = check_text(walk, places, FLEET_ADDRESS, config->fleet.address,
                            config_fleet_is_printable);
    }
    if (status == RP_OK) {
        status = check_store(walk, places);
    }
    return status == RP_OK ? check_reseed(walk, places[FLEET_RESEED]) : status;
}
