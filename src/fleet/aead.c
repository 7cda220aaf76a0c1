#include "aead.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "memory.h"

static const uint8_t nonce[12];

/* Contexts cleanse what they hold when they are freed. */
static bool encrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const uint8_t *key,
                    const uint8_t *ad, int ad_len, const uint8_t *plain, int n, uint8_t *out)
{
    int len;

    return EVP_EncryptInit_ex2(ctx, gcm, key, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, ad, ad_len) == 1 &&
           (n == 0 || (EVP_EncryptUpdate(ctx, out, &len, plain, n) == 1 && len == n)) &&
           EVP_EncryptFinal_ex(ctx, out + n, &len) == 1 && len == 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, out + n) == 1;
}

enum rp_status aead_seal(const uint8_t key[static AEAD_KEY_LEN], const uint8_t *ad, size_t ad_len,
                         const uint8_t *plain, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx;
    EVP_CIPHER *gcm;
    enum rp_status status = RP_OK;

    if (n > INT_MAX - AEAD_TAG_LEN || ad_len > INT_MAX) {
        return RP_INVALID;
    }
    ctx = EVP_CIPHER_CTX_new();
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (ctx == NULL || gcm == NULL ||
        !encrypt(ctx, gcm, key, ad, (int)ad_len, plain, (int)n, out)) {
        memory_wipe(out, n + AEAD_TAG_LEN);
        status = RP_CRYPTO;
    }
    EVP_CIPHER_free(gcm);
    EVP_CIPHER_CTX_free(ctx);
    return status;
}

/* Everything of a decryption that fails for our own reasons only. */
static bool decrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const uint8_t *key,
                    const uint8_t *ad, int ad_len, const uint8_t *sealed, int n, uint8_t *plain)
{
    uint8_t tag[AEAD_TAG_LEN];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, sizeof tag),
        OSSL_PARAM_construct_end(),
    };
    int len;

    memcpy(tag, sealed + n, sizeof tag);
    return EVP_DecryptInit_ex2(ctx, gcm, key, nonce, params) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, ad, ad_len) == 1 &&
           (n == 0 || (EVP_DecryptUpdate(ctx, plain, &len, sealed, n) == 1 && len == n));
}

/* A wrong tag is the sender's fault and leaves no error in libcrypto's queue. */
static bool tag_is_right(EVP_CIPHER_CTX *ctx)
{
    uint8_t nothing[AEAD_TAG_LEN];
    bool right;
    int len;

    (void)ERR_set_mark();
    right = EVP_DecryptFinal_ex(ctx, nothing, &len) == 1 && len == 0;
    (void)ERR_pop_to_mark();
    return right;
}

enum rp_status aead_open(const uint8_t key[static AEAD_KEY_LEN], const uint8_t *ad, size_t ad_len,
                         const uint8_t *sealed, size_t n, uint8_t *plain)
{
    EVP_CIPHER_CTX *ctx;
    EVP_CIPHER *gcm;
    enum rp_status status = RP_OK;

    if (n < AEAD_TAG_LEN || n > INT_MAX) {
        return RP_FORMAT;
    }
    if (ad_len > INT_MAX) {
        return RP_INVALID;
    }
    n -= AEAD_TAG_LEN;
    ctx = EVP_CIPHER_CTX_new();
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (ctx == NULL || gcm == NULL ||
        !decrypt(ctx, gcm, key, ad, (int)ad_len, sealed, (int)n, plain)) {
        status = RP_CRYPTO;
    } else if (!tag_is_right(ctx)) {
        status = RP_FORMAT;
    }
    if (status != RP_OK) {
        memory_wipe(plain, n);
    }
    EVP_CIPHER_free(gcm);
    EVP_CIPHER_CTX_free(ctx);
    return status;
}
