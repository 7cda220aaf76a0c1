#include "config_directives.h"

#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "address.h"
#include "memory.h"
#include "text.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS (86400 * SECOND_MS)
#define YEAR_MS (365 * DAY_MS)
#define EPOCHS_MAX 255 /* accept / rotate */
#define HOST_NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63
#define DOMAIN_MAX_LEN 128
#define DOMAINS_MAX 4096

#define AT(type, member) .offset = offsetof(struct type, member)
#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* Sites. */

static enum rp_status site_end(struct config_walk *walk, void *target,
                               const struct config_place *places);

static const struct config_row site_rows[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .takes = "a host name such as www.example.com or \"*.example.com\"",
     AT(config_site, name),
     .least = 1,
     .most = HOST_NAME_MAX_LEN},
    {.name = "certificate",
     .type = CONFIG_FILES,
     .takes = "the name of a PEM file, or a list of at most 8",
     AT(config_site, certificates),
     .most = 8},
    {.name = "key",
     .type = CONFIG_FILES,
     .takes = "the name of a PEM file, or a list of at most 8",
     AT(config_site, keys),
     .most = 8},
    {.name = "domain",
     .type = CONFIG_TEXT,
     .takes = "a word of letters, digits, \"-\", \"_\" and \".\", at most 128 of them",
     AT(config_site, domain),
     .least = 1,
     .most = DOMAIN_MAX_LEN},
    {.name = "client_verify", .type = CONFIG_OFF, .takes = "off"},
    {.name = "client_ca", .type = CONFIG_LACKING},
};

enum { SITE_NAME, SITE_CERTIFICATE, SITE_KEY, SITE_DOMAIN };

static void site_begin(void *target, struct config_place place)
{
    ((struct config_site *)target)->place = place;
}

static const struct config_table site_table = {.where = "in an item of sites",
                                               .rows = site_rows,
                                               .n_rows = COUNT(site_rows),
                                               .size = sizeof(struct config_site),
                                               .begin = site_begin,
                                               .end = site_end};

/* Listeners. */

static void listen_begin(void *target, struct config_place place);
static enum rp_status listen_end(struct config_walk *walk, void *target,
                                 const struct config_place *places);

static const struct config_row listen_rows[] = {
    {.name = "address",
     .type = CONFIG_TEXT,
     .takes = "a numeric address and a port, such as 0.0.0.0:443 or \"[::]:443\"",
     AT(config_listen, address),
     .least = 1,
     .most = ADDRESS_TEXT_SIZE},
    {.name = "backend",
     .type = CONFIG_TEXT,
     .takes = "a numeric address and a port, such as 127.0.0.1:8080, or unix:/path",
     AT(config_listen, backend),
     .least = 1,
     .most = 256},
    {.name = "session_tickets",
     .type = CONFIG_SWITCH,
     .takes = "on or off",
     AT(config_listen, session_tickets)},
    {.name = "num_tickets",
     .type = CONFIG_NUMBER,
     .takes = "a whole number from 1 to 16 (for none: session_tickets: off)",
     AT(config_listen, num_tickets),
     .least = 1,
     .most = 16},
    {.name = "session_cache",
     .type = CONFIG_SIZE,
     .takes = "a size from 64kb to 64gb, such as 50mb, or off",
     AT(config_listen, session_cache),
     .least = 65536,
     .most = UINT64_C(64) << 30},
    {.name = "session_timeout",
     .type = CONFIG_DURATION,
     .takes = "a duration from 1s to 7d, such as 12h",
     AT(config_listen, session_timeout_ms),
     .least = SECOND_MS,
     .most = 7 * DAY_MS},
    {.name = "max_age",
     .type = CONFIG_DURATION,
     .takes = "a duration from 1s to 365d, such as 1d",
     AT(config_listen, max_age_ms),
     .least = SECOND_MS,
     .most = YEAR_MS},
    {.name = "strict_sni",
     .type = CONFIG_SWITCH,
     .takes = "on or off",
     AT(config_listen, strict_sni)},
    {.name = "ciphers",
     .type = CONFIG_TEXT,
     .takes = "a list of TLS 1.2 ciphers in OpenSSL's syntax",
     AT(config_listen, ciphers),
     .least = 1,
     .most = CONFIG_SCALAR_MAX},
    {.name = "ciphersuites",
     .type = CONFIG_TEXT,
     .takes = "a list of TLS 1.3 ciphers in OpenSSL's syntax",
     AT(config_listen, ciphersuites),
     .least = 1,
     .most = CONFIG_SCALAR_MAX},
    {.name = "groups",
     .type = CONFIG_TEXT,
     .takes = "a list of groups such as X25519:P-256",
     AT(config_listen, groups),
     .least = 1,
     .most = CONFIG_SCALAR_MAX},
    {.name = "sites",
     .type = CONFIG_MAPS,
     .takes = "a list of 1 to 1024 maps, each with name, certificate and key",
     AT(config_listen, sites),
     .most = CONFIG_SITES_MAX,
     .within = &site_table,
     .n_offset = offsetof(struct config_listen, n_sites)},
    {.name = "proxy_protocol", .type = CONFIG_OFF, .takes = "off"},
    {.name = "early_data", .type = CONFIG_OFF, .takes = "off"},
};

