#include "raw_signature.h"

#include <string.h>

#include <openssl/rsa.h>

#include "reader.h"

struct scheme {
    const char *key; /* as EVP_PKEY_is_a takes it */
    const EVP_MD *(*md)(void);
    int param; /* RSA: the padding; EC: the bits of the curve that TLS 1.3 binds it to */
    uint16_t id;
    bool tls13;
};

/* In the order in which we choose. */
static const struct scheme schemes[] = {
    {"EC", EVP_sha256, 256, 0x0403, true},
    {"EC", EVP_sha384, 384, 0x0503, true},
    {"EC", EVP_sha512, 521, 0x0603, true},
    {"ED25519", NULL, 0, 0x0807, true},
    {"ED448", NULL, 0, 0x0808, true},
    {"RSA", EVP_sha256, RSA_PKCS1_PSS_PADDING, 0x0804, true},
    {"RSA", EVP_sha384, RSA_PKCS1_PSS_PADDING, 0x0805, true},
    {"RSA", EVP_sha512, RSA_PKCS1_PSS_PADDING, 0x0806, true},
    {"RSA-PSS", EVP_sha256, RSA_PKCS1_PSS_PADDING, 0x0809, true},
    {"RSA-PSS", EVP_sha384, RSA_PKCS1_PSS_PADDING, 0x080a, true},
    {"RSA-PSS", EVP_sha512, RSA_PKCS1_PSS_PADDING, 0x080b, true},
    {"RSA", EVP_sha256, RSA_PKCS1_PADDING, 0x0401, false},
    {"RSA", EVP_sha384, RSA_PKCS1_PADDING, 0x0501, false},
    {"RSA", EVP_sha512, RSA_PKCS1_PADDING, 0x0601, false},
    {"RSA", EVP_sha1, RSA_PKCS1_PADDING, 0x0201, false},
    {"EC", EVP_sha1, 0, 0x0203, false},
};

static const struct scheme *find(EVP_PKEY *key, uint16_t id)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (schemes[i].id == id && EVP_PKEY_is_a(key, schemes[i].key) == 1) {
            return &schemes[i];
        }
    }
    return NULL;
}

static bool set_padding(EVP_PKEY_CTX *ctx, const struct scheme *s)
{
    if (strncmp(s->key, "RSA", 3) != 0) {
        return true;
    }
    return EVP_PKEY_CTX_set_rsa_padding(ctx, s->param) == 1 &&
           (s->param != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool raw_signature_verify(EVP_PKEY *key, uint16_t scheme, struct raw_bytes data,
                          struct raw_bytes signature)
{
    const struct scheme *const s = find(key, scheme);
    EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    const bool right =
        s != NULL && ctx != NULL &&
        EVP_DigestVerifyInit(ctx, &parameters, s->md != NULL ? s->md() : NULL, NULL, key) == 1 &&
        set_padding(parameters, s) &&
        EVP_DigestVerify(ctx, signature.p, signature.n, data.p, data.n) == 1;

    EVP_MD_CTX_free(ctx);
    return right;
}

static bool listed(const uint8_t *list, size_t n, uint16_t id)
{
    struct reader r = reader_of(list, n);

    while (reader_left(&r) >= 2) {
        if (reader_u16(&r) == id) {
            return true;
        }
    }
    return n == 0;
}

/* TLS 1.2 binds no hash to a curve. */
static bool fits(EVP_PKEY *key, const struct scheme *s, bool tls13)
{
    if (EVP_PKEY_is_a(key, s->key) != 1 || (tls13 && !s->tls13)) {
        return false;
    }
    return !tls13 || strcmp(s->key, "EC") != 0 || EVP_PKEY_get_bits(key) == s->param;
}

uint16_t raw_signature_choose(EVP_PKEY *key, bool tls13, const uint8_t *list, size_t n)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (fits(key, &schemes[i], tls13) && listed(list, n, schemes[i].id)) {
            return schemes[i].id;
        }
    }
    return 0;
}

enum rp_status raw_signature_make(EVP_PKEY *key, uint16_t scheme, struct raw_bytes data,
                                  uint8_t out[static RAW_SIGNATURE_MAX], size_t *out_len)
{
    const struct scheme *const s = find(key, scheme);
    EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    bool made;

    *out_len = RAW_SIGNATURE_MAX;
    made = s != NULL && ctx != NULL &&
           EVP_DigestSignInit(ctx, &parameters, s->md != NULL ? s->md() : NULL, NULL, key) == 1 &&
           set_padding(parameters, s) && EVP_DigestSign(ctx, out, out_len, data.p, data.n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!made) {
        *out_len = 0;
    }
    return made ? RP_OK : RP_CRYPTO;
}
