#include "ticket_cipher.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "memory.h"

#define COUNTERS 32 /* blocks of keystream at a time */

/* By the length of the key: 16, 32. */
#define SIZES 2

struct ticket_cipher {
    EVP_CIPHER *ecb[SIZES];
    EVP_CIPHER_CTX *encrypt[SIZES];
    EVP_CIPHER_CTX *decrypt[SIZES];
    unsigned size; /* of the key that is set */
    EVP_CIPHER *aead[TICKET_AEADS][SIZES];
    EVP_CIPHER_CTX *open;
    EVP_MAC *hmac;
    EVP_MAC_CTX *mac[TICKET_HASHES];
};

static const struct {
    const char *word, *text;
    size_t len;
} hashes[TICKET_HASHES] = {
#define TICKET_HASH_TEXT(name, word, text, len) {word, text, len},
    TICKET_HASH_MAP(TICKET_HASH_TEXT)
#undef TICKET_HASH_TEXT
};

static const struct {
    const char *names[SIZES];
    const char *text;
} aeads[TICKET_AEADS] = {
#define TICKET_AEAD_TEXT(name, short_key, long_key, text) {{short_key, long_key}, text},
    TICKET_AEAD_MAP(TICKET_AEAD_TEXT)
#undef TICKET_AEAD_TEXT
};

const char *ticket_hash_text(enum ticket_hash hash)
{
    return hashes[hash].text;
}

size_t ticket_hash_len(enum ticket_hash hash)
{
    return hashes[hash].len;
}

const char *ticket_aead_text(enum ticket_aead aead)
{
    return aeads[aead].text;
}

static bool fetch_macs(struct ticket_cipher *c)
{
    c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    for (unsigned i = 0; c->hmac != NULL && i < TICKET_HASHES; i++) {
        char name[16] = {0};
        OSSL_PARAM params[2];

        memcpy(name, hashes[i].word, strlen(hashes[i].word));
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
        params[1] = OSSL_PARAM_construct_end();
        c->mac[i] = EVP_MAC_CTX_new(c->hmac);
        if (c->mac[i] == NULL || EVP_MAC_CTX_set_params(c->mac[i], params) != 1) {
            return false;
        }
    }
    return c->hmac != NULL;
}

static bool fetch_ciphers(struct ticket_cipher *c)
{
    static const char *const ecb[SIZES] = {"AES-128-ECB", "AES-256-ECB"};

    c->open = EVP_CIPHER_CTX_new();
    for (unsigned i = 0; i < SIZES; i++) {
        c->ecb[i] = EVP_CIPHER_fetch(NULL, ecb[i], NULL);
        c->encrypt[i] = EVP_CIPHER_CTX_new();
        c->decrypt[i] = EVP_CIPHER_CTX_new();
        if (c->ecb[i] == NULL || c->encrypt[i] == NULL || c->decrypt[i] == NULL) {
            return false;
        }
        for (unsigned a = 0; a < TICKET_AEADS; a++) {
            if (aeads[a].names[i] != NULL) {
                c->aead[a][i] = EVP_CIPHER_fetch(NULL, aeads[a].names[i], NULL);
                if (c->aead[a][i] == NULL) {
                    return false;
                }
            }
        }
    }
    return c->open != NULL;
}

enum rp_status ticket_cipher_new(struct ticket_cipher **out)
{
    struct ticket_cipher *c = memory_new(1, sizeof *c);

    *out = NULL;
    if (c == NULL) {
        return RP_NO_MEMORY;
    }
    if (!fetch_ciphers(c) || !fetch_macs(c)) {
        ticket_cipher_free(&c);
        return RP_CRYPTO;
    }
    *out = c;
    return RP_OK;
}

void ticket_cipher_free(struct ticket_cipher **cipher)
{
    struct ticket_cipher *c = *cipher;

    if (c == NULL) {
        return;
    }
    for (unsigned i = 0; i < SIZES; i++) {
        EVP_CIPHER_CTX_free(c->encrypt[i]);
        EVP_CIPHER_CTX_free(c->decrypt[i]);
        EVP_CIPHER_free(c->ecb[i]);
        for (unsigned a = 0; a < TICKET_AEADS; a++) {
            EVP_CIPHER_free(c->aead[a][i]);
        }
    }
    EVP_CIPHER_CTX_free(c->open);
    for (unsigned i = 0; i < TICKET_HASHES; i++) {
        EVP_MAC_CTX_free(c->mac[i]);
    }
    EVP_MAC_free(c->hmac);
    memory_free(c);
    *cipher = NULL;
}

