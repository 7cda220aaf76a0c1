#include "session_seal.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "memory.h"

#define NONCE_LEN 12
#define TAG_LEN 16
#define ID_RANDOM_AT 4 /* of a session ID */
#define BLOCK_LEN 16
#define RECORD_KEY_LEN 32

_Static_assert(NONCE_LEN + TAG_LEN == SESSION_SEAL_OVERHEAD, "as documented");
_Static_assert(RECORD_KEY_LEN == 2 * BLOCK_LEN, "of two blocks");

/* On failure out is zeroes; ctx is left as it is after an ECB encryption. */
static bool record_key(EVP_CIPHER_CTX *ctx, const struct algorithms *a,
                       const struct window_key *key, const uint8_t id[static SESSION_ID_LEN],
                       uint8_t out[static RECORD_KEY_LEN])
{
    uint8_t blocks[RECORD_KEY_LEN];
    int len;

    for (uint8_t i = 0; i < 2; i++) {
        uint8_t *const block = blocks + (size_t)i * BLOCK_LEN;

        block[0] = i + 1;
        memcpy(block + 1, id + ID_RANDOM_AT, BLOCK_LEN - 1);
    }
    if (EVP_EncryptInit_ex2(ctx, a->aes_256_ecb, key->keys.record, NULL, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, out, &len, blocks, sizeof blocks) == 1 && len == RECORD_KEY_LEN) {
        return true;
    }
    memory_wipe(out, RECORD_KEY_LEN);
    return false;
}

static bool encrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const uint8_t *record_key,
                    const uint8_t *id, const uint8_t *plain, int n, uint8_t *out)
{
    uint8_t *const text = out + NONCE_LEN;
    int len;

    return EVP_EncryptInit_ex2(ctx, gcm, record_key, out, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, id, SESSION_ID_LEN) == 1 &&
           EVP_EncryptUpdate(ctx, text, &len, plain, n) == 1 && len == n &&
           EVP_EncryptFinal_ex(ctx, text + n, &len) == 1 && len == 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + n) == 1;
}

enum rp_status session_seal(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *plain, size_t n,
                            uint8_t *out)
{
    uint8_t derived[RECORD_KEY_LEN] = {0};
    EVP_CIPHER_CTX *ctx = NULL;
    enum rp_status status = RP_CRYPTO;

    if (n > INT_MAX) {
        return RP_INVALID;
    }
    ctx = EVP_CIPHER_CTX_new(); /* cleanses what it holds when it is used anew and freed */
    if (ctx != NULL && RAND_bytes(out, NONCE_LEN) == 1 && record_key(ctx, a, key, id, derived) &&
        encrypt(ctx, a->aes_256_gcm, derived, id, plain, (int)n, out)) {
        status = RP_OK;
    }
    EVP_CIPHER_CTX_free(ctx);
    memory_wipe(derived, sizeof derived);
    return status;
}

/*
 * Everything of a decryption that fails for our own reasons only. The tag goes in with the key: it
 * saves a call.
 */
static bool decrypt(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *gcm, const uint8_t *record_key,
                    const uint8_t *id, const uint8_t *sealed, int n, uint8_t *out)
{
    uint8_t tag[TAG_LEN];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, sizeof tag),
        OSSL_PARAM_construct_end(),
    };
    int len;

    memcpy(tag, sealed + NONCE_LEN + n, TAG_LEN);
    return EVP_DecryptInit_ex2(ctx, gcm, record_key, sealed, params) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, id, SESSION_ID_LEN) == 1 &&
           EVP_DecryptUpdate(ctx, out, &len, sealed + NONCE_LEN, n) == 1 && len == n;
}

/*
 * A wrong tag is the peer's fault: no error stays in libcrypto's queue. A mark for what may lie
 * there already would cost every record that opens a twentieth of what it costs now.
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

enum rp_status session_open(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *sealed,
                            size_t n, enum rp_verdict *verdict, uint8_t *out, size_t *out_len)
{
    uint8_t derived[RECORD_KEY_LEN] = {0};
    EVP_CIPHER_CTX *ctx = NULL;
    enum rp_status status = RP_OK;
    size_t plain_len;

    *out_len = 0;
    *verdict = RP_VERDICT_MALFORMED;
    if (n < SESSION_SEAL_OVERHEAD || n > INT_MAX) {
        return RP_OK;
    }
    plain_len = n - SESSION_SEAL_OVERHEAD;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || !record_key(ctx, a, key, id, derived) ||
        !decrypt(ctx, a->aes_256_gcm, derived, id, sealed, (int)plain_len, out)) {
        status = RP_CRYPTO;
    } else if (!tag_is_right(ctx, out + plain_len)) {
        *verdict = RP_VERDICT_FORGED;
    } else {
        *verdict = RP_VERDICT_ACCEPTED;
        *out_len = plain_len;
    }
    /* Not released before its tag was found right. */
    if (*verdict != RP_VERDICT_ACCEPTED) {
        memory_wipe(out, plain_len);
    }
    EVP_CIPHER_CTX_free(ctx);
    memory_wipe(derived, sizeof derived);
    return status;
}
