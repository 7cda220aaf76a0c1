#include "load_options.h"

#include <getopt.h>
#include <string.h>

#include "error.h"
#include "number.h"
#include "text.h"

#define DEFAULT_CONNECTIONS 16
#define DEFAULT_TIME_MS 3000
#define DEFAULT_TIMEOUT_MS 10000
#define DURATION_MAX_MS 86400000
#define HEADERS_MAX 32

/* What is needed to build the request once all options are known. */
struct request_options {
    bool none;
    const char *path;
    const char *headers[HEADERS_MAX];
    size_t n_headers;
};

enum option_id {
    OPT_AT = 1,
    OPT_CAFILE,
    OPT_CONNECTIONS,
    OPT_COUNT,
    OPT_FRESH,
    OPT_HEADER,
    OPT_HELP,
    OPT_JSON,
    OPT_MODE,
    OPT_NO_REQUEST,
    OPT_PATH,
    OPT_QUIET,
    OPT_SERVERNAME,
    OPT_TIME,
    OPT_TIMEOUT,
};

static const struct option long_options[] = {
    {"at", required_argument, NULL, OPT_AT},
    {"cafile", required_argument, NULL, OPT_CAFILE},
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"count", required_argument, NULL, OPT_COUNT},
    {"fresh", no_argument, NULL, OPT_FRESH},
    {"header", required_argument, NULL, OPT_HEADER},
    {"help", no_argument, NULL, OPT_HELP},
    {"json", no_argument, NULL, OPT_JSON},
    {"mode", required_argument, NULL, OPT_MODE},
    {"no-request", no_argument, NULL, OPT_NO_REQUEST},
    {"path", required_argument, NULL, OPT_PATH},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"servername", required_argument, NULL, OPT_SERVERNAME},
    {"time", required_argument, NULL, OPT_TIME},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {NULL, 0, NULL, 0},
};

const char *load_options_help(void)
{
    return "usage: reprise load [options] HOST[:PORT]\n"
           "\n"
           "Measures TLS handshakes a second and their latency, full and resumed, and checks\n"
           "that each was resumed or not as it should be. The port is 443 if not given.\n"
           "\n"
           "  --mode LIST            of full12, full13, id, ticket, psk; default all, one\n"
           "                         after the other\n"
           "  --connections N        at the same time; default 16\n"
           "  --time DURATION        to measure each mode; default 3s\n"
           "  --count N              connections to measure in each mode, instead of a time\n"
           "  --at ADDRESS[:PORT]    connect here instead; may be repeated, used in turn\n"
           "  --servername NAME      to ask for (SNI); default HOST unless it is an address;\n"
           "                         empty: none\n"
           "  --fresh                resume each session once only\n"
           "  --no-request           handshake only, no HTTP request\n"
           "  --path PATH            to request; default /\n"
           "  --header 'NAME: VALUE' to add to the request; may be repeated\n"
           "  --cafile FILE          verify the certificate against these authorities\n"
           "  --timeout DURATION     for each connection; default 10s\n"
           "  --json                 the result as JSON\n"
           "  --quiet                no progress line\n"
           "  --help                 this text\n";
}

