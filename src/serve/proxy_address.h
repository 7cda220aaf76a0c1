/* Between socket addresses and the addresses of a PROXY protocol header. */
#ifndef PROXY_ADDRESS_H
#define PROXY_ADDRESS_H

#include "address.h"
#include "proxy_protocol.h"

/*
 * Two internet addresses; IPv4 in IPv6 becomes IPv4 where both are. PROXY_UNKNOWN if either is no
 * internet address.
 */
void proxy_address_of(const struct address *source, const struct address *destination,
                      struct proxy_addresses *out);

/* The two of a header that told some. */
void proxy_address_source(const struct proxy_addresses *a, struct address *out);
void proxy_address_destination(const struct proxy_addresses *a, struct address *out);

#endif
