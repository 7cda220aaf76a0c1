/*
 * Session ticket key files as other servers want them: all keys of a server in one piece, written
 * and read (docs/formats/key-files.md). key_file_foreign.h guesses at a file of which nothing is
 * known; here the format is.
 */
#ifndef KEY_FORMAT_H
#define KEY_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key_file.h"

/* name, word in configuration and command line, servers */
#define KEY_FORMAT_MAP(X)                                                                          \
    X(NGINX, "nginx", "nginx, Envoy (80 bytes)")                                                   \
    X(HAPROXY, "haproxy", "HAProxy")                                                               \
    X(APACHE, "apache", "Apache httpd, Node.js, BoringSSL's API")                                  \
    X(TRAFFICSERVER, "trafficserver", "Traffic Server")                                            \
    X(LIGHTTPD, "lighttpd", "lighttpd")                                                            \
    X(H2O, "h2o", "h2o")                                                                           \
    X(NGHTTPX, "nghttpx", "nghttpx, lua-resty")                                                    \
    X(DNSDIST, "dnsdist", "dnsdist with OpenSSL")                                                  \
    X(DNSDIST_GNUTLS, "dnsdist-gnutls", "dnsdist with GnuTLS")

enum key_format {
#define KEY_FORMAT_ENUM(name, word, servers) KEY_FORMAT_##name,
    KEY_FORMAT_MAP(KEY_FORMAT_ENUM)
#undef KEY_FORMAT_ENUM
        KEY_FORMATS
};

#define KEY_HMAC_REST 48

enum key_role { KEY_SEALS, KEY_NEXT, KEY_OPENS };

struct format_key {
    struct stek stek; /* secret */
    enum key_role role;
    int64_t begins_s; /* unix time; written only where a format has dates */
    int64_t ends_s;
    /* Secret. h2o alone: what its HMAC key, of 64 bytes, has beyond key_len; zeroes mean that the
     * STEK is all there is, and without them the key can be written for no other server. */
    uint8_t hmac_rest[KEY_HMAC_REST];
};

/* What a format can hold. */
struct key_format_traits {
    bool takes_short; /* 48-byte keys, AES-128 */
    bool takes_long;  /* 80 bytes, AES-256 */
    bool mixed;       /* both lengths in one file */
    bool dated;
    unsigned least; /* keys in a file */
    unsigned most;  /* 0: any number; where more would be read, the server forgets them */
};

#define KEY_FORMAT_KEYS_MAX 1024
#define KEY_FORMAT_BYTES_MAX (512 * 1024)

bool key_format_parse(const char *word, enum key_format *out);
const char *key_format_text(enum key_format format);
const char *key_format_servers(enum key_format format);
const struct key_format_traits *key_format_traits(enum key_format format);

/*
 * The file's bytes, in the order in which its server seals by the one whose role is KEY_SEALS and
 * opens by all; 0: the keys do not fit the format, or n bytes are too few; key_format_size is
 * enough. They fit if their lengths and their number do, and no end is before its begin; and, but
 * where a file has one key, of whatever role, exactly one seals, and for HAProxy one is next. Of
 * those that only open, order is kept. The caller wipes out.
 *
 * lighttpd's dates are of 31 bits, later ones become the last. dnsdist's with GnuTLS has the first
 * half of the HMAC key.
 */
size_t key_format_write(enum key_format format, const struct format_key *keys, size_t n_keys,
                        uint8_t *out, size_t n);
size_t key_format_size(enum key_format format, size_t n_keys);

/*
 * The keys of a file of n bytes, in its order, with the roles that its server gives them at now_s
 * (unix time). How many; 0: it is no such file, or holds more than room (or of h2o, other
 * algorithms). Does not judge them: there may be fewer keys than the server asks for, or none that
 * seals now.
 */
size_t key_format_read(enum key_format format, const uint8_t *p, size_t n, int64_t now_s,
                       struct format_key *out, size_t room);

/* The roles of keys in the order of a file of theirs; for several files of one key each, too. */
void key_format_give_roles(enum key_format format, struct format_key *keys, size_t n,
                           int64_t now_s);

/* Whether all of it is in its STEK. */
bool format_key_is_stek(const struct format_key *key);

#endif