static bool is_clean(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum rp_status set_number(const char *value, uint64_t max, const char *name, uint64_t *out,
                                 struct rp_error *err)
{
    if (!number_parse(value, max, out) || *out == 0) {
        error_set(err, "--%s must be a number from 1 to %llu, not \"%s\"", name,
                  (unsigned long long)max, value);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status set_duration(const char *value, const char *name, int64_t *out,
                                   struct rp_error *err)
{
    if (!number_parse_duration(value, DURATION_MAX_MS, out) || *out == 0) {
        error_set(err, "--%s must be a duration such as 500ms, 10s or 2m, at most 1d, not \"%s\"",
                  name, value);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status add_header(struct request_options *r, const char *value, struct rp_error *err)
{
    const char *colon = strchr(value, ':');

    if (colon == NULL || colon == value || !is_clean(value)) {
        error_set(err, "--header must be NAME: VALUE, not \"%s\"", value);
        return RP_INVALID;
    }
    if (r->n_headers == HEADERS_MAX) {
        error_set(err, "--header is given more than %d times", HEADERS_MAX);
        return RP_INVALID;
    }
    r->headers[r->n_headers++] = value;
    return RP_OK;
}

static enum rp_status set_path(struct request_options *r, const char *value, struct rp_error *err)
{
    if (value[0] != '/' || strchr(value, ' ') != NULL || !is_clean(value)) {
        error_set(err, "--path must begin with / and hold no space, not \"%s\"", value);
        return RP_INVALID;
    }
    r->path = value;
    return RP_OK;
}

static enum rp_status set_connections(struct load_options *o, const char *value,
                                      struct rp_error *err)
{
    uint64_t n = 0;
    const enum rp_status status = set_number(value, LOAD_CONNECTIONS_MAX, "connections", &n, err);

    o->connections = (unsigned)n;
    return status;
}

/* An --at without a port means the target's, which may come later: port 0 until then. */
static enum rp_status add_at(struct load_options *o, const char *value, struct rp_error *err)
{
    if (o->n_at == LOAD_AT_MAX) {
        error_set(err, "--at is given more than %d times", LOAD_AT_MAX);
        return RP_INVALID;
    }
    return endpoint_parse(value, 0, &o->at[o->n_at++], err);
}

static enum rp_status take_option(struct load_options *o, struct request_options *r, int id,
                                  const char *value, struct rp_error *err)
{
    switch ((enum option_id)id) {
    case OPT_AT:
        return add_at(o, value, err);
    case OPT_CAFILE:
        o->cafile = value;
        return RP_OK;
    case OPT_CONNECTIONS:
        return set_connections(o, value, err);
    case OPT_COUNT:
        return set_number(value, UINT32_MAX, "count", &o->count, err);
    case OPT_FRESH:
        o->fresh = true;
        return RP_OK;
    case OPT_HEADER:
        return add_header(r, value, err);
    case OPT_HELP:
        o->help = true;
        return RP_OK;
    case OPT_JSON:
        o->json = true;
        return RP_OK;
    case OPT_MODE:
        return load_mode_parse(value, o->modes, &o->n_modes, err);
    case OPT_NO_REQUEST:
        r->none = true;
        return RP_OK;
    case OPT_PATH:
        return set_path(r, value, err);
    case OPT_QUIET:
        o->quiet = true;
        return RP_OK;
    case OPT_SERVERNAME:
        o->servername = value;
        return RP_OK;
    case OPT_TIME:
        return set_duration(value, "time", &o->time_ms, err);
    case OPT_TIMEOUT:
        return set_duration(value, "timeout", &o->timeout_ms, err);
    }
    error_set(err, "unknown option");
    return RP_INVALID;
}

static void build_request(struct load_options *o, const struct request_options *r, struct text *t)
{
    const char *host = o->servername != NULL ? o->servername : o->target.name;
    const bool bracket = strchr(host, ':') != NULL;

    text_addf(t, "GET %s HTTP/1.1\r\nHost: %s%s%s", r->path, bracket ? "[" : "", host,
              bracket ? "]" : "");
    if (o->target.port != 443) {
        text_addf(t, ":%u", (unsigned)o->target.port);
    }
    text_add(t, "\r\nUser-Agent: reprise/" REPRISE_VERSION "\r\nAccept: */*\r\n"
                "Connection: close\r\n");
    for (size_t i = 0; i < r->n_headers; i++) {
        text_addf(t, "%s\r\n", r->headers[i]);
    }
    text_add(t, "\r\n");
}

/* What depends on the target, which stands after the options. */
static enum rp_status finish(struct load_options *o, const struct request_options *r, bool by_time,
                             struct rp_error *err)
{
    struct text t = text_of(o->request, sizeof o->request);

    if (by_time && o->count != 0) {
        error_set(err, "--count and --time exclude each other");
        return RP_INVALID;
    }
    for (size_t i = 0; i < o->n_at; i++) {
        o->at[i].port = o->at[i].port != 0 ? o->at[i].port : o->target.port;
    }
    if (o->servername == NULL && !o->target.literal) {
        o->servername = o->target.name;
    } else if (o->servername != NULL && o->servername[0] == '\0') {
        o->servername = NULL;
    }
    if (o->servername != NULL && (strlen(o->servername) > 255 || !is_clean(o->servername))) {
        error_set(err, "--servername is not a host name");
        return RP_INVALID;
    }
    if (!r->none) {
        build_request(o, r, &t);
        if (t.cut) {
            error_set(err, "the request is longer than %d bytes", LOAD_REQUEST_SIZE - 1);
            return RP_INVALID;
        }
    }
    o->request_len = r->none ? 0 : t.len;
    return RP_OK;
}

static enum rp_status explain_option(int argc, char *const *argv, bool missing,
                                     struct rp_error *err)
{
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

    error_set(err,
              missing ? "%s needs a value"
                      : "unknown or ambiguous option %s; see "
                        "reprise load --help",
              word);
    return RP_INVALID;
}

enum rp_status load_options_parse(int argc, char *const *argv, struct load_options *out,
                                  struct rp_error *err)
{
    struct request_options request = {.path = "/"};
    bool by_time = false;
    int id;

    *out =
        (struct load_options){.modes = {LOAD_FULL12, LOAD_FULL13, LOAD_ID, LOAD_TICKET, LOAD_PSK},
                              .n_modes = LOAD_MODES,
                              .connections = DEFAULT_CONNECTIONS,
                              .time_ms = DEFAULT_TIME_MS,
                              .timeout_ms = DEFAULT_TIMEOUT_MS};
    optind = 0; /* makes getopt start afresh */
    while ((id = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        enum rp_status status;

        if (id == '?' || id == ':') {
            return explain_option(argc, argv, id == ':', err);
        }
        by_time = by_time || id == OPT_TIME;
        status = take_option(out, &request, id == 'h' ? OPT_HELP : id, optarg, err);
        if (status != RP_OK) {
            return status;
        }
        if (out->help) {
            return RP_OK;
        }
    }
    if (argc - optind != 1) {
        error_set(err, argc == optind ? "no HOST given; see reprise load --help"
                                      : "one HOST only; see reprise load --help");
        return RP_INVALID;
    }
    if (endpoint_parse(argv[optind], 443, &out->target, err) != RP_OK) {
        return RP_INVALID;
    }
    return finish(out, &request, by_time, err);
}
