/*
 * The extensions of a ClientHello that decide about resumption, as bodies (without type and
 * length). All input is the peer's.
 */
#ifndef HELLO_EXT_H
#define HELLO_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_SNI_MAX 255

/*
 * server_name (RFC 6066 section 3): exactly one host_name of 1 to 255 bytes without NUL, trailing
 * bytes refused. out: lower case (ASCII), one trailing dot removed, NUL-terminated; empty on
 * failure.
 */
bool hello_sni_decode(const uint8_t *body, size_t n, char out[static HELLO_SNI_MAX + 1]);

struct hello_psk_offer {
    unsigned n_identities;
    size_t longest; /* bytes of the longest identity */
};

/*
 * pre_shared_key (RFC 8446 section 4.2.11) of a ClientHello: at least one identity, none empty, and
 * as many binders of 32 to 255 bytes. Contents are not looked at. On failure out is all zeroes.
 */
bool hello_psk_decode(const uint8_t *body, size_t n, struct hello_psk_offer *out);

#endif
