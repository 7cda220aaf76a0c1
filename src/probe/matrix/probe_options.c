#include "probe_options.h"

#include <getopt.h>
#include <string.h>

#include "audit.h"
#include "comma_list.h"
#include "error.h"
#include "number.h"
#include "probe_request.h"

#define DEFAULT_TRIES 3
#define DEFAULT_TRIES_KEY 1 /* to see under which key a server seals */
#define DEFAULT_TIMEOUT_MS 5000
#define DEFAULT_PATIENCE_MS 1000
#define DEFAULT_CONCURRENCY 64
#define DEFAULT_PER_ADDRESS 4
#define CONCURRENCY_MAX 1024
#define RECONNECT_MAX 10000
#define DURATION_MAX_MS 604800000
#define PORT_DEFAULT 443
#define PORT_SMTP 25

/* What can be built only once all options are known. */
struct draft {
    const char *method;
    const char *alpn;
    const char *positional[PROBE_ADDRESSES_MAX + 1];
    size_t n_positional;
    bool no_sni;
    bool by_version, by_mechanism, by_tries;
    bool wants_http;
};

#define OPTION_MAP(X)                                                                              \
    X(AT, "at", required_argument)                                                                 \
    X(ONLY4, "ipv4", no_argument)                                                                  \
    X(ONLY6, "ipv6", no_argument)                                                                  \
    X(SNI, "sni", required_argument)                                                               \
    X(SERVERNAME, "servername", required_argument)                                                 \
    X(NO_SNI, "no-sni", no_argument)                                                               \
    X(MECHANISMS, "mechanisms", required_argument)                                                 \
    X(VERSIONS, "versions", required_argument)                                                     \
    X(TRIES, "tries", required_argument)                                                           \
    X(AGED, "aged", required_argument)                                                             \
    X(RECONNECT, "reconnect", required_argument)                                                   \
    X(EXPECT, "expect", required_argument)                                                         \
    X(AUDIT, "audit", no_argument)                                                                 \
    X(CHECKS, "checks", required_argument)                                                         \
    X(OTHER_SNI, "other-sni", required_argument)                                                   \
    X(HANDSHAKE_ONLY, "handshake-only", no_argument)                                               \
    X(HTTP, "http", no_argument)                                                                   \
    X(METHOD, "method", required_argument)                                                         \
    X(PATH, "path", required_argument)                                                             \
    X(HOST, "host", required_argument)                                                             \
    X(STARTTLS, "starttls", required_argument)                                                     \
    X(CAFILE, "cafile", required_argument)                                                         \
    X(CLIENT_CERT, "client-cert", required_argument)                                               \
    X(CLIENT_KEY, "client-key", required_argument)                                                 \
    X(CIPHERS, "ciphers", required_argument)                                                       \
    X(GROUPS, "groups", required_argument)                                                         \
    X(ALPN, "alpn", required_argument)                                                             \
    X(TIMEOUT, "timeout", required_argument)                                                       \
    X(PATIENCE, "patience", required_argument)                                                     \
    X(WAIT, "wait", required_argument)                                                             \
    X(CONCURRENCY, "concurrency", required_argument)                                               \
    X(PER_ADDRESS, "per-address", required_argument)                                               \
    X(JSON, "json", no_argument)                                                                   \
    X(HTML, "html", required_argument)                                                             \
    X(QUIET, "quiet", no_argument)                                                                 \
    X(VERBOSE, "verbose", no_argument)                                                             \
    X(HELP, "help", no_argument)

enum option_id {
    OPT_NONE = 0x100,
#define OPTION_ENUM(id, name, argument) OPT_##id,
    OPTION_MAP(OPTION_ENUM)
#undef OPTION_ENUM
};

static const struct option long_options[] = {
#define OPTION_ROW(id, name, argument) {name, argument, NULL, OPT_##id},
    OPTION_MAP(OPTION_ROW)
#undef OPTION_ROW
        {NULL, 0, NULL, 0},
};

static const char *option_name(int id)
{
    for (size_t i = 0; long_options[i].name != NULL; i++) {
        if (long_options[i].val == id) {
            return long_options[i].name;
        }
    }
    return "?";
}