enum {
    LISTEN_ADDRESS,
    LISTEN_BACKEND,
    LISTEN_SESSION_CACHE = 4,
    LISTEN_CIPHERS = 8,
    LISTEN_CIPHERSUITES,
    LISTEN_GROUPS,
    LISTEN_SITES
};

static const struct config_table listen_table = {.where = "in an item of listen",
                                                 .rows = listen_rows,
                                                 .n_rows = COUNT(listen_rows),
                                                 .size = sizeof(struct config_listen),
                                                 .begin = listen_begin,
                                                 .end = listen_end};

/* fleet, log, and the whole. */

static enum rp_status fleet_end(struct config_walk *walk, void *target,
                                const struct config_place *places);
static enum rp_status root_end(struct config_walk *walk, void *target,
                               const struct config_place *places);

static const struct config_row fleet_rows[] = {
    {.name = "rotate",
     .type = CONFIG_DURATION,
     .takes = "a duration from 1s to 365d, such as 1h",
     AT(config, rotate_ms),
     .least = SECOND_MS,
     .most = YEAR_MS},
    {.name = "accept",
     .type = CONFIG_DURATION,
     .takes = "a duration from 1s to 365d, such as 24h",
     AT(config, accept_ms),
     .least = SECOND_MS,
     .most = YEAR_MS},
    {.name = "name", .type = CONFIG_LACKING},
    {.name = "store", .type = CONFIG_LACKING},
    {.name = "secret", .type = CONFIG_LACKING},
    {.name = "reseed", .type = CONFIG_LACKING},
};

enum { FLEET_ROTATE, FLEET_ACCEPT };

static const struct config_table fleet_table = {
    .where = "in fleet", .rows = fleet_rows, .n_rows = COUNT(fleet_rows), .end = fleet_end};

static const struct config_row log_rows[] = {
    {.name = "format", .type = CONFIG_FORMAT, .takes = "text or json", AT(config, log_format)},
    {.name = "connections",
     .type = CONFIG_SWITCH,
     .takes = "on or off",
     AT(config, log_connections)},
};

static const struct config_table log_table = {
    .where = "in log", .rows = log_rows, .n_rows = COUNT(log_rows)};

static const struct config_row root_rows[] = {
    {.name = "workers",
     .type = CONFIG_NUMBER,
     .takes = "a whole number from 1 to 256",
     AT(config, workers),
     .least = 1,
     .most = CONFIG_WORKERS_MAX},
    {.name = "user",
     .type = CONFIG_TEXT,
     .takes = "the name of a user, of at most 24 characters",
     AT(config, user),
     .least = 1,
     .most = 24},
    {.name = "fleet",
     .type = CONFIG_MAP,
     .takes = "a map with rotate and accept",
     .within = &fleet_table},
    {.name = "session_ticket_key",
     .type = CONFIG_FILES,
     .takes = "the name of a key file, or a list of at most 16",
     AT(config, session_ticket_key),
     .most = 16},
    {.name = "listen",
     .type = CONFIG_MAPS,
     .takes = "a list of 1 to 64 maps, each with address and sites",
     AT(config, listen),
     .most = CONFIG_LISTEN_MAX,
     .within = &listen_table,
     .n_offset = offsetof(struct config, n_listen)},
    {.name = "log",
     .type = CONFIG_MAP,
     .takes = "a map with format and connections",
     .within = &log_table},
    {.name = "feeds", .type = CONFIG_LACKING},
    {.name = "admin", .type = CONFIG_LACKING},
};

enum { ROOT_USER = 1, ROOT_LISTEN = 4 };

static const struct config_table root_table = {.where = "at the top level",
                                               .rows = root_rows,
                                               .n_rows = COUNT(root_rows),
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
    config->rotate_ms = 3600 * SECOND_MS;
    config->accept_ms = DAY_MS;
    config->log_connections = true;
}

void config_listen_defaults(struct config_listen *listen)
{
    listen->session_tickets = true;
    listen->num_tickets = 2;
    listen->session_cache = 10 << 20;
    listen->session_timeout_ms = DAY_MS;
    listen->max_age_ms = DAY_MS;
}

static void listen_begin(void *target, struct config_place place)
{
    struct config_listen *listen = target;

    config_listen_defaults(listen);
    listen->place = place;
}

/* What must hold. */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *s, size_t n)
{
    if (n == 0 || n > LABEL_MAX_LEN || s[0] == '-' || s[n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_letter_or_digit(s[i]) && s[i] != '-' && s[i] != '_') {
            return false;
        }
    }
    return true;
}

