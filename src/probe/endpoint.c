#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "number.h"
#include "text.h"

static bool is_literal(const char *host)
{
    unsigned char buffer[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, buffer) == 1 || inet_pton(AF_INET6, host, buffer) == 1;
}

/* The zone of an IPv6 address (RFC 4007 section 11) is this host's, and the dot at the end of a
 * name the resolver's: neither is for a server to see (RFC 6066 section 3). */
static void set_name(struct endpoint *e)
{
    const char *const zone = strchr(e->host, '%');
    const size_t len = strlen(e->host);
    const bool has_zone = zone != NULL && zone[1] != '\0' && strchr(e->host, ':') != NULL;
    const bool has_dot = len != 0 && e->host[len - 1] == '.';
    struct text t = text_of(e->name, sizeof e->name);

    text_add_n(&t, e->host, has_zone ? (size_t)(zone - e->host) : has_dot ? len - 1 : len);
}

/* 0: nothing in it that no name has; else the first byte that is. */
static unsigned char odd_byte(const char *s)
{
    for (; *s != '\0'; s++) {
        const unsigned char c = (unsigned char)*s;

        if (c <= 0x20 || c >= 0x7f || c == '/') {
            return c;
        }
    }
    return 0;
}

static enum rp_status check_host(const struct endpoint *e, const char *s, struct rp_error *err)
{
    const unsigned char odd = odd_byte(e->host);

    if (odd >= 0x80) {
        error_set(err, "\"%s\" is not ASCII: give the name as DNS has it (xn--...)", s);
        return RP_INVALID;
    }
    if (odd != 0 || e->name[0] == '\0' || (strchr(e->host, ':') != NULL && !e->literal)) {
        error_set(err, "\"%s\" is not a host name or an IP address", s);
        return RP_INVALID;
    }
    return RP_OK;
}

/* Finds where the host ends and the port, if any, begins; false if brackets do not match. */
static bool split(const char *s, const char **host, size_t *host_len, const char **port)
{
    const char *colon = strchr(s, ':');

    *host = s;
    *port = NULL;
    if (s[0] == '[') {
        const char *end = strchr(s, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return false;
        }
        *host = s + 1;
        *host_len = (size_t)(end - *host);
        *port = end[1] == ':' ? end + 2 : NULL;
    } else if (colon == NULL || strchr(colon + 1, ':') != NULL) {
        *host_len = strlen(s); /* a name, or an IPv6 address without brackets */
    } else {
        *host_len = (size_t)(colon - s);
        *port = colon + 1;
    }
    return true;
}

enum rp_status endpoint_parse(const char *s, uint16_t default_port, struct endpoint *out,
                              struct rp_error *err)
{
    const char *host;
    const char *port;
    size_t host_len;
    uint64_t number = default_port;
    struct text t = text_of(out->host, sizeof out->host);

    if (strstr(s, "://") != NULL) {
        error_set(err, "\"%s\" is a URL: give its HOST or HOST:PORT alone", s);
        return RP_INVALID;
    }
    if (!split(s, &host, &host_len, &port) || host_len == 0) {
        error_set(err, "\"%s\" is not HOST or HOST:PORT", s);
        return RP_INVALID;
    }
    if (port != NULL && (!number_parse(port, 65535, &number) || number == 0)) {
        error_set(err, "\"%s\": the port must be a number from 1 to 65535", s);
        return RP_INVALID;
    }
    text_add_n(&t, host, host_len);
    out->port = (uint16_t)number;
    set_name(out);
    out->literal = is_literal(out->name);
    if (t.cut) {
        error_set(err, "\"%s\" is longer than a host name can be", s);
        return RP_INVALID;
    }
    return check_host(out, s, err);
}

static void describe(struct peer_address *a)
{
    char host[64] = "?";
    char port[8] = "?";
    struct text t = text_of(a->text, sizeof a->text);

    (void)getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    text_addf(&t, a->sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

enum rp_status endpoint_resolve(const struct endpoint *endpoint, struct peer_address *out,
                                size_t room, size_t *n, struct rp_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags =
                                       AI_NUMERICSERV | (endpoint->literal ? AI_NUMERICHOST : 0)};
    struct addrinfo *list = NULL;
    char port[8];
    struct text t = text_of(port, sizeof port);
    int failure;

    *n = 0;
    text_addf(&t, "%u", (unsigned)endpoint->port);
    failure = getaddrinfo(endpoint->host, port, &hints, &list);
    if (failure != 0) {
        error_set(err, "cannot resolve %s: %s", endpoint->host,
                  failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
        return RP_NOT_FOUND;
    }
    for (const struct addrinfo *i = list; i != NULL && *n < room; i = i->ai_next) {
        struct peer_address *a = &out[*n];

        if (i->ai_addrlen <= sizeof a->sa) {
            memcpy(&a->sa, i->ai_addr, i->ai_addrlen);
            a->len = i->ai_addrlen;
            describe(a);
            (*n)++;
        }
    }
    freeaddrinfo(list);
    if (*n == 0) {
        error_set(err, "%s has no address", endpoint->host);
        return RP_NOT_FOUND;
    }
    return RP_OK;
}

static bool reachable(const struct peer_address *a, int timeout_ms)
{
    const int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd wait = {fd, POLLOUT, 0};
    int failure = 0;
    socklen_t len = sizeof failure;
    bool ok = false;

    if (fd < 0) {
        return false;
    }
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0) {
        ok = true;
    } else if (errno == EINPROGRESS && poll(&wait, 1, timeout_ms) == 1) {
        ok = getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 && failure == 0;
    }
    (void)close(fd);
    return ok;
}

size_t endpoint_first_reachable(const struct peer_address *addresses, size_t n, int timeout_ms)
{
    for (size_t i = 0; i < n; i++) {
        if (reachable(&addresses[i], timeout_ms)) {
            return i;
        }
    }
    return n;
}
