/* What is said to a server beside TLS: a request, and the protocols that ALPN offers. */
#ifndef PROBE_REQUEST_H
#define PROBE_REQUEST_H

#include <reprise/status.h>

#include "probe_options.h"

/* Once the other options are known. method, alpn: as given, NULL: the default. */
enum rp_status probe_request_build(struct probe_options *o, const char *method, const char *alpn,
                                   struct rp_error *err) RP_MUST_USE;

#endif
