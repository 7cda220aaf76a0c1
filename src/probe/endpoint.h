/* Where to connect: HOST[:PORT] as people write it, and the socket addresses that it stands for. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <reprise/status.h>

#define ENDPOINT_HOST_SIZE 256

struct endpoint {
    char host[ENDPOINT_HOST_SIZE]; /* as the resolver takes it: without brackets */
    char name[ENDPOINT_HOST_SIZE]; /* as a server knows it: no zone, no dot at the end */
    uint16_t port;
    bool literal; /* an IPv4 or IPv6 address, not a name */
};

struct peer_address {
    struct sockaddr_storage sa;
    socklen_t len;
    char text[72]; /* 192.0.2.1:443, [2001:db8::1]:443 */
};

/* name, name:port, 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1], [2001:db8::1]:443,
 * fe80::1%eth0, [fe80::1%eth0]:443. A name is ASCII. */
enum rp_status endpoint_parse(const char *s, uint16_t default_port, struct endpoint *out,
                              struct rp_error *err) RP_MUST_USE;

/* At most room addresses in the resolver's order, at least one. Blocks while it asks. */
enum rp_status endpoint_resolve(const struct endpoint *endpoint, struct peer_address *out,
                                size_t room, size_t *n, struct rp_error *err) RP_MUST_USE;

/* The first that takes a TCP connection within timeout_ms; n if none does. Blocks. */
size_t endpoint_first_reachable(const struct peer_address *addresses, size_t n, int timeout_ms);

#endif
