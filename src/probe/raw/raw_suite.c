#include "raw_suite.h"

static const struct raw_suite suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", true, RAW_EXCHANGE_ANY, RAW_PROTECT_GCM, EVP_aes_128_gcm,
     NULL, EVP_sha256, 16, 12, 0},
    {0x1302, "TLS_AES_256_GCM_SHA384", true, RAW_EXCHANGE_ANY, RAW_PROTECT_GCM, EVP_aes_256_gcm,
     NULL, EVP_sha384, 32, 12, 0},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", true, RAW_EXCHANGE_ANY, RAW_PROTECT_CHACHA,
     EVP_chacha20_poly1305, NULL, EVP_sha256, 32, 12, 0},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_GCM,
     EVP_aes_128_gcm, NULL, EVP_sha256, 16, 4, 0},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_GCM,
     EVP_aes_128_gcm, NULL, EVP_sha256, 16, 4, 0},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_GCM,
     EVP_aes_256_gcm, NULL, EVP_sha384, 32, 4, 0},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_GCM,
     EVP_aes_256_gcm, NULL, EVP_sha384, 32, 4, 0},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", false, RAW_EXCHANGE_ECDHE,
     RAW_PROTECT_CHACHA, EVP_chacha20_poly1305, NULL, EVP_sha256, 32, 12, 0},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false, RAW_EXCHANGE_ECDHE,
     RAW_PROTECT_CHACHA, EVP_chacha20_poly1305, NULL, EVP_sha256, 32, 12, 0},
    {0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha256, EVP_sha256, 16, 0, 32},
    {0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha256, EVP_sha256, 16, 0, 32},
    {0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha384, EVP_sha384, 32, 0, 48},
    {0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha384, EVP_sha384, 32, 0, 48},
    {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha1, EVP_sha256, 16, 0, 20},
    {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha1, EVP_sha256, 16, 0, 20},
    {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha1, EVP_sha256, 32, 0, 20},
    {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", false, RAW_EXCHANGE_ECDHE, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha1, EVP_sha256, 32, 0, 20},
    {0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", false, RAW_EXCHANGE_RSA, RAW_PROTECT_GCM,
     EVP_aes_128_gcm, NULL, EVP_sha256, 16, 4, 0},
    {0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", false, RAW_EXCHANGE_RSA, RAW_PROTECT_GCM,
     EVP_aes_256_gcm, NULL, EVP_sha384, 32, 4, 0},
    {0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", false, RAW_EXCHANGE_RSA, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha256, EVP_sha256, 16, 0, 32},
    {0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", false, RAW_EXCHANGE_RSA, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha256, EVP_sha256, 32, 0, 32},
    {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", false, RAW_EXCHANGE_RSA, RAW_PROTECT_CBC,
     EVP_aes_128_cbc, EVP_sha1, EVP_sha256, 16, 0, 20},
    {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", false, RAW_EXCHANGE_RSA, RAW_PROTECT_CBC,
     EVP_aes_256_cbc, EVP_sha1, EVP_sha256, 32, 0, 20},
};

const struct raw_suite *raw_suite_at(size_t i)
{
    return i < sizeof suites / sizeof suites[0] ? &suites[i] : NULL;
}

const struct raw_suite *raw_suite_find(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (suites[i].id == id) {
            return &suites[i];
        }
    }
    return NULL;
}