static bool is_host_name(const char *s)
{
    const char *p = s[0] == '*' && s[1] == '.' ? s + 2 : s;

    for (;;) {
        const char *dot = strchr(p, '.');

        if (!is_label(p, dot != NULL ? (size_t)(dot - p) : strlen(p))) {
            return false;
        }
        if (dot == NULL) {
            return true;
        }
        p = dot + 1;
    }
}

static bool is_ascii(const char *s)
{
    while (*s != '\0' && (*s & 0x80) == 0) {
        s++;
    }
    return *s == '\0';
}

static bool is_word(const char *s)
{
    for (; *s != '\0'; s++) {
        if (!is_letter_or_digit(*s) && strchr("-_.", *s) == NULL) {
            return false;
        }
    }
    return true;
}

static void lower(char *s)
{
    for (; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z') {
            *s = (char)(*s - 'A' + 'a');
        }
    }
}

static enum rp_status check_name(const struct config_walk *walk, const struct config_site *site,
                                 struct config_place place)
{
    if (!is_ascii(site->name)) {
        return config_refuse(walk, place,
                             "name takes a host name as TLS carries it; write this one as xn--...");
    }
    if (!is_host_name(site->name)) {
        return config_refuse(walk, place,
                             "\"%s\" is no host name; a name is www.example.com or, with the star "
                             "in front only, *.example.com",
                             site->name);
    }
    return RP_OK;
}

static enum rp_status set_domain_id(struct config_site *site)
{
    const bool own = site->domain == NULL;
    const char *name = own ? site->name : site->domain;
    const size_t size = sizeof "domain:" + strlen(name);
    struct text t;

    site->domain_id = memory_new(size, 1);
    if (site->domain_id == NULL) {
        return RP_NO_MEMORY;
    }
    t = text_of(site->domain_id, size);
    text_addf(&t, "%s:%s", own ? "site" : "domain", name);
    return RP_OK;
}

static enum rp_status site_end(struct config_walk *walk, void *target,
                               const struct config_place *places)
{
    struct config_site *site = target;
    enum rp_status status;

    if (site->name == NULL) {
        return config_refuse(walk, site->place,
                             "this site has no name; give the one that its clients ask for");
    }
    status = check_name(walk, site, places[SITE_NAME]);
    if (status != RP_OK) {
        return status;
    }
    lower(site->name);
    if (site->certificates.n == 0 || site->keys.n == 0) {
        return config_refuse(walk, site->place, "the site %s has no %s; give a PEM file",
                             site->name, site->certificates.n == 0 ? "certificate" : "key");
    }
    if (site->certificates.n != site->keys.n) {
        return config_refuse(walk, places[SITE_KEY],
                             "%zu key file%s for %zu certificate%s; give one key for each, in the "
                             "same order",
                             site->keys.n, site->keys.n == 1 ? "" : "s", site->certificates.n,
                             site->certificates.n == 1 ? "" : "s");
    }
    if (site->domain != NULL && !is_word(site->domain)) {
        return config_refuse(walk, places[SITE_DOMAIN], "domain takes %s, not \"%s\"",
                             site_rows[SITE_DOMAIN].takes, site->domain);
    }
    return set_domain_id(site);
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
    if (listen->n_sites == 0) {
        return config_refuse(walk, listen->place,
                             "the listener %s has no sites; give at least one with name, "
                             "certificate and key",
                             listen->address);
    }
    return check_site_names(walk, listen);
}

static enum rp_status fleet_end(struct config_walk *walk, void *target,
                                const struct config_place *places)
{
    const struct config *config = target;

    walk->rotate = places[FLEET_ROTATE];
    walk->accept = places[FLEET_ACCEPT];
    if (config->accept_ms > EPOCHS_MAX * config->rotate_ms) {
        return config_refuse(
            walk, walk->accept.line != 0 ? walk->accept : walk->rotate,
            "accept%s is more than 255 times rotate; make it at most %lld ms or rotate longer",
            walk->accept.line != 0 ? "" : ", which is 24h by default,",
            (long long)(EPOCHS_MAX * config->rotate_ms));
    }
    return RP_OK;
}

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
    if (config->session_ticket_key.n != 0 && ratchet.line != 0) {
        return config_refuse(walk, ratchet,
                             "%s has no meaning beside session_ticket_key, whose files rotate when "
                             "they are replaced; remove one of the two",
                             walk->rotate.line != 0 ? "rotate" : "accept");
    }
    if (config->n_listen == 0) {
        return config_refuse(walk, (struct config_place){1, 1},
                             "listen is missing; give at least one address with its sites");
    }
    status = check_addresses(walk, config);
    return status == RP_OK ? check_domains(walk, config, places[ROOT_LISTEN]) : status;
}
