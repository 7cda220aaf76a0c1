#include "gcm.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <sodium.h>

#include "memory.h"

_Static_assert(GCM_KEY_LEN == crypto_aead_aes256gcm_KEYBYTES &&
                   GCM_NONCE_LEN == crypto_aead_aes256gcm_NPUBBYTES &&
                   GCM_TAG_LEN == crypto_aead_aes256gcm_ABYTES,
               "the same cipher");

/*
 * By libsodium, which cannot fail for a reason of ours. It leaves on the stack what it encrypted
 * with, and that tells the message to whoever has the sealed one: some 400 bytes of it in 1.0.18.
 */
#define SODIUM_STACK 2048

static void seal_by_sodium(const struct gcm_use *use, const uint8_t *plain, size_t n, uint8_t *out)
{
    crypto_aead_aes256gcm_state expanded;

    (void)crypto_aead_aes256gcm_beforenm(&expanded, use->key);
    (void)crypto_aead_aes256gcm_encrypt_afternm(out, NULL, plain, n, use->bound.bytes, use->bound.n,
                                                NULL, use->nonce, &expanded);
    memory_wipe(&expanded, sizeof expanded);
    sodium_stackzero(SODIUM_STACK);
}

static enum gcm_opened open_by_sodium(const struct gcm_use *use, const uint8_t *sealed, size_t n,
                                      uint8_t *out)
{
    crypto_aead_aes256gcm_state expanded;
    bool right;

    (void)crypto_aead_aes256gcm_beforenm(&expanded, use->key);
    right = crypto_aead_aes256gcm_decrypt_afternm(out, NULL, NULL, sealed, n + GCM_TAG_LEN,
                                                  use->bound.bytes, use->bound.n, use->nonce,
                                                  &expanded) == 0;
    memory_wipe(&expanded, sizeof expanded);
    sodium_stackzero(SODIUM_STACK);
    return right ? GCM_OPENED : GCM_FORGED;
}

/* By libcrypto, whose context cleanses what it held when it is freed. */

static bool encrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const struct gcm_use *use,
                    const uint8_t *plain, int n, uint8_t *out)
{
    int len;

    return EVP_EncryptInit_ex2(ctx, gcm, use->key, use->nonce, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, use->bound.bytes, (int)use->bound.n) == 1 &&
           EVP_EncryptUpdate(ctx, out, &len, plain, n) == 1 && len == n &&
           EVP_EncryptFinal_ex(ctx, out + n, &len) == 1 && len == 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, out + n) == 1;
}

/*
 * Everything of a decryption that fails for our own reasons only. The tag goes in with the key: it
 * saves a call.
 */
static bool decrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const struct gcm_use *use,
                    const uint8_t *sealed, int n, uint8_t *out)
{
    uint8_t tag[GCM_TAG_LEN];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, sizeof tag),
        OSSL_PARAM_construct_end(),
    };
    int len;

    memcpy(tag, sealed + n, GCM_TAG_LEN);
    return EVP_DecryptInit_ex2(ctx, gcm, use->key, use->nonce, params) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, use->bound.bytes, (int)use->bound.n) == 1 &&
           EVP_DecryptUpdate(ctx, out, &len, sealed, n) == 1 && len == n;
}

/*
 * A wrong tag is the peer's fault: no error stays in libcrypto's queue. A mark for what may lie
 * there already would cost every message that opens a twentieth of what it costs now.
 */
static bool tag_is_right(EVP_CIPHER_CTX *ctx, uint8_t *end)
{
    int len;

    if (EVP_DecryptFinal_ex(ctx, end, &len) != 1) {
        ERR_clear_error();
        return false;
    }
    return true;
}

static enum rp_status seal_by_libcrypto(const EVP_CIPHER *gcm, const struct gcm_use *use,
                                        const uint8_t *plain, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const bool sealed = ctx != NULL && encrypt(ctx, gcm, use, plain, (int)n, out);

    EVP_CIPHER_CTX_free(ctx);
    return sealed ? RP_OK : RP_CRYPTO;
}

static enum gcm_opened open_by_libcrypto(const EVP_CIPHER *gcm, const struct gcm_use *use,
                                         const uint8_t *sealed, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    enum gcm_opened opened = GCM_FAILED;

    if (ctx != NULL && decrypt(ctx, gcm, use, sealed, (int)n, out)) {
        opened = tag_is_right(ctx, out + n) ? GCM_OPENED : GCM_FORGED;
    }
    EVP_CIPHER_CTX_free(ctx);
    return opened;
}

enum rp_status gcm_seal(const struct algorithms *a, const struct gcm_use *use, const uint8_t *plain,
                        size_t n, uint8_t *out)
{
    if (!a->gcm_by_sodium) {
        return seal_by_libcrypto(a->aes_256_gcm, use, plain, n, out);
    }
    seal_by_sodium(use, plain, n, out);
    return RP_OK;
}

enum gcm_opened gcm_open(const struct algorithms *a, const struct gcm_use *use,
                         const uint8_t *sealed, size_t n, uint8_t *out)
{
    const enum gcm_opened opened = a->gcm_by_sodium
                                       ? open_by_sodium(use, sealed, n, out)
                                       : open_by_libcrypto(a->aes_256_gcm, use, sealed, n, out);

    /* Nothing is released before its tag was found right. */
    if (opened != GCM_OPENED) {
        memory_wipe(out, n);
    }
    return opened;
}
