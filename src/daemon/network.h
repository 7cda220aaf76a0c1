/*
 * Addresses and networks as the configuration names them: 10.0.0.0/8, 2001:db8::/32, 192.0.2.1,
 * ::1. An IPv4 address that came in through an IPv6 socket (::ffff:a.b.c.d) is IPv4 here.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

struct address;

struct network {
    sa_family_t family; /* AF_INET, AF_INET6 */
    uint8_t bytes[16];  /* the first 4 for IPv4; zero behind the prefix */
    unsigned n_bits;    /* of the prefix */
};

/* Without a slash: this one address. Bits behind the prefix that are not zero are refused. */
bool network_parse(const char *s, struct network *out);

/* An internet address alone, its prefix all of its bits; false for any other family. */
bool network_of(const struct address *address, struct network *out);

/* a, network_of an address, lies in the network. */
bool network_has(const struct network *network, const struct network *a);

#endif