bool ticket_cipher_set_key(struct ticket_cipher *c, const uint8_t *key, size_t n)
{
    const unsigned i = n == 16 ? 0 : 1;

    if (n != 16 && n != 32) {
        return false;
    }
    c->size = i;
    return EVP_EncryptInit_ex2(c->encrypt[i], c->ecb[i], key, NULL, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(c->encrypt[i], 0) == 1 &&
           EVP_DecryptInit_ex2(c->decrypt[i], c->ecb[i], key, NULL, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(c->decrypt[i], 0) == 1;
}

bool ticket_cipher_encrypt_blocks(struct ticket_cipher *c, const uint8_t *in, size_t n,
                                  uint8_t *out)
{
    int len = 0;

    return n <= INT_MAX && EVP_EncryptUpdate(c->encrypt[c->size], out, &len, in, (int)n) == 1 &&
           len == (int)n;
}

bool ticket_cipher_decrypt_blocks(struct ticket_cipher *c, const uint8_t *in, size_t n,
                                  uint8_t *out)
{
    int len = 0;

    return n <= INT_MAX && EVP_DecryptUpdate(c->decrypt[c->size], out, &len, in, (int)n) == 1 &&
           len == (int)n;
}

bool ticket_cipher_cbc(struct ticket_cipher *c, const uint8_t iv[static TICKET_BLOCK],
                       const uint8_t *in, size_t n, uint8_t *out)
{
    if (n % TICKET_BLOCK != 0 || !ticket_cipher_decrypt_blocks(c, in, n, out)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] ^= i < TICKET_BLOCK ? iv[i] : in[i - TICKET_BLOCK];
    }
    return true;
}

static void count(uint8_t block[static TICKET_BLOCK])
{
    for (size_t i = TICKET_BLOCK; i-- > 0;) {
        block[i]++;
        if (block[i] != 0) {
            return;
        }
    }
}

bool ticket_cipher_ctr(struct ticket_cipher *c, const uint8_t start[static TICKET_BLOCK],
                       const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t blocks[COUNTERS * TICKET_BLOCK];
    uint8_t next[TICKET_BLOCK];
    bool good = true;

    memcpy(next, start, sizeof next);
    for (size_t at = 0; good && at < n; at += sizeof blocks) {
        const size_t left = n - at < sizeof blocks ? n - at : sizeof blocks;
        size_t len = 0;

        while (len < left) {
            memcpy(blocks + len, next, TICKET_BLOCK);
            count(next);
            len += TICKET_BLOCK;
        }
        good = ticket_cipher_encrypt_blocks(c, blocks, len, blocks);
        for (size_t i = 0; i < left; i++) {
            out[at + i] = in[at + i] ^ blocks[i];
        }
    }
    memory_wipe(blocks, sizeof blocks);
    return good;
}

/* CCM wants nonce length, tag and length of all before the first byte, and no final. */
static bool open_ccm(EVP_CIPHER_CTX *ctx, struct ticket_bytes key, struct ticket_bytes nonce,
                     struct ticket_bytes aad, struct ticket_bytes in, uint8_t *out)
{
    int len = 0;

    return EVP_DecryptInit_ex2(ctx, NULL, key.p, nonce.p, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, NULL, (int)in.n) == 1 &&
           (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &len, aad.p, (int)aad.n) == 1) &&
           EVP_DecryptUpdate(ctx, out, &len, in.p, (int)in.n) == 1;
}

static bool open_stream(EVP_CIPHER_CTX *ctx, struct ticket_bytes key, struct ticket_bytes nonce,
                        struct ticket_bytes aad, struct ticket_bytes in, uint8_t *out)
{
    int len = 0;

    return EVP_DecryptInit_ex2(ctx, NULL, key.p, nonce.p, NULL) == 1 &&
           (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &len, aad.p, (int)aad.n) == 1) &&
           EVP_DecryptUpdate(ctx, out, &len, in.p, (int)in.n) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + len, &len) == 1;
}

bool ticket_cipher_aead(struct ticket_cipher *c, enum ticket_aead aead, struct ticket_bytes key,
                        struct ticket_bytes nonce, struct ticket_bytes aad,
                        struct ticket_bytes ciphertext, struct ticket_bytes tag, uint8_t *out)
{
    const unsigned i = key.n == 16 ? 0 : 1;
    EVP_CIPHER *cipher = key.n == 16 || key.n == 32 ? c->aead[aead][i] : NULL;
    uint8_t tag_copy[TICKET_BLOCK]; /* libcrypto's parameter is not const */

    if (cipher == NULL || ciphertext.n > INT_MAX || tag.n != sizeof tag_copy) {
        return false;
    }
    memcpy(tag_copy, tag.p, sizeof tag_copy);
    if (EVP_CIPHER_CTX_reset(c->open) != 1 ||
        EVP_DecryptInit_ex2(c->open, cipher, NULL, NULL, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->open, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.n, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->open, EVP_CTRL_AEAD_SET_TAG, sizeof tag_copy, tag_copy) != 1) {
        return false;
    }
    return aead == TICKET_AEAD_CCM ? open_ccm(c->open, key, nonce, aad, ciphertext, out)
                                   : open_stream(c->open, key, nonce, aad, ciphertext, out);
}

bool ticket_cipher_set_mac_key(struct ticket_cipher *c, enum ticket_hash hash, const uint8_t *key,
                               size_t n)
{
    static const uint8_t nothing[1]; /* HMAC fills a key up with zeroes */

    return EVP_MAC_init(c->mac[hash], n != 0 ? key : nothing, n != 0 ? n : 1, NULL) == 1;
}

bool ticket_cipher_mac(struct ticket_cipher *c, enum ticket_hash hash, const uint8_t *p, size_t n,
                       uint8_t out[static TICKET_MAC_MAX])
{
    size_t len = 0;

    return EVP_MAC_init(c->mac[hash], NULL, 0, NULL) == 1 &&
           EVP_MAC_update(c->mac[hash], p, n) == 1 &&
           EVP_MAC_final(c->mac[hash], out, &len, TICKET_MAC_MAX) == 1 && len == hashes[hash].len;
}
