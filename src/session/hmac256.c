#include "hmac256.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"

#define BLOCK_LEN 64 /* of SHA-256 */
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

/* SHA-256(block | message). */
static bool digest(const struct algorithms *a, EVP_MD_CTX *ctx, const uint8_t block[BLOCK_LEN],
                   const uint8_t *message, size_t n, uint8_t out[static HMAC256_LEN])
{
    return EVP_DigestInit_ex2(ctx, a->sha256, NULL) == 1 &&
           EVP_DigestUpdate(ctx, block, BLOCK_LEN) == 1 && EVP_DigestUpdate(ctx, message, n) == 1 &&
           EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

enum rp_status hmac256(const struct algorithms *a, const uint8_t key[static HMAC256_LEN],
                       const uint8_t *message, size_t n, uint8_t out[static HMAC256_LEN])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new(); /* cleanses its state when it is freed */
    enum rp_status status = RP_CRYPTO;
    uint8_t inner[BLOCK_LEN];
    uint8_t outer[BLOCK_LEN];
    uint8_t first[HMAC256_LEN];

    memset(inner, INNER_PAD, sizeof inner);
    memset(outer, OUTER_PAD, sizeof outer);
    for (size_t i = 0; i < HMAC256_LEN; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
    if (ctx != NULL && digest(a, ctx, inner, message, n, first) &&
        digest(a, ctx, outer, first, sizeof first, out)) {
        status = RP_OK;
    } else {
        memory_wipe(out, HMAC256_LEN);
    }
    EVP_MD_CTX_free(ctx);
    memory_wipe(inner, sizeof inner);
    memory_wipe(outer, sizeof outer);
    memory_wipe(first, sizeof first);
    return status;
}
