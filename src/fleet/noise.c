#include "noise.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "aead.h"
#include "memory.h"
#include "noise_core.h"

#define PROTOCOL "Noise_NNpsk0_25519_AESGCM_SHA256"
#define DH_LEN 32

_Static_assert(sizeof PROTOCOL - 1 == NOISE_HASH_LEN, "a name of another length is not its own h");
_Static_assert(NOISE_OVERHEAD == DH_LEN + AEAD_TAG_LEN, "as documented");

static enum rp_status hmac(const uint8_t key[static NOISE_HASH_LEN], const uint8_t *p, size_t n,
                           uint8_t out[static NOISE_HASH_LEN])
{
    size_t len;

    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, NOISE_HASH_LEN, p, n, out,
                     NOISE_HASH_LEN, &len) != NULL
               ? RP_OK
               : RP_CRYPTO;
}

/* HKDF of section 4.3; input has 32 bytes. */
static enum rp_status hkdf(const uint8_t ck[static NOISE_HASH_LEN], const uint8_t *input,
                           uint8_t (*out)[NOISE_HASH_LEN], uint8_t n_out)
{
    uint8_t key[NOISE_HASH_LEN];
    uint8_t block[NOISE_HASH_LEN + 1];
    size_t before = 0;
    enum rp_status status = hmac(ck, input, 32, key);

    for (uint8_t i = 0; i < n_out && status == RP_OK; i++) {
        block[before] = i + 1;
        status = hmac(key, block, before + 1, out[i]);
        memcpy(block, out[i], NOISE_HASH_LEN);
        before = NOISE_HASH_LEN;
    }
    memory_wipe(key, sizeof key);
    memory_wipe(block, sizeof block);
    return status;
}

static enum rp_status mix_hash(struct noise *noise, const uint8_t *p, size_t n)
{
    EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
    enum rp_status status = RP_CRYPTO;

    if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(ctx, noise->h, sizeof noise->h) == 1 && EVP_DigestUpdate(ctx, p, n) == 1 &&
        EVP_DigestFinal_ex(ctx, noise->h, NULL) == 1) {
        status = RP_OK;
    }
    EVP_MD_CTX_free(ctx);
    return status;
}

static enum rp_status mix_key(struct noise *noise, const uint8_t *input)
{
    uint8_t out[2][NOISE_HASH_LEN] = {0};
    const enum rp_status status = hkdf(noise->ck, input, out, 2);

    memcpy(noise->ck, out[0], sizeof noise->ck);
    memcpy(noise->k, out[1], sizeof noise->k);
    memory_wipe(out, sizeof out);
    return status;
}

static enum rp_status mix_key_and_hash(struct noise *noise, const uint8_t *input)
{
    uint8_t out[3][NOISE_HASH_LEN] = {0};
    enum rp_status status = hkdf(noise->ck, input, out, 3);

    if (status == RP_OK) {
        status = mix_hash(noise, out[1], sizeof out[1]);
    }
    memcpy(noise->ck, out[0], sizeof noise->ck);
    memcpy(noise->k, out[2], sizeof noise->k);
    memory_wipe(out, sizeof out);
    return status;
}

/* Up to and including the token psk. */
static enum rp_status begin(struct noise *noise, const uint8_t *psk, const uint8_t *prologue,
                            size_t prologue_len)
{
    enum rp_status status;

    *noise = (struct noise){0};
    memcpy(noise->h, PROTOCOL, sizeof noise->h);
    memcpy(noise->ck, PROTOCOL, sizeof noise->ck);
    status = mix_hash(noise, prologue, prologue_len);
    return status == RP_OK ? mix_key_and_hash(noise, psk) : status;
}

/* Token e, of either side. With a psk the key is mixed in too, so that k is never used twice. */
static enum rp_status mix_ephemeral(struct noise *noise, const uint8_t public[static DH_LEN])
{
    const enum rp_status status = mix_hash(noise, public, DH_LEN);

    return status == RP_OK ? mix_key(noise, public) : status;
}

static enum rp_status write_ephemeral(struct noise *noise, const EVP_PKEY *e,
                                      uint8_t out[static DH_LEN])
{
    size_t len = DH_LEN;

    if (e == NULL || EVP_PKEY_get_raw_public_key(e, out, &len) != 1 || len != DH_LEN) {
        return RP_CRYPTO;
    }
    return mix_ephemeral(noise, out);
}

/*
 * What is left to fail in a derivation that was set up is the other's key: libcrypto refuses a
 * secret of zeroes. Another provider might not.
 */
static enum rp_status derive(EVP_PKEY_CTX *ctx, uint8_t secret[static DH_LEN])
{
    static const uint8_t zeroes[DH_LEN];
    size_t len = DH_LEN;
    int derived;

    (void)ERR_set_mark();
    derived = EVP_PKEY_derive(ctx, secret, &len);
    (void)ERR_pop_to_mark();
    return derived == 1 && len == DH_LEN && CRYPTO_memcmp(secret, zeroes, DH_LEN) != 0 ? RP_OK
                                                                                       : RP_FORMAT;
}

/* Token ee. */
static enum rp_status mix_secret(struct noise *noise, EVP_PKEY *own, EVP_PKEY *other)
{
    EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    uint8_t secret[DH_LEN] = {0};
    enum rp_status status = RP_CRYPTO;

