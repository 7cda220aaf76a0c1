/* The directives of a listener. */
#include "config_directives.h"

#include <stddef.h>
#include <string.h>

#include "address.h"
#include "network.h"

#define ACCEPT_PROXY_MAX 64
#define TIMEOUT_LEAST_MS 100

#define ALPN_NAME_MAX 255

enum {
    LISTEN_ADDRESS,
    LISTEN_BACKEND,
    LISTEN_SESSION_TICKETS,
    LISTEN_NUM_TICKETS,
    LISTEN_SESSION_CACHE,
    LISTEN_SESSION_TIMEOUT,
    LISTEN_MAX_AGE,
    LISTEN_ALPN,
    LISTEN_PROXY_PROTOCOL,
    LISTEN_ACCEPT_PROXY,
    LISTEN_HANDSHAKE_TIMEOUT,
    LISTEN_PROXY_CONNECT_TIMEOUT,
    LISTEN_PROXY_TIMEOUT,
    LISTEN_HALF_CLOSE_TIMEOUT,
    LISTEN_STRICT_SNI,
    LISTEN_CIPHERS,
    LISTEN_CIPHERSUITES,
    LISTEN_GROUPS,
    LISTEN_SITES,
    LISTEN_EARLY_DATA,
};

static const char *const proxy_protocols[] = {"off", "v1", "v2", NULL};

static bool is_network(const char *text)
{
    struct network network;

    return network_parse(text, &network);
}

