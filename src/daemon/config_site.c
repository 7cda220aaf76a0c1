/* The directives of a site. */
#include "config_directives.h"

#include <stddef.h>
#include <string.h>

#include "memory.h"
#include "text.h"

#define HOST_NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63
#define DOMAIN_MAX_LEN 128

enum {
    SITE_NAME,
    SITE_CERTIFICATE,
    SITE_KEY,
    SITE_DOMAIN,
    SITE_CLIENT_VERIFY,
    SITE_CLIENT_CA,
    SITE_CLIENT_VERIFY_DEPTH,
    SITE_CRL,
    SITE_STAPLING_FILE,
};

/* In the order of enum config_client_verify. */
static const char *const verify_words[] = {"off", "optional", "required", NULL};

static const struct config_row site_rows[] = {
    [SITE_NAME] = {.name = "name",
                   .type = CONFIG_TEXT,
                   .takes = "a host name such as www.example.com or \"*.example.com\"",
                   CONFIG_AT(config_site, name),
                   .least = 1,
                   .most = HOST_NAME_MAX_LEN},
    [SITE_CERTIFICATE] = {.name = "certificate",
                          .type = CONFIG_FILES,
                          .takes = "the name of a PEM file, or a list of at most 8",
                          CONFIG_AT(config_site, certificates),
                          .most = 8},
    [SITE_KEY] = {.name = "key",
                  .type = CONFIG_FILES,
                  .takes = "the name of a PEM file, or a list of at most 8",
                  CONFIG_AT(config_site, keys),
                  .most = 8},
    [SITE_DOMAIN] = {.name = "domain",
                     .type = CONFIG_TEXT,
                     .takes =
                         "a word of letters, digits, \"-\", \"_\" and \".\", at most 128 of them",
                     CONFIG_AT(config_site, domain),
                     .least = 1,
                     .most = DOMAIN_MAX_LEN},
    [SITE_CLIENT_VERIFY] = {.name = "client_verify",
                            .type = CONFIG_CHOICE,
                            .takes = "off, optional or required",
                            CONFIG_AT(config_site, client.verify),
                            .choices = verify_words},
    [SITE_CLIENT_CA] = {.name = "client_ca",
                        .type = CONFIG_FILES,
                        .takes = "the name of a PEM file, or a list of at most 64",
                        CONFIG_AT(config_site, client.ca),
                        .most = 64},
    [SITE_CLIENT_VERIFY_DEPTH] = {.name = "client_verify_depth",
                                  .type = CONFIG_NUMBER,
                                  .takes = "a whole number from 0 to 100",
                                  CONFIG_AT(config_site, client.depth),
                                  .most = 100},
    [SITE_CRL] = {.name = "crl",
                  .type = CONFIG_FILES,
                  .takes = "the name of a PEM file, or a list of at most 64",
                  CONFIG_AT(config_site, client.crl),
                  .most = 64},
    [SITE_STAPLING_FILE] = {.name = "stapling_file",
                            .type = CONFIG_FILES,
                            .takes = "the name of a file with an OCSP response, or a list of at "
                                     "most 8",
                            CONFIG_AT(config_site, staples),
                            .most = 8},
};

static void site_begin(void *target, struct config_place place)
{
    struct config_site *site = target;

    site->place = place;
    site->client.depth = 1;
}

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

static enum rp_status check_certificates(const struct config_walk *walk,
                                         const struct config_site *site,
                                         const struct config_place *places)
{
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
    return RP_OK;
}

/* What would be without effect was meant to have one: a site without authentication, say. */
static enum rp_status check_client(const struct config_walk *walk, const struct config_site *site,
                                   const struct config_place *places)
{
    static const unsigned dependent[] = {SITE_CLIENT_CA, SITE_CRL, SITE_CLIENT_VERIFY_DEPTH};

    if (site->client.verify != CONFIG_VERIFY_OFF) {
        return site->client.ca.n != 0
                   ? RP_OK
                   : config_refuse(walk, places[SITE_CLIENT_VERIFY],
                                   "client_verify: %s needs client_ca, the CAs whose clients are "
                                   "taken",
                                   verify_words[site->client.verify]);
    }
    for (size_t i = 0; i < CONFIG_COUNT(dependent); i++) {
        if (places[dependent[i]].line != 0) {
            return config_refuse(walk, places[dependent[i]],
                                 "%s has no effect without client_verify; add client_verify: "
                                 "required (or optional), or remove it",
                                 site_rows[dependent[i]].name);
        }
    }
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
    status = check_certificates(walk, site, places);
    if (status == RP_OK) {
        status = check_client(walk, site, places);
    }
    if (status != RP_OK) {
        return status;
    }
    if (site->domain != NULL && !is_word(site->domain)) {
        return config_refuse(walk, places[SITE_DOMAIN], "domain takes %s, not \"%s\"",
                             site_rows[SITE_DOMAIN].takes, site->domain);
    }
    return set_domain_id(site);
}

const struct config_table config_site_table = {.where = "in an item of sites",
                                               .rows = site_rows,
                                               .n_rows = CONFIG_COUNT(site_rows),
                                               .size = sizeof(struct config_site),
                                               .begin = site_begin,
                                               .end = site_end};
