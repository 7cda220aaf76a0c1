#include "raw_share.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "memory.h"
#include "raw_hello.h"

#define X25519_LEN 32

struct curve {
    uint16_t group;
    int nid;
    const char *name;
    size_t scalar_len;
};

static const struct curve *find_curve(uint16_t group)
{
    static const struct curve curves[] = {
        {RAW_GROUP_P256, NID_X9_62_prime256v1, "P-256", 32},
        {RAW_GROUP_P384, NID_secp384r1, "P-384", 48},
    };

    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (curves[i].group == group) {
            return &curves[i];
        }
    }
    return NULL;
}

void raw_share_fini(struct raw_share *s)
{
    EVP_PKEY_free(s->key);
    *s = (struct raw_share){0};
}

static EVP_PKEY *key_of(const struct curve *curve, const uint8_t *public_key, size_t public_len,
                        const BIGNUM *scalar)
{
    EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *const build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (ctx != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_key, public_len) ==
            1 &&
        (scalar == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1)) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params != NULL &&
        (EVP_PKEY_fromdata_init(ctx) != 1 ||
         EVP_PKEY_fromdata(ctx, &key, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                           params) != 1)) {
        key = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static enum rp_status init_curve(struct raw_share *s, const struct curve *curve,
                                 struct raw_random *random)
{
    uint8_t bytes[RAW_SHARE_SECRET_MAX];
    EC_GROUP *const group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *const point = group != NULL ? EC_POINT_new(group) : NULL;
    BIGNUM *scalar = NULL;
    enum rp_status status = raw_random_bytes(random, bytes, curve->scalar_len);

    if (status != RP_OK) {
        goto done;
    }
    /* Below the order of either curve, and not zero. */
    bytes[0] &= 0x7f;
    bytes[curve->scalar_len - 1] |= 1;
    scalar = BN_bin2bn(bytes, (int)curve->scalar_len, NULL);
    status = RP_CRYPTO;
    if (point == NULL || scalar == NULL ||
        EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) != 1) {
        goto done;
    }
    s->public_len = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, s->public_key,
                                       sizeof s->public_key, NULL);
    if (s->public_len == 0) {
        goto done;
    }
    s->key = key_of(curve, s->public_key, s->public_len, scalar);
    status = s->key != NULL ? RP_OK : RP_CRYPTO;
done:
    memory_wipe(bytes, sizeof bytes);
    BN_clear_free(scalar);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return status;
}

static enum rp_status init_x25519(struct raw_share *s, struct raw_random *random)
{
    uint8_t bytes[X25519_LEN];
    size_t len = sizeof s->public_key;
    enum rp_status status = raw_random_bytes(random, bytes, sizeof bytes);

    if (status == RP_OK) {
        s->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, sizeof bytes);
        if (s->key == NULL || EVP_PKEY_get_raw_public_key(s->key, s->public_key, &len) != 1) {
            status = RP_CRYPTO;
        }
        s->public_len = len;
    }
    memory_wipe(bytes, sizeof bytes);
    return status;
}

enum rp_status raw_share_init(struct raw_share *s, uint16_t group, struct raw_random *random)
{
    const struct curve *const curve = find_curve(group);
    enum rp_status status;

    *s = (struct raw_share){.group = group};
    if (curve == NULL && group != RAW_GROUP_X25519) {
        return RP_INVALID;
    }
    status = curve != NULL ? init_curve(s, curve, random) : init_x25519(s, random);
    if (status != RP_OK) {
        raw_share_fini(s);
    }
    return status;
}

enum rp_status raw_share_derive(const struct raw_share *s, const uint8_t *peer, size_t n,
                                uint8_t out[static RAW_SHARE_SECRET_MAX], size_t *out_len)
{
    const struct curve *const curve = find_curve(s->group);
    EVP_PKEY *const theirs = curve != NULL
                                 ? key_of(curve, peer, n, NULL)
                                 : EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, n);
    EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new(s->key, NULL);
    enum rp_status status = RP_OK;

    *out_len = RAW_SHARE_SECRET_MAX;
    if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1) {
        status = RP_CRYPTO;
    } else if (theirs == NULL || EVP_PKEY_derive_set_peer(ctx, theirs) != 1 ||
               EVP_PKEY_derive(ctx, out, out_len) != 1) {
        status = RP_FORMAT;
    }
    if (status != RP_OK) {
        *out_len = 0;
        memory_wipe(out, RAW_SHARE_SECRET_MAX);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    return status;
}