static const struct config_row listen_rows[] = {
    [LISTEN_ADDRESS] = {.name = "address",
                        .type = CONFIG_TEXT,
                        .takes =
                            "a numeric address and a port, such as 0.0.0.0:443 or \"[::]:443\"",
                        CONFIG_AT(config_listen, address),
                        .least = 1,
                        .most = ADDRESS_TEXT_SIZE},
    [LISTEN_BACKEND] = {.name = "backend",
                        .type = CONFIG_TEXT,
                        .takes =
                            "a numeric address and a port, such as 127.0.0.1:8080, or unix:/path",
                        CONFIG_AT(config_listen, backend),
                        .least = 1,
                        .most = 256},
    [LISTEN_SESSION_TICKETS] = {.name = "session_tickets",
                                .type = CONFIG_SWITCH,
                                .takes = "on or off",
                                CONFIG_AT(config_listen, session_tickets)},
    [LISTEN_NUM_TICKETS] = {.name = "num_tickets",
                            .type = CONFIG_NUMBER,
                            .takes = "a whole number from 1 to 16 (for none: session_tickets: off)",
                            CONFIG_AT(config_listen, num_tickets),
                            .least = 1,
                            .most = 16},
    [LISTEN_SESSION_CACHE] = {.name = "session_cache",
                              .type = CONFIG_SIZE,
                              .takes = "a size from 64kb to 64gb, such as 50mb, or off",
                              CONFIG_AT(config_listen, session_cache),
                              .least = 65536,
                              .most = UINT64_C(64) << 30},
    [LISTEN_SESSION_TIMEOUT] = {.name = "session_timeout",
                                .type = CONFIG_DURATION,
                                .takes = "a duration from 1s to 7d, such as 12h",
                                CONFIG_AT(config_listen, session_timeout_ms),
                                .least = CONFIG_SECOND_MS,
                                .most = 7 * CONFIG_DAY_MS},
    [LISTEN_MAX_AGE] = {.name = "max_age",
                        .type = CONFIG_DURATION,
                        .takes = "a duration from 1s to 365d, such as 1d",
                        CONFIG_AT(config_listen, max_age_ms),
                        .least = CONFIG_SECOND_MS,
                        .most = CONFIG_YEAR_MS},
    [LISTEN_ALPN] = {.name = "alpn",
                     .type = CONFIG_TEXTS,
                     .takes = "a protocol such as http/1.1, or a list of at most 16",
                     CONFIG_AT(config_listen, alpn),
                     .most = 16},
    [LISTEN_PROXY_PROTOCOL] = {.name = "proxy_protocol",
                               .type = CONFIG_CHOICE,
                               .takes = "off, v1 or v2",
                               CONFIG_AT(config_listen, proxy_protocol),
                               .choices = proxy_protocols},
    [LISTEN_ACCEPT_PROXY] = {.name = "accept_proxy",
                             .type = CONFIG_TEXTS,
                             .takes = "an address or a network with no bits behind its prefix, "
                                      "such as 10.0.0.0/8 or \"::1\", or a list of at most 64",
                             CONFIG_AT(config_listen, accept_proxy),
                             .most = ACCEPT_PROXY_MAX,
                             .valid = is_network},
    [LISTEN_HANDSHAKE_TIMEOUT] = {.name = "handshake_timeout",
                                  .type = CONFIG_DURATION,
                                  .takes = "a duration from 100ms to 1d, such as 10s",
                                  CONFIG_AT(config_listen, handshake_timeout_ms),
                                  .least = TIMEOUT_LEAST_MS,
                                  .most = CONFIG_DAY_MS},
    [LISTEN_PROXY_CONNECT_TIMEOUT] = {.name = "proxy_connect_timeout",
                                      .type = CONFIG_DURATION,
                                      .takes = "a duration from 100ms to 1d, such as 5s",
                                      CONFIG_AT(config_listen, proxy_connect_timeout_ms),
                                      .least = TIMEOUT_LEAST_MS,
                                      .most = CONFIG_DAY_MS},
    [LISTEN_PROXY_TIMEOUT] = {.name = "proxy_timeout",
                              .type = CONFIG_DURATION,
                              .takes = "a duration from 100ms to 365d, such as 10m",
                              CONFIG_AT(config_listen, proxy_timeout_ms),
                              .least = TIMEOUT_LEAST_MS,
                              .most = CONFIG_YEAR_MS},
    [LISTEN_HALF_CLOSE_TIMEOUT] = {.name = "half_close_timeout",
                                   .type = CONFIG_DURATION,
                                   .takes = "a duration from 100ms to 365d, such as 1m",
                                   CONFIG_AT(config_listen, half_close_timeout_ms),
                                   .least = TIMEOUT_LEAST_MS,
                                   .most = CONFIG_YEAR_MS},
    [LISTEN_STRICT_SNI] = {.name = "strict_sni",
                           .type = CONFIG_SWITCH,
                           .takes = "on or off",
                           CONFIG_AT(config_listen, strict_sni)},
    [LISTEN_CIPHERS] = {.name = "ciphers",
                        .type = CONFIG_TEXT,
                        .takes = "a list of TLS 1.2 ciphers in OpenSSL's syntax",
                        CONFIG_AT(config_listen, ciphers),
                        .least = 1,
                        .most = CONFIG_SCALAR_MAX},
    [LISTEN_CIPHERSUITES] = {.name = "ciphersuites",
                             .type = CONFIG_TEXT,
                             .takes = "a list of TLS 1.3 ciphers in OpenSSL's syntax",
                             CONFIG_AT(config_listen, ciphersuites),
                             .least = 1,
                             .most = CONFIG_SCALAR_MAX},
    [LISTEN_GROUPS] = {.name = "groups",
                       .type = CONFIG_TEXT,
                       .takes = "a list of groups such as X25519:P-256",
                       CONFIG_AT(config_listen, groups),
                       .least = 1,
                       .most = CONFIG_SCALAR_MAX},
    [LISTEN_SITES] = {.name = "sites",
                      .type = CONFIG_MAPS,
                      .takes = "a list of 1 to 1024 maps, each with name, certificate and key",
                      CONFIG_AT(config_listen, sites),
                      .most = CONFIG_SITES_MAX,
                      .within = &config_site_table,
                      .n_offset = offsetof(struct config_listen, n_sites)},
    [LISTEN_EARLY_DATA] = {.name = "early_data", .type = CONFIG_OFF, .takes = "off"},
};

void config_listen_defaults(struct config_listen *listen)
{
    listen->session_tickets = true;
    listen->num_tickets = 2;
    listen->session_cache = 10 << 20;
    listen->session_timeout_ms = CONFIG_DAY_MS;
    listen->max_age_ms = CONFIG_DAY_MS;
    listen->handshake_timeout_ms = 10 * CONFIG_SECOND_MS;
    listen->proxy_connect_timeout_ms = 5 * CONFIG_SECOND_MS;
    listen->proxy_timeout_ms = 600 * CONFIG_SECOND_MS;
    listen->half_close_timeout_ms = 60 * CONFIG_SECOND_MS;
}

