/*
 * Reads the ASN.1 SSL_SESSION that OpenSSL and its relatives seal in tickets and write to session
 * files (ssl/ssl_asn1.c): what session_der.h writes, and every field that OpenSSL, LibreSSL and
 * BoringSSL add. Tags from 13 on mean different things to different libraries; a getter looks at
 * the inner type too. Input is whatever a ticket decrypted to.
 */
#ifndef SESSION_ASN1_H
#define SESSION_ASN1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_ASN1_TAGS 31
#define SESSION_ASN1_MASTER_MAX 256 /* a PSK of TLS 1.3 */

enum session_asn1_tag {
    SESSION_ASN1_TIME = 1,
    SESSION_ASN1_TIMEOUT = 2,
    SESSION_ASN1_PEER = 3,
    SESSION_ASN1_ID_CONTEXT = 4,
    SESSION_ASN1_VERIFY_RESULT = 5,
    SESSION_ASN1_HOSTNAME = 6,
    SESSION_ASN1_LIFETIME_HINT = 9,
    SESSION_ASN1_TICKET = 10,
    SESSION_ASN1_FLAGS = 13,
    SESSION_ASN1_AGE_ADD = 14,
    SESSION_ASN1_MAX_EARLY_DATA = 15,
    SESSION_ASN1_ALPN = 16,
    SESSION_ASN1_APPDATA = 18,
    SESSION_ASN1_GROUP = 19,
};

#define SESSION_ASN1_FLAG_EMS 1 /* of SESSION_ASN1_FLAGS */

/* The content of an explicitly tagged field; p NULL: absent. */
struct session_asn1_field {
    const uint8_t *p; /* of PEER: the whole certificate in DER */
    size_t n;
    uint8_t type; /* the inner tag: 2 INTEGER, 4 OCTET STRING, 0x30 SEQUENCE, ... */
};

/* All pointers are into what was decoded. */
struct session_asn1 {
    uint16_t version; /* 0x0300 to 0x0304, 0xfeff, 0xfefd */
    uint16_t cipher;
    const uint8_t *session_id;
    size_t session_id_len; /* at most 32 */
    const uint8_t *master; /* secret */
    size_t master_len;     /* at most SESSION_ASN1_MASTER_MAX */
    struct session_asn1_field fields[SESSION_ASN1_TAGS];
    bool boring; /* in BoringSSL's form: tag 13 and later are its own */
};

/* False, and out all zeroes: malformed, a value out of range, or bytes left over. */
bool session_asn1_decode(const uint8_t *p, size_t n, struct session_asn1 *out);

/*
 * The length of the structure whose first bytes these are, header included; 0 if they cannot be the
 * start of one. 16 bytes say all; by chance random ones pass less than once in 2^70 times.
 */
size_t session_asn1_len(const uint8_t start[static 16]);

/* False if the field is absent or not of this type. Numbers are not negative. */
bool session_asn1_number(const struct session_asn1 *s, enum session_asn1_tag tag, uint64_t *out);
bool session_asn1_octets(const struct session_asn1 *s, enum session_asn1_tag tag, const uint8_t **p,
                         size_t *n);

bool session_asn1_ems(const struct session_asn1 *s);

#endif
