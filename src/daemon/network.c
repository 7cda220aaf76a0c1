#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "address.h"
#include "number.h"
#include "text.h"

#define MAPPED_BITS 96 /* of ::ffff:0:0/96 */

static unsigned width_of(const struct network *network)
{
    return network->family == AF_INET ? 32 : 128;
}

/* The first n bits are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned n)
{
    const unsigned n_bytes = n / 8;
    const unsigned rest = n % 8;

    return memcmp(a, b, n_bytes) == 0 &&
           (rest == 0 || ((a[n_bytes] ^ b[n_bytes]) & (0xff00 >> rest) & 0xff) == 0);
}

static bool is_zero_behind_prefix(const struct network *network)
{
    for (unsigned bit = network->n_bits; bit < width_of(network); bit++) {
        if ((network->bytes[bit / 8] & (0x80 >> bit % 8)) != 0) {
            return false;
        }
    }
    return true;
}

/* What IPv6 says of IPv4 is said in IPv4. */
static void unmap(struct network *network)
{
    struct in6_addr v6;

    memcpy(&v6, network->bytes, sizeof v6);
    if (network->family == AF_INET6 && network->n_bits >= MAPPED_BITS &&
        IN6_IS_ADDR_V4MAPPED(&v6)) {
        network->family = AF_INET;
        network->n_bits -= MAPPED_BITS;
        memset(network->bytes, 0, sizeof network->bytes);
        memcpy(network->bytes, &v6.s6_addr[12], 4);
    }
}

bool network_parse(const char *s, struct network *out)
{
    const char *const slash = strchr(s, '/');
    const size_t n = slash != NULL ? (size_t)(slash - s) : strlen(s);
    char host[INET6_ADDRSTRLEN];
    struct text t = text_of(host, sizeof host);
    uint64_t n_bits;

    *out = (struct network){.family = AF_INET};
    text_add_n(&t, s, n);
    if (t.cut) {
        return false;
    }
    if (inet_pton(AF_INET, host, out->bytes) != 1) {
        out->family = AF_INET6;
        if (inet_pton(AF_INET6, host, out->bytes) != 1) {
            return false;
        }
    }
    n_bits = width_of(out);
    if (slash != NULL && !number_parse(slash + 1, width_of(out), &n_bits)) {
        return false;
    }
    out->n_bits = (unsigned)n_bits;
    if (!is_zero_behind_prefix(out)) {
        return false;
    }
    unmap(out);
    return true;
}

bool network_of(const struct address *address, struct network *out)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;

    *out = (struct network){.family = address->storage.ss_family};
    switch (out->family) {
    case AF_INET:
        memcpy(out->bytes, &in->sin_addr, 4);
        break;
    case AF_INET6:
        memcpy(out->bytes, &in6->sin6_addr, 16);
        break;
    default:
        return false;
    }
    out->n_bits = width_of(out);
    unmap(out);
    return true;
}

bool network_has(const struct network *network, const struct network *a)
{
    return network->family == a->family && same_bits(network->bytes, a->bytes, network->n_bits);
}
