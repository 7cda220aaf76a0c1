/* The cipher suites that we have. */
#ifndef RAW_SUITE_H
#define RAW_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum raw_exchange {
    RAW_EXCHANGE_ANY,   /* TLS 1.3 */
    RAW_EXCHANGE_ECDHE, /* signed by the server */
    RAW_EXCHANGE_RSA,   /* encrypted to the server */
};

enum raw_protection {
    RAW_PROTECT_GCM,
    RAW_PROTECT_CHACHA,
    RAW_PROTECT_CBC, /* MAC, then encrypt */
};

struct raw_suite {
    uint16_t id;
    const char *name; /* of IANA */
    bool tls13;
    enum raw_exchange exchange;
    enum raw_protection protection;
    const EVP_CIPHER *(*cipher)(void);
    const EVP_MD *(*mac)(void);  /* CBC only */
    const EVP_MD *(*hash)(void); /* PRF or HKDF, and transcript */
    size_t key_len;
    size_t iv_len; /* that is derived */
    size_t mac_len;
};

/* NULL if it is not ours. */
const struct raw_suite *raw_suite_find(uint16_t id);

/* The i-th in the order in which we offer them; NULL beyond the last. */
const struct raw_suite *raw_suite_at(size_t i);

#endif