static bool is_clean(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s <= 0x20 || *s == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum rp_status set_number(int id, const char *value, unsigned max, unsigned *out,
                                 struct rp_error *err)
{
    uint64_t n = 0;

    if (!number_parse(value, max, &n) || n == 0) {
        error_set(err, "--%s must be a number from 1 to %u, not \"%s\"", option_name(id), max,
                  value);
        return RP_INVALID;
    }
    *out = (unsigned)n;
    return RP_OK;
}

static enum rp_status set_duration(int id, const char *value, int64_t *out, struct rp_error *err)
{
    if (!number_parse_duration(value, DURATION_MAX_MS, out) || *out == 0) {
        error_set(err, "--%s must be a duration such as 500ms, 10s or 2m, at most 7d, not \"%s\"",
                  option_name(id), value);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status set_mechanisms(struct probe_options *o, const char *list,
                                     struct rp_error *err)
{
    char item[32];

    o->mechanisms = 0;
    while (comma_list_next(&list, item, sizeof item)) {
        enum mechanism m = MECHANISM_ID12;

        if (!mechanism_parse(item, &m)) {
            error_set(err,
                      "--mechanisms: \"%s\" is not one of id12, ticket12, ticket13, early, id11, "
                      "ticket11, id10, ticket10",
                      item);
            return RP_INVALID;
        }
        o->mechanisms |= 1U << m;
    }
    return RP_OK;
}

/* Session ID and ticket, or PSK; 0-RTT is never asked for by a version alone. */
static enum rp_status set_versions(struct probe_options *o, const char *list, struct rp_error *err)
{
    static const struct {
        const char *word;
        unsigned mask;
    } versions[] = {
        {"1.0", 1U << MECHANISM_ID10 | 1U << MECHANISM_TICKET10},
        {"1.1", 1U << MECHANISM_ID11 | 1U << MECHANISM_TICKET11},
        {"1.2", 1U << MECHANISM_ID12 | 1U << MECHANISM_TICKET12},
        {"1.3", 1U << MECHANISM_TICKET13},
    };
    const size_t n = sizeof versions / sizeof versions[0];
    char item[16];

    o->mechanisms = 0;
    while (comma_list_next(&list, item, sizeof item)) {
        size_t i = 0;

        while (i < n && strcmp(versions[i].word, item) != 0) {
            i++;
        }
        if (i == n) {
            error_set(err, "--versions: \"%s\" is not one of 1.0, 1.1, 1.2, 1.3", item);
            return RP_INVALID;
        }
        o->mechanisms |= versions[i].mask;
    }
    return RP_OK;
}

static enum rp_status set_checks(struct probe_options *o, const char *list, struct rp_error *err)
{
    char item[32];

    o->audit = true;
    while (comma_list_next(&list, item, sizeof item)) {
        unsigned check = 0;

        while (check < AUDIT_CHECKS &&
               strcmp(audit_check_word((enum audit_check)check), item) != 0) {
            check++;
        }
        if (check == AUDIT_CHECKS) {
            error_set(err, "--checks: \"%s\" is no check; they are", item);
            for (unsigned i = 0; i < AUDIT_CHECKS; i++) {
                error_add(err, "%s %s", i == 0 ? "" : ",", audit_check_word((enum audit_check)i));
            }
            return RP_INVALID;
        }
        o->checks |= 1U << check;
    }
    return RP_OK;
}

static enum rp_status set_ages(struct probe_options *o, const char *list, struct rp_error *err)
{
    char item[32];

    o->n_aged = 0;
    while (comma_list_next(&list, item, sizeof item)) {
        int64_t ms = 0;
        size_t at = o->n_aged;

        if (o->n_aged == PROBE_AGES_MAX) {
            error_set(err, "--aged takes at most %d ages", PROBE_AGES_MAX);
            return RP_INVALID;
        }
        if (set_duration(OPT_AGED, item, &ms, err) != RP_OK) {
            return RP_INVALID;
        }
        for (; at > 0 && o->aged_ms[at - 1] > ms; at--) {
            o->aged_ms[at] = o->aged_ms[at - 1];
        }
        o->aged_ms[at] = ms;
        o->n_aged++;
    }
    return RP_OK;
}

/* An address without a port means the target's, which may come later: port 0 until then. */
static enum rp_status add_at(struct probe_options *o, const char *value, struct rp_error *err)
{
    if (o->n_at == PROBE_ADDRESSES_MAX) {
        error_set(err, "more than %d addresses are given", PROBE_ADDRESSES_MAX);
        return RP_INVALID;
    }
    return endpoint_parse(value, 0, &o->at[o->n_at++], err);
}

static enum rp_status set_starttls(struct probe_options *o, const char *value, struct rp_error *err)
{
    if (strcmp(value, "smtp") != 0) {
        error_set(err, "--starttls knows smtp alone, not \"%s\"", value);
        return RP_INVALID;
    }
    o->starttls = PROBE_STARTTLS_SMTP;
    return RP_OK;
}

static enum rp_status take_word(int id, const char *value, const char **out, struct rp_error *err)
{
    if (value[0] == '\0' || !is_clean(value)) {
        error_set(err, "--%s must be a word without spaces, not \"%s\"", option_name(id), value);
        return RP_INVALID;
    }
    *out = value;
    return RP_OK;
}

static enum rp_status add_name(struct probe_options *o, const char *value, struct rp_error *err)
{
    if (o->n_other_sni == PROBE_NAMES_MAX) {
        error_set(err, "--other-sni is given more than %d times", PROBE_NAMES_MAX);
        return RP_INVALID;
    }
    return take_word(OPT_OTHER_SNI, value, &o->other_sni[o->n_other_sni++], err);
}

static enum rp_status add_positional(struct draft *d, const char *value, struct rp_error *err)
{
    if (d->n_positional == sizeof d->positional / sizeof d->positional[0]) {
        error_set(err, "more than %d addresses are given", PROBE_ADDRESSES_MAX);
        return RP_INVALID;
    }
    d->positional[d->n_positional++] = value;
    return RP_OK;
}

static enum rp_status take_request_option(struct probe_options *o, struct draft *d, int id,
                                          const char *value, struct rp_error *err)
{
    switch (id) {
    case OPT_METHOD:
        return take_word(id, value, &d->method, err);
    case OPT_PATH:
        if (value[0] != '/') {
            error_set(err, "--path must begin with /, not \"%s\"", value);
            return RP_INVALID;
        }
        return take_word(id, value, &o->http_path, err);
    case OPT_HOST:
        return take_word(id, value, &o->http_host, err);
    case OPT_HTTP:
        d->wants_http = true;
        return RP_OK;
    case OPT_HANDSHAKE_ONLY:
        o->handshake_only = true;
        return RP_OK;
    case OPT_ALPN:
        d->alpn = value;
        return RP_OK;
    case OPT_STARTTLS:
        return set_starttls(o, value, err);
    default:
        return RP_INVALID;
    }
}

static enum rp_status take_limit(struct probe_options *o, int id, const char *value,
                                 struct rp_error *err)
{
    switch (id) {
    case OPT_TRIES:
        return set_number(id, value, PROBE_TRIES_MAX, &o->tries, err);
    case OPT_RECONNECT:
        return set_number(id, value, RECONNECT_MAX, &o->reconnect, err);
    case OPT_TIMEOUT:
        return set_duration(id, value, &o->timeout_ms, err);
    case OPT_PATIENCE:
        return set_duration(id, value, &o->patience_ms, err);
    case OPT_WAIT:
        return set_duration(id, value, &o->wait_ms, err);
    case OPT_CONCURRENCY:
        return set_number(id, value, CONCURRENCY_MAX, &o->concurrency, err);
    case OPT_PER_ADDRESS:
        return set_number(id, value, CONCURRENCY_MAX, &o->per_address, err);
    default:
        return RP_INVALID;
    }
}

static void take_flag(struct probe_options *o, struct draft *d, int id)
{
    switch (id) {
    case OPT_ONLY4:
        o->only4 = true;
        break;
    case OPT_ONLY6:
        o->only6 = true;
        break;
    case OPT_NO_SNI:
        d->no_sni = true;
        break;
    case OPT_AUDIT:
        o->audit = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_QUIET:
        o->quiet = true;
        break;
    case OPT_VERBOSE:
        o->verbose = true;
        break;
    default:
        o->help = true;
        break;
    }
}

static enum rp_status take_option(struct probe_options *o, struct draft *d, int id,
                                  const char *value, struct rp_error *err)
{
    switch (id) {
    case 1: /* not an option: HOST or an address */
        return add_positional(d, value, err);
    case OPT_AT:
        return add_at(o, value, err);
    case 's':
    case OPT_SNI:
    case OPT_SERVERNAME:
        return take_word(OPT_SNI, value, &o->servername, err);
    case OPT_MECHANISMS:
        d->by_mechanism = true;
        return set_mechanisms(o, value, err);
    case OPT_VERSIONS:
        d->by_version = true;
        return set_versions(o, value, err);
    case OPT_AGED:
        return set_ages(o, value, err);
    case OPT_EXPECT:
        return expectations_parse(value, &o->expect, err);
    case OPT_CHECKS:
        return set_checks(o, value, err);
    case OPT_OTHER_SNI:
        return add_name(o, value, err);
    case OPT_CAFILE:
        o->cafile = value;
        return RP_OK;
    case OPT_CLIENT_CERT:
        o->client_cert = value;
        return RP_OK;
    case OPT_CLIENT_KEY:
        o->client_key = value;
        return RP_OK;
    case OPT_CIPHERS:
        return take_word(id, value, &o->ciphers, err);
    case OPT_GROUPS:
        return take_word(id, value, &o->groups, err);
    case OPT_HTML:
        o->html = value;
        return RP_OK;
    case OPT_TRIES:
    case OPT_RECONNECT:
    case OPT_TIMEOUT:
    case OPT_PATIENCE:
    case OPT_WAIT:
    case OPT_CONCURRENCY:
    case OPT_PER_ADDRESS:
        d->by_tries |= id == OPT_TRIES;
        return take_limit(o, id, value, err);
    case OPT_METHOD:
    case OPT_PATH:
    case OPT_HOST:
    case OPT_HTTP:
    case OPT_HANDSHAKE_ONLY:
    case OPT_ALPN:
    case OPT_STARTTLS:
        return take_request_option(o, d, id, value, err);
    default:
        take_flag(o, d, id);
        return RP_OK;
    }
}

static enum rp_status refuse(struct rp_error *err, const char *what)
{
    error_set(err, "%s", what);
    return RP_INVALID;
}

static enum rp_status check(const struct probe_options *o, const struct draft *d,
                            struct rp_error *err)
{
    const bool has_http =
        d->wants_http || d->method != NULL || o->http_path != NULL || o->http_host != NULL;

    if (d->by_mechanism && d->by_version) {
        return refuse(err, "--mechanisms and --versions exclude each other");
    }
    if (d->no_sni && o->servername != NULL) {
        return refuse(err, "--sni and --no-sni exclude each other");
    }
    if (o->only4 && o->only6) {
        return refuse(err, "--ipv4 and --ipv6 exclude each other");
    }
    if (o->handshake_only && has_http) {
        return refuse(err,
                      "--handshake-only sends no request: no --http, --method, --path, --host");
    }
    if (o->starttls != PROBE_STARTTLS_NONE && has_http) {
        return refuse(err, "--starttls smtp goes with no --http, --method, --path or --host");
    }
    if (o->client_key != NULL && o->client_cert == NULL) {
        return refuse(err, "--client-key needs --client-cert");
    }
    if (o->starttls != PROBE_STARTTLS_NONE && o->audit) {
        return refuse(err, "--audit and --checks begin with TLS: no --starttls");
    }
    if (o->wait_ms != 0 && !o->audit) {
        return refuse(err, "--wait is for --audit");
    }
    if (o->reconnect != 0 &&
        (o->audit || o->json || o->html != NULL || o->n_aged != 0 || o->expect.given)) {
        return refuse(err,
                      "--reconnect prints lines: no --audit, --json, --html, --aged, --expect");
    }
    if ((o->mechanisms & (1U << MECHANISM_EARLY)) != 0 && o->handshake_only) {
        return refuse(err, "--handshake-only sends nothing that could be early data");
    }
    return RP_OK;
}

/* HOST, and what else is given there: addresses, as with --at. An address in the place of HOST is
 * one of them. */
static enum rp_status take_hosts(struct probe_options *o, const struct draft *d,
                                 struct rp_error *err)
{
    const uint16_t port = o->starttls == PROBE_STARTTLS_SMTP ? PORT_SMTP : PORT_DEFAULT;

    if (d->n_positional == 0) {
        return refuse(err, "no HOST given; see reprise probe --help");
    }
    if (endpoint_parse(d->positional[0], port, &o->target, err) != RP_OK) {
        return RP_INVALID;
    }
    for (size_t i = d->n_positional > 1 && o->target.literal ? 0 : 1; i < d->n_positional; i++) {
        if (add_at(o, d->positional[i], err) != RP_OK) {
            return RP_INVALID;
        }
        if (!o->at[o->n_at - 1].literal) {
            error_set(err, "\"%s\" is not an IP address: after HOST come addresses only",
                      d->positional[i]);
            return RP_INVALID;
        }
    }
    for (size_t i = 0; i < o->n_at; i++) {
        o->at[i].port = o->at[i].port != 0 ? o->at[i].port : o->target.port;
    }
    return RP_OK;
}

/* Who wants to know but the name of a key need not wait for more. */
static enum rp_status take_key(struct probe_options *o, const struct draft *d, struct rp_error *err)
{
    if (!o->expect.names_key) {
        return RP_OK;
    }
    if (expectations_key_alone(&o->expect) && o->n_aged == 0 && !o->audit) {
        o->issue_only = true;
        o->tries = d->by_tries ? o->tries : DEFAULT_TRIES_KEY;
        o->mechanisms =
            d->by_mechanism || d->by_version ? o->mechanisms : MECHANISMS_TICKETS_DEFAULT;
    }
    if ((o->mechanisms & MECHANISMS_TICKETS) == 0) {
        return refuse(err, "--expect key needs a mechanism with tickets: ticket12, ticket13, "
                           "ticket11 or ticket10");
    }
    return RP_OK;
}

/* What depends on several options. */
static enum rp_status finish(struct probe_options *o, const struct draft *d, struct rp_error *err)
{
    enum rp_status status = check(o, d, err);

    if (status == RP_OK) {
        status = take_hosts(o, d, err);
    }
    if (status != RP_OK) {
        return status;
    }
    if (o->servername == NULL && !o->target.literal && !d->no_sni) {
        o->servername = o->target.name;
    }
    if (o->servername != NULL && strlen(o->servername) > 255) {
        return refuse(err, "--sni is longer than a host name can be");
    }
    o->mechanisms |= expectations_mask(&o->expect);
    status = take_key(o, d, err);
    if (status != RP_OK) {
        return status;
    }
    return probe_request_build(o, d->method, d->alpn, err);
}

static enum rp_status explain_option(int argc, char *const *argv, bool missing,
                                     struct rp_error *err)
{
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

    error_set(err,
              missing ? "%s needs a value"
                      : "unknown or ambiguous option %s; see reprise probe --help",
              word);
    return RP_INVALID;
}

enum rp_status probe_options_parse(int argc, char *const *argv, struct probe_options *out,
                                   struct rp_error *err)
{
    struct draft draft = {0};
    int id;

    memset(out, 0, sizeof *out);
    out->mechanisms = MECHANISMS_DEFAULT;
    out->tries = DEFAULT_TRIES;
    out->timeout_ms = DEFAULT_TIMEOUT_MS;
    out->patience_ms = DEFAULT_PATIENCE_MS;
    out->concurrency = DEFAULT_CONCURRENCY;
    out->per_address = DEFAULT_PER_ADDRESS;
    optind = 0; /* makes getopt start afresh */
    while ((id = getopt_long(argc, argv, "-:hs:46v", long_options, NULL)) != -1) {
        enum rp_status status;

        if (id == '?' || id == ':') {
            return explain_option(argc, argv, id == ':', err);
        }
        id = id == '4' ? OPT_ONLY4 : id == '6' ? OPT_ONLY6 : id == 'v' ? OPT_VERBOSE : id;
        status = take_option(out, &draft, id, optarg, err);
        if (status != RP_OK) {
            return status;
        }
        if (out->help) {
            return RP_OK;
        }
    }
    for (; optind < argc; optind++) { /* after -- */
        if (add_positional(&draft, argv[optind], err) != RP_OK) {
            return RP_INVALID;
        }
    }
    return finish(out, &draft, err);
}
