/* The host in a Host field or in the authority of a request target (RFC 9110 section 7.2). */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <stdbool.h>

#define AUTHORITY_HOST_MAX 255

/*
 * value is host[:port]. out: the host without port, lower case, one trailing dot removed; an IPv6
 * address keeps its brackets. False for what no URI has there, user information among it.
 */
bool authority_host(const char *value, char out[static AUTHORITY_HOST_MAX + 1]);

#endif
