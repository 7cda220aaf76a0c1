/*
 * The PROXY protocol, versions 1 and 2 (docs/formats/proxy-protocol.md): the header before a
 * connection's first byte that says who the client was.
 */
#ifndef PROXY_PROTOCOL_H
#define PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_V1_MAX 107   /* bytes, with CR LF */
#define PROXY_TEXT_MAX 255 /* of any text in a header; longer ones are left out */

/* Of any header that proxy_encode_v2 writes. */
#define PROXY_V2_MAX (16 + 36 + 9 * 3 + 5 + 7 * PROXY_TEXT_MAX + 2)

enum proxy_family { PROXY_UNKNOWN, PROXY_TCP4, PROXY_TCP6 };

/* Addresses are in network order, the first 4 bytes for IPv4; ports in ours. */
struct proxy_addresses {
    enum proxy_family family; /* PROXY_UNKNOWN: nothing else is set */
    uint8_t source[16];
    uint8_t destination[16];
    uint16_t source_port;
    uint16_t destination_port;
};

/* Writing. */

/* What version 2 tells besides the addresses. Texts are borrowed; NULL: there is none. */
struct proxy_facts {
    const uint8_t *alpn;
    size_t alpn_len;
    const char *authority;
    bool presented;       /* a certificate, on this connection */
    bool has_certificate; /* the session has one */
    uint32_t verify;      /* X509_V_OK: it is good */
    const char *version;
    const char *cipher;
    const char *common_name; /* of the client's certificate */
    const char *sig_alg;     /* of ours */
    const char *key_alg;
    bool resumed;
    uint8_t mechanism; /* as the page says */
};

/* Return the length. PROXY_UNKNOWN is written as UNKNOWN in version 1, as LOCAL in version 2. */
size_t proxy_encode_v1(const struct proxy_addresses *a, uint8_t out[static PROXY_V1_MAX]);
size_t proxy_encode_v2(const struct proxy_addresses *a, const struct proxy_facts *facts,
                       uint8_t out[static PROXY_V2_MAX]);

/* Reading. */

enum proxy_progress {
    PROXY_MORE,    /* all that was given belongs to the header, which is not complete */
    PROXY_DONE,    /* addresses is set */
    PROXY_REFUSED, /* why says what is wrong */
};

/* Begins as zeroes. */
struct proxy_decoder {
    struct proxy_addresses addresses; /* PROXY_UNKNOWN: the real peer is the client */
    const char *why;                  /* static storage */
    uint8_t head[PROXY_V1_MAX];       /* what came so far, as far as it is looked at */
    size_t n;
    uint32_t n_skip; /* bytes of version 2 still to come that nobody looks at */
};

/*
 * Looks at the next n bytes, n > 0, and says in *taken how many of them belong to the header; the
 * rest is not to be given again, it is not ours. Not called again after PROXY_DONE or
 * PROXY_REFUSED.
 */
enum proxy_progress proxy_decode(struct proxy_decoder *d, const uint8_t *p, size_t n,
                                 size_t *taken);

#endif
