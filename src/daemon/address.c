#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "number.h"
#include "text.h"

#define UNIX_PREFIX "unix:"

static bool parse_host(const char *host, bool v6, uint16_t port, struct address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;

    if (v6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        out->len = sizeof *in6;
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out->len = sizeof *in;
    return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

bool address_parse(const char *s, struct address *out)
{
    const char *colon = strrchr(s, ':');
    const bool v6 = s[0] == '[';
    char buffer[ADDRESS_TEXT_SIZE];
    struct text host = text_of(buffer, sizeof buffer);
    uint64_t port;

    memset(out, 0, sizeof *out);
    if (colon == NULL || !number_parse(colon + 1, 65535, &port)) {
        return false;
    }
    if (v6 && (colon - s < 2 || colon[-1] != ']')) {
        return false;
    }
    text_add_n(&host, v6 ? s + 1 : s, (size_t)(colon - s) - (v6 ? 2 : 0));
    return !host.cut && parse_host(host.start, v6, (uint16_t)port, out);
}

bool address_parse_backend(const char *s, struct address *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->storage;
    const size_t prefix = sizeof UNIX_PREFIX - 1;
    size_t n;

    if (strncmp(s, UNIX_PREFIX, prefix) != 0) {
        return address_parse(s, out) && address_port(out) != 0;
    }
    memset(out, 0, sizeof *out);
    n = strlen(s + prefix);
    if (s[prefix] != '/' || n >= sizeof un->sun_path) {
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, s + prefix, n + 1);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return true;
}

unsigned address_port(const struct address *address)
{
    if (address->storage.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(&a->storage, &b->storage, a->len) == 0;
}

bool address_covers(const struct address *a, const struct address *b)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->storage;
    const bool any = a->storage.ss_family == AF_INET6
                         ? IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)
                         : in->sin_addr.s_addr == INADDR_ANY && b->storage.ss_family == AF_INET;

    return address_equal(a, b) || (any && address_port(a) == address_port(b));
}

void address_text(const struct address *address, char out[static ADDRESS_TEXT_SIZE])
{
    const bool v6 = address->storage.ss_family == AF_INET6;
    const void *host =
        v6 ? (const void *)&((const struct sockaddr_in6 *)&address->storage)->sin6_addr
           : &((const struct sockaddr_in *)&address->storage)->sin_addr;
    char buffer[INET6_ADDRSTRLEN] = "";
    struct text t = text_of(out, ADDRESS_TEXT_SIZE);

    (void)inet_ntop(v6 ? AF_INET6 : AF_INET, host, buffer, sizeof buffer);
    text_addf(&t, v6 ? "[%s]:%u" : "%s:%u", buffer, address_port(address));
}
