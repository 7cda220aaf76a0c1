/* The PROXY protocol header that a backend gets first (docs/formats/proxy-protocol.md). */
#ifndef GREETING_H
#define GREETING_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "config.h"
#include "proxy_protocol.h"
#include "sites_visit.h"

/* After the handshake. version is not CONFIG_PROXY_OFF. Returns the length. */
size_t greeting_write(enum config_proxy_protocol version, const struct proxy_addresses *addresses,
                      const SSL *ssl, const struct sites_visit *visit,
                      uint8_t out[static PROXY_V2_MAX]);

#endif
