#include "redis_url.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "error.h"
#include "hex.h"
#include "memory.h"
#include "number.h"
#include "text.h"

#define TCP_SCHEME "redis://"
#define UNIX_SCHEME "redis+unix://"
#define PORT "6379"
#define LOOKUP_S 3
#define EACH_MAX 4 /* addresses of a name that are used */

struct span {
    const char *at;
    size_t len;
};

/* False: too long. */
static bool copy_span(struct span span, char *out, size_t size)
{
    struct text t = text_of(out, size);

    text_add_n(&t, span.at, span.len);
    return !t.cut && memchr(span.at, '\0', span.len) == NULL;
}

/* What is before the first c, and not c, goes from *span; false: there is no c. */
static bool split(struct span *span, char c, struct span *before)
{
    const char *const at = span->len != 0 ? memchr(span->at, c, span->len) : NULL;

    if (at == NULL) {
        return false;
    }
    *before = (struct span){span->at, (size_t)(at - span->at)};
    span->len -= before->len + 1;
    span->at = at + 1;
    return true;
}

static bool decode_word(struct span span, char out[static REDIS_WORD_SIZE])
{
    struct text t = text_of(out, REDIS_WORD_SIZE);

    for (size_t i = 0; i < span.len; i++) {
        uint8_t c = (uint8_t)span.at[i];
        size_t len;

        if (c == '%') {
            if (span.len - i < 3 || !hex_decode(span.at + i + 1, 2, &c, 1, &len) || c == 0) {
                return false;
            }
            i += 2;
        }
        text_add_char(&t, (char)c);
    }
    return !t.cut;
}

/* user:password@, where it is there. */
static bool parse_credentials(struct span *authority, struct redis_url *out, struct rp_error *err)
{
    struct span credentials = {authority->at, 0};
    struct span user;

    for (size_t i = 0; i < authority->len; i++) {
        if (authority->at[i] == '@') {
            credentials.len = i + 1;
        }
    }
    if (credentials.len == 0) {
        return true;
    }
    authority->at += credentials.len;
    authority->len -= credentials.len;
    credentials.len--;
    if (!split(&credentials, ':', &user) || !decode_word(user, out->user) ||
        !decode_word(credentials, out->password) || out->password[0] == '\0') {
        error_set(err, "what is before the @ of a redis store is user:password or :password");
        return false;
    }
    return true;
}

static bool parse_number(struct span span, uint64_t max, uint64_t *out)
{
    char text[8];

    return copy_span(span, text, sizeof text) && number_parse(text, max, out);
}

/* [host]:port, host:port, or without a port. */
static bool split_host(struct span span, struct redis_host *host)
{
    struct span name;
    struct span rest = span;
    uint64_t port;

    host->bracketed = span.len != 0 && span.at[0] == '[';
    if (host->bracketed) {
        rest = (struct span){span.at + 1, span.len - 1};
        if (!split(&rest, ']', &name) || (rest.len != 0 && rest.at[0] != ':')) {
            return false;
        }
        rest.at += rest.len != 0;
        rest.len -= rest.len != 0;
        if (rest.len == 0) {
            rest = (struct span){PORT, sizeof(PORT) - 1};
        }
    } else if (!split(&rest, ':', &name)) {
        name = span;
        rest = (struct span){PORT, sizeof(PORT) - 1};
    }
    return name.len != 0 && copy_span(name, host->name, sizeof host->name) &&
           copy_span(rest, host->port, sizeof host->port) && parse_number(rest, 65535, &port) &&
           port != 0;
}

static bool host_valid(const struct redis_host *host)
{
    struct in6_addr address;

    if (host->bracketed) {
        return inet_pton(AF_INET6, host->name, &address) == 1;
    }
    for (const char *p = host->name; *p != '\0'; p++) {
        const char c = *p;

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_')) {
            return false;
        }
    }
    return true;
}

static bool parse_hosts(struct span authority, struct redis_url *out, struct rp_error *err)
{
    for (bool more = true; more;) {
        struct span one = authority;
        struct redis_host *const host = &out->hosts[out->n_hosts];

        if (out->n_hosts == REDIS_HOSTS_MAX) {
            error_set(err, "a redis store has at most %d addresses", REDIS_HOSTS_MAX);
            return false;
        }
        more = split(&authority, ',', &one);
        if (!split_host(one, host) || !host_valid(host)) {
            error_set(err,
                      "%.*s is no address of a redis store; it is HOST, HOST:PORT or "
                      "[IPV6]:PORT",
                      (int)(one.len < 100 ? one.len : 100), one.at);
            return false;
        }
        out->n_hosts++;
    }
    return true;
}

static bool parse_db(struct span span, struct redis_url *out, struct rp_error *err)
{
    uint64_t db = 0;

    if (span.len != 0 && !parse_number(span, REDIS_DB_MAX, &db)) {
        error_set(err, "the database of a redis store is a number, as in redis://HOST/0");
        return false;
    }
    out->db = (unsigned)db;
    return true;
}

static bool parse_unix(struct span rest, struct redis_url *out, struct rp_error *err)
{
    struct span authority = {rest.at, strcspn(rest.at, "/")};
    struct span path;
    const char *const query = strstr(rest.at, "?db=");

    if (!parse_credentials(&authority, out, err)) {
        return false;
    }
    path.at = authority.at + authority.len;
    path.len = query != NULL ? (size_t)(query - path.at) : strlen(path.at);
    if (authority.len != 0 || path.len < 2 || !copy_span(path, out->path, sizeof out->path)) {
        error_set(err,
                  "the socket of a redis store is an absolute path of at most %zu characters, "
                  "as in redis+unix:///run/redis/redis.sock",
                  sizeof out->path - 1);
        return false;
    }
    return query == NULL || parse_db((struct span){query + 4, strlen(query + 4)}, out, err);
}