    if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer_ex(ctx, other, 0) == 1) {
        status = derive(ctx, secret);
    }
    if (status == RP_OK) {
        status = mix_key(noise, secret);
    }
    EVP_PKEY_CTX_free(ctx);
    memory_wipe(secret, sizeof secret);
    return status;
}

/* k has encrypted nothing before, so the nonce is always the first, zero. */
static enum rp_status write_payload(struct noise *noise, const uint8_t *payload, size_t n,
                                    uint8_t *out)
{
    const enum rp_status status = aead_seal(noise->k, noise->h, sizeof noise->h, payload, n, out);

    return status == RP_OK ? mix_hash(noise, out, n + AEAD_TAG_LEN) : status;
}

static enum rp_status read_payload(struct noise *noise, const uint8_t *sealed, size_t n,
                                   uint8_t *payload)
{
    enum rp_status status = aead_open(noise->k, noise->h, sizeof noise->h, sealed, n, payload);

    if (status == RP_OK) {
        status = mix_hash(noise, sealed, n);
        if (status != RP_OK) {
            memory_wipe(payload, n - AEAD_TAG_LEN);
        }
    }
    return status;
}

enum rp_status noise_ask_with(struct noise *noise, EVP_PKEY *e,
                              const uint8_t psk[static NOISE_PSK_LEN], const uint8_t *prologue,
                              size_t prologue_len, const uint8_t *payload, size_t n, uint8_t *out)
{
    enum rp_status status = RP_INVALID;

    *noise = (struct noise){0};
    if (n <= NOISE_MESSAGE_MAX - NOISE_OVERHEAD) {
        status = begin(noise, psk, prologue, prologue_len);
    }
    noise->e = e; /* transferred */
    if (status == RP_OK) {
        status = write_ephemeral(noise, e, out);
    }
    if (status == RP_OK) {
        status = write_payload(noise, payload, n, out + DH_LEN);
    }
    if (status != RP_OK) {
        noise_fini(noise);
    }
    return status;
}

enum rp_status noise_ask(struct noise *noise, const uint8_t psk[static NOISE_PSK_LEN],
                         const uint8_t *prologue, size_t prologue_len, const uint8_t *payload,
                         size_t n, uint8_t *out)
{
    return noise_ask_with(noise, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), psk, prologue,
                          prologue_len, payload, n, out);
}

enum rp_status noise_hear(struct noise *noise, const uint8_t psk[static NOISE_PSK_LEN],
                          const uint8_t *prologue, size_t prologue_len, const uint8_t *message,
                          size_t n, uint8_t *payload)
{
    enum rp_status status;

    *noise = (struct noise){0};
    if (n < NOISE_OVERHEAD || n > NOISE_MESSAGE_MAX) {
        return RP_FORMAT;
    }
    status = begin(noise, psk, prologue, prologue_len);
    if (status == RP_OK) {
        status = mix_ephemeral(noise, message);
    }
    if (status == RP_OK) {
        noise->e = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, message, DH_LEN);
        status = noise->e != NULL ? read_payload(noise, message + DH_LEN, n - DH_LEN, payload)
                                  : RP_CRYPTO;
    }
    if (status != RP_OK) {
        memory_wipe(payload, n - NOISE_OVERHEAD);
        noise_fini(noise);
    }
    return status;
}

enum rp_status noise_answer_with(struct noise *noise, EVP_PKEY *e, const uint8_t *payload, size_t n,
                                 uint8_t *out)
{
    enum rp_status status = RP_INVALID;

    if (n <= NOISE_MESSAGE_MAX - NOISE_OVERHEAD) {
        status = write_ephemeral(noise, e, out);
    }
    if (status == RP_OK) {
        status = mix_secret(noise, e, noise->e);
    }
    if (status == RP_OK) {
        status = write_payload(noise, payload, n, out + DH_LEN);
    }
    EVP_PKEY_free(e);
    noise_fini(noise);
    return status;
}

enum rp_status noise_answer(struct noise *noise, const uint8_t *payload, size_t n, uint8_t *out)
{
    return noise_answer_with(noise, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), payload, n, out);
}

/* Spoils noise. */
static enum rp_status read_answer(struct noise *noise, const uint8_t *message, size_t n,
                                  uint8_t *payload)
{
    EVP_PKEY *const other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, message, DH_LEN);
    enum rp_status status = other != NULL ? mix_ephemeral(noise, message) : RP_CRYPTO;

    if (status == RP_OK) {
        status = mix_secret(noise, noise->e, other);
    }
    if (status == RP_OK) {
        status = read_payload(noise, message + DH_LEN, n - DH_LEN, payload);
    }
    EVP_PKEY_free(other);
    return status;
}

enum rp_status noise_finish(struct noise *noise, const uint8_t *message, size_t n, uint8_t *payload)
{
    struct noise draft;
    enum rp_status status;

    if (n < NOISE_OVERHEAD || n > NOISE_MESSAGE_MAX) {
        return RP_FORMAT;
    }
    draft = *noise;
    status = read_answer(&draft, message, n, payload);
    if (status == RP_OK) {
        noise_fini(noise);
    } else {
        memory_wipe(payload, n - NOISE_OVERHEAD);
    }
    memory_wipe(&draft, sizeof draft);
    return status;
}

void noise_fini(struct noise *noise)
{
    EVP_PKEY_free(noise->e); /* cleanses a private key */
    memory_wipe(noise, sizeof *noise);
}
