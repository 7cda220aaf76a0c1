#include "proxy_address.h"

#include <netinet/in.h>
#include <string.h>

#include "network.h"

/* ::ffff:a.b.c.d */
static void map(uint8_t bytes[static 16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(bytes + sizeof prefix, bytes, 4);
    memcpy(bytes, prefix, sizeof prefix);
}

static void copy(const struct network *a, bool v6, uint8_t out[static 16])
{
    memcpy(out, a->bytes, sizeof a->bytes);
    if (v6 && a->family == AF_INET) {
        map(out);
    }
}

void proxy_address_of(const struct address *source, const struct address *destination,
                      struct proxy_addresses *out)
{
    struct network from;
    struct network to;
    bool v6;

    *out = (struct proxy_addresses){.family = PROXY_UNKNOWN};
    if (!network_of(source, &from) || !network_of(destination, &to)) {
        return;
    }
    v6 = from.family == AF_INET6 || to.family == AF_INET6;
    out->family = v6 ? PROXY_TCP6 : PROXY_TCP4;
    copy(&from, v6, out->source);
    copy(&to, v6, out->destination);
    out->source_port = (uint16_t)address_port(source);
    out->destination_port = (uint16_t)address_port(destination);
}

static void write_address(enum proxy_family family, const uint8_t bytes[static 16], uint16_t port,
                          struct address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;

    memset(out, 0, sizeof *out);
    if (family == PROXY_TCP6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, bytes, 16);
        out->len = sizeof *in6;
    } else {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, bytes, 4);
        out->len = sizeof *in;
    }
}

void proxy_address_source(const struct proxy_addresses *a, struct address *out)
{
    write_address(a->family, a->source, a->source_port, out);
}

void proxy_address_destination(const struct proxy_addresses *a, struct address *out)
{
    write_address(a->family, a->destination, a->destination_port, out);
}
