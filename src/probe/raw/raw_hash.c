#include "raw_hash.h"

#include <string.h>

#include <openssl/hmac.h>

#include "memory.h"
#include "writer.h"

#define LABEL_MAX 32
#define INFO_MAX (2 + 1 + LABEL_MAX + 1 + 255 + 1) /* the context may be a nonce of a ticket */
#define PRF_SEED_MAX 128

size_t raw_hash_len(const EVP_MD *md)
{
    return (size_t)EVP_MD_get_size(md);
}

enum rp_status raw_hash(const EVP_MD *md, const struct raw_bytes *parts, size_t n_parts,
                        uint8_t out[static RAW_HASH_MAX])
{
    EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;

    for (size_t i = 0; ok && i < n_parts; i++) {
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? RP_OK : RP_CRYPTO;
}

enum rp_status raw_hmac(const EVP_MD *md, struct raw_bytes key, struct raw_bytes data,
                        uint8_t out[static RAW_HASH_MAX])
{
    static const uint8_t nothing[1];
    unsigned len = 0;

    if (HMAC(md, key.n != 0 ? key.p : nothing, (int)key.n, data.p, data.n, out, &len) == NULL) {
        memory_wipe(out, RAW_HASH_MAX);
        return RP_CRYPTO;
    }
    return RP_OK;
}

enum rp_status raw_extract(const EVP_MD *md, struct raw_bytes salt, struct raw_bytes ikm,
                           uint8_t out[static RAW_HASH_MAX])
{
    static const uint8_t zeroes[RAW_HASH_MAX];
    const struct raw_bytes nothing = {zeroes, raw_hash_len(md)};

    return raw_hmac(md, salt.n != 0 ? salt : nothing, ikm.n != 0 ? ikm : nothing, out);
}

enum rp_status raw_expand_label(const EVP_MD *md, const uint8_t *secret, const char *label,
                                struct raw_bytes context, uint8_t *out, size_t n)
{
    uint8_t info[INFO_MAX];
    uint8_t block[RAW_HASH_MAX];
    struct writer w = writer_of(info, sizeof info);
    size_t mark;
    enum rp_status status = RP_INVALID;

    writer_u16(&w, (uint16_t)n);
    mark = writer_open(&w, 1);
    writer_bytes(&w, "tls13 ", 6);
    writer_bytes(&w, label, strlen(label));
    writer_close(&w, mark, 1);
    mark = writer_open(&w, 1);
    writer_bytes(&w, context.p, context.n);
    writer_close(&w, mark, 1);
    writer_u8(&w, 1); /* the number of the block, the only one */
    if (!w.failed && n <= raw_hash_len(md)) {
        status = raw_hmac(md, (struct raw_bytes){secret, raw_hash_len(md)},
                          (struct raw_bytes){info, writer_len(&w)}, block);
    }
    if (status == RP_OK) {
        memcpy(out, block, n);
    } else {
        memory_wipe(out, n);
    }
    memory_wipe(block, sizeof block);
    return status;
}

enum rp_status raw_prf(const EVP_MD *md, struct raw_bytes secret, const char *label,
                       struct raw_bytes seed, uint8_t *out, size_t n)
{
    const size_t hash_len = raw_hash_len(md);
    uint8_t input[RAW_HASH_MAX + LABEL_MAX + PRF_SEED_MAX]; /* A(i), label, seed */
    uint8_t block[RAW_HASH_MAX];
    uint8_t a[RAW_HASH_MAX] = {0};
    struct writer w = writer_of(input, sizeof input);
    enum rp_status status;
    size_t len;

    writer_bytes(&w, a, hash_len);
    writer_bytes(&w, label, strlen(label));
    writer_bytes(&w, seed.p, seed.n);
    len = writer_len(&w);
    if (len == 0) {
        return RP_INVALID;
    }
    status = raw_hmac(md, secret, (struct raw_bytes){input + hash_len, len - hash_len}, a);
    while (status == RP_OK && n != 0) {
        const size_t part = n < hash_len ? n : hash_len;

        memcpy(input, a, hash_len);
        status = raw_hmac(md, secret, (struct raw_bytes){input, len}, block);
        if (status == RP_OK) {
            memcpy(out, block, part);
            out += part;
            n -= part;
            status = raw_hmac(md, secret, (struct raw_bytes){input, hash_len}, a);
        }
    }
    memory_wipe(a, sizeof a);
    memory_wipe(block, sizeof block);
    memory_wipe(input, sizeof input);
    return status;
}