bool redis_url_parse(const char *s, struct redis_url *out, struct rp_error *err)
{
    const size_t len = strlen(s);
    struct span authority;
    struct span rest;

    memset(out, 0, sizeof *out);
    if (strncmp(s, UNIX_SCHEME, sizeof(UNIX_SCHEME) - 1) == 0) {
        rest.at = s + sizeof(UNIX_SCHEME) - 1;
        rest.len = len - (sizeof(UNIX_SCHEME) - 1);
        return parse_unix(rest, out, err);
    }
    if (strncmp(s, TCP_SCHEME, sizeof(TCP_SCHEME) - 1) != 0) {
        error_set(err, "a redis store is redis://HOST:PORT or redis+unix:///PATH");
        return false;
    }
    rest.at = s + sizeof(TCP_SCHEME) - 1;
    rest.len = len - (sizeof(TCP_SCHEME) - 1);
    authority = rest;
    if (split(&rest, '/', &authority)) {
        if (!parse_db(rest, out, err)) {
            return false;
        }
    }
    return parse_credentials(&authority, out, err) && parse_hosts(authority, out, err);
}

static void add_target(struct redis_targets *out, const void *address, size_t len,
                       const struct redis_host *host)
{
    struct redis_target *const target = &out->at[out->n];
    struct text t = text_of(target->text, sizeof target->text);

    if (out->n == REDIS_TARGETS_MAX || len > sizeof target->address) {
        return;
    }
    memcpy(&target->address, address, len);
    target->len = (socklen_t)len;
    text_addf(&t, host->bracketed ? "[%s]:%s" : "%s:%s", host->name, host->port);
    out->n++;
}

static bool add_numeric(struct redis_targets *out, const struct redis_host *host)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    uint64_t port = 0;

    (void)number_parse(host->port, 65535, &port);
    if (inet_pton(AF_INET, host->name, &in.sin_addr) == 1) {
        in.sin_port = htons((uint16_t)port);
        add_target(out, &in, sizeof in, host);
        return true;
    }
    if (inet_pton(AF_INET6, host->name, &in6.sin6_addr) == 1) {
        in6.sin6_port = htons((uint16_t)port);
        add_target(out, &in6, sizeof in6, host);
        return true;
    }
    return false;
}

/* A question to the C library's resolver, which may go on with it after we have given up. */
struct lookup {
    struct gaicb request;
    struct gaicb *list[1];
    struct addrinfo hints;
    struct redis_host host;
};

static struct lookup *begin_lookup(const struct redis_host *host)
{
    struct lookup *const lookup = memory_new(1, sizeof *lookup);

    if (lookup == NULL) {
        return NULL;
    }
    lookup->host = *host;
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->hints.ai_flags = AI_NUMERICSERV;
    lookup->request.ar_name = lookup->host.name;
    lookup->request.ar_service = lookup->host.port;
    lookup->request.ar_request = &lookup->hints;
    lookup->list[0] = &lookup->request;
    if (getaddrinfo_a(GAI_NOWAIT, lookup->list, 1, NULL) != 0) {
        memory_free(lookup);
        return NULL;
    }
    return lookup;
}

/* Whether it came to an end; what cannot be stopped keeps its memory. */
static bool end_lookup(struct lookup *lookup, time_t patience_s, struct redis_targets *out)
{
    const struct timespec patience = {.tv_sec = patience_s};
    const struct gaicb *const list[] = {&lookup->request};
    bool found = false;
    size_t n = 0;

    if (gai_error(&lookup->request) == EAI_INPROGRESS) {
        (void)gai_suspend(list, 1, &patience);
    }
    if (gai_error(&lookup->request) == EAI_INPROGRESS &&
        gai_cancel(&lookup->request) != EAI_CANCELED) {
        return false;
    }
    if (gai_error(&lookup->request) == 0) {
        for (const struct addrinfo *a = lookup->request.ar_result; a != NULL && n < EACH_MAX;
             a = a->ai_next, n++) {
            add_target(out, a->ai_addr, a->ai_addrlen, &lookup->host);
            found = true;
        }
        freeaddrinfo(lookup->request.ar_result);
    }
    memory_free(lookup);
    return found;
}

void redis_url_resolve(const struct redis_url *url, struct redis_targets *out, struct rp_error *err)
{
    struct lookup *lookups[REDIS_HOSTS_MAX] = {NULL};
    time_t patience_s = LOOKUP_S;

    memset(out, 0, sizeof *out);
    error_clear(err);
    if (url->path[0] != '\0') {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        struct text t = text_of(out->at[0].text, sizeof out->at[0].text);

        memcpy(un.sun_path, url->path, strlen(url->path) + 1);
        memcpy(&out->at[0].address, &un, sizeof un);
        out->at[0].len = sizeof un;
        text_add(&t, url->path);
        out->n = 1;
        return;
    }
    for (size_t i = 0; i < url->n_hosts; i++) {
        struct redis_targets none = {.n = 0};

        lookups[i] = add_numeric(&none, &url->hosts[i]) ? NULL : begin_lookup(&url->hosts[i]);
    }
    for (size_t i = 0; i < url->n_hosts; i++) {
        if (lookups[i] == NULL && add_numeric(out, &url->hosts[i])) {
            continue;
        }
        if (lookups[i] == NULL || !end_lookup(lookups[i], patience_s, out)) {
            /* They were all asked at once, so the others have had as long. */
            patience_s = 0;
            error_add(err, "%s%s", err->text[0] != '\0' ? ", " : "", url->hosts[i].name);
        }
    }
}