static void listen_begin(void *target, struct config_place place)
{
    struct config_listen *listen = target;

    config_listen_defaults(listen);
    listen->place = place;
}

static enum rp_status check_site_names(const struct config_walk *walk,
                                       const struct config_listen *listen)
{
    for (size_t i = 1; i < listen->n_sites; i++) {
        const struct config_site *site = &listen->sites[i];

        for (size_t j = 0; j < i; j++) {
            if (strcmp(site->name, listen->sites[j].name) == 0) {
                return config_refuse(walk, site->place,
                                     "the site %s stands in line %u already; a listener has each "
                                     "name once",
                                     site->name, listen->sites[j].place.line);
            }
        }
    }
    return RP_OK;
}

/* Any byte may stand in a protocol's name (RFC 7301), but all that are registered look like this.
 */
static bool is_protocol(const char *s)
{
    size_t n = 0;

    while (s[n] > ' ' && s[n] <= '~') {
        n++;
    }
    return s[n] == '\0' && n <= ALPN_NAME_MAX;
}

static enum rp_status check_alpn(const struct config_walk *walk, const struct config_listen *listen,
                                 struct config_place place)
{
    const struct config_strings *alpn = &listen->alpn;

    if (alpn->n != 0 && listen->backend == NULL) {
        return config_refuse(walk, place,
                             "alpn says what the backend speaks, and there is none; the built-in "
                             "page speaks http/1.1 anyway");
    }
    for (size_t i = 0; i < alpn->n; i++) {
        if (!is_protocol(alpn->items[i])) {
            return config_refuse(walk, place,
                                 "alpn: \"%.64s\" is no protocol's name, which is of 1 to 255 "
                                 "letters, digits and signs",
                                 alpn->items[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(alpn->items[i], alpn->items[j]) == 0) {
                return config_refuse(walk, place, "alpn names %s twice", alpn->items[i]);
            }
        }
    }
    return RP_OK;
}

static struct config_place or_else(struct config_place place, struct config_place otherwise)
{
    return place.line != 0 ? place : otherwise;
}

static void note_places(struct config_listen *listen, const struct config_place *places)
{
    listen->places.address = or_else(places[LISTEN_ADDRESS], listen->place);
    listen->places.session_cache = or_else(places[LISTEN_SESSION_CACHE], listen->place);
    listen->places.ciphers = or_else(places[LISTEN_CIPHERS], listen->place);
    listen->places.ciphersuites = or_else(places[LISTEN_CIPHERSUITES], listen->place);
    listen->places.groups = or_else(places[LISTEN_GROUPS], listen->place);
}

static enum rp_status listen_end(struct config_walk *walk, void *target,
                                 const struct config_place *places)
{
    struct config_listen *listen = target;
    struct address address;
    enum rp_status status;

    note_places(listen, places);
    if (listen->address == NULL) {
        return config_refuse(walk, listen->place,
                             "this listener has no address; give one such as \"[::]:443\"");
    }
    if (!address_parse(listen->address, &address)) {
        return config_refuse(walk, places[LISTEN_ADDRESS], "address takes %s, not \"%s\"",
                             listen_rows[LISTEN_ADDRESS].takes, listen->address);
    }
    if (listen->backend != NULL && !address_parse_backend(listen->backend, &address)) {
        return config_refuse(walk, places[LISTEN_BACKEND], "backend takes %s, not \"%s\"",
                             listen_rows[LISTEN_BACKEND].takes, listen->backend);
    }
    if (listen->proxy_protocol != CONFIG_PROXY_OFF && listen->backend == NULL) {
        return config_refuse(walk, places[LISTEN_PROXY_PROTOCOL],
                             "proxy_protocol is for a backend, and there is none; for a load "
                             "balancer in front there is accept_proxy");
    }
    if (listen->n_sites == 0) {
        return config_refuse(walk, listen->place,
                             "the listener %s has no sites; give at least one with name, "
                             "certificate and key",
                             listen->address);
    }
    status = check_alpn(walk, listen, places[LISTEN_ALPN]);
    return status == RP_OK ? check_site_names(walk, listen) : status;
}

const struct config_table config_listen_table = {.where = "in an item of listen",
                                                 .rows = listen_rows,
                                                 .n_rows = CONFIG_COUNT(listen_rows),
                                                 .size = sizeof(struct config_listen),
                                                 .begin = listen_begin,
                                                 .end = listen_end};
