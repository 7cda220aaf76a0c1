/*
 * Session ticket key files of any server (docs/formats/tickets.md). One file can often be read in
 * more ways than one: 48 bytes are nginx's or Apache's, whose orders differ, and nothing in the
 * file says which. So every way is given; a ticket whose MAC comes out tells the right one.
 */
#ifndef KEY_FILE_FOREIGN_H
#define KEY_FILE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, order in the file, servers that write it so */
#define KEY_ORDER_MAP(X)                                                                           \
    X(AH48, "name 16, AES-128, HMAC 16", "nginx, HAProxy, nghttpx")                                \
    X(HA48, "name 16, HMAC 16, AES-128", "Apache httpd, Traffic Server, Node.js, BoringSSL's API") \
    X(HA80, "name 16, HMAC 32, AES-256", "nginx, Envoy, OpenSSL's API")                            \
    X(AH80, "name 16, AES-256, HMAC 32", "HAProxy, nghttpx, dnsdist, lua-resty")                   \
    X(AH64, "name 16, AES-256, HMAC 16", "dnsdist with GnuTLS")                                    \
    X(LIGHTTPD, "version, activation, expiry, name 16, HMAC 32, AES-256", "lighttpd")              \
    X(H2O, "YAML; AES, then HMAC", "h2o")                                                          \
    X(GO_SEED, "seed 32: SHA-512 of it is name 16, AES-128, HMAC 16", "Go")

enum key_order {
#define KEY_ORDER_ENUM(name, order, servers) KEY_ORDER_##name,
    KEY_ORDER_MAP(KEY_ORDER_ENUM)
#undef KEY_ORDER_ENUM
};

const char *key_order_text(enum key_order order);
const char *key_order_servers(enum key_order order);

#define FOREIGN_KEY_NAME_LEN 16

struct foreign_key {
    enum key_order order;
    bool base64;    /* a line of text, as HAProxy has it */
    unsigned index; /* which key of the file, from 0 */
    uint8_t name[FOREIGN_KEY_NAME_LEN];
    uint8_t aes[32];  /* secret; GO_SEED: the seed, and name and hmac are empty */
    uint8_t aes_len;  /* 16 or 32 */
    uint8_t hmac[64]; /* secret */
    uint8_t hmac_len;
};

#define KEY_FILE_FOREIGN_MAX 65536 /* bytes of a file */
#define KEY_FILE_FOREIGN_READINGS 1024

/*
 * All ways of reading a file of n bytes: how many, at most room, which is enough if it is
 * KEY_FILE_FOREIGN_READINGS. 0: it is no key file. Keys are not judged.
 */
size_t key_file_foreign_decode(const uint8_t *p, size_t n, struct foreign_key *out, size_t room);

#endif
