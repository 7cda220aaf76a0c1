#include "raw_binder.h"

#include <string.h>

#include "handshake.h"
#include "memory.h"
#include "raw_suite.h"

#define JUNK_LEN 32

/* Where the client's random is in the message: a byte of it is what is altered. */
#define RANDOM_AT (HANDSHAKE_HEADER_LEN + 2)

static const EVP_MD *hash_of(const struct raw_session *s)
{
    const struct raw_suite *const suite = raw_suite_find(s->suite);

    return suite != NULL ? suite->hash() : EVP_sha256();
}

static size_t right_len(const struct raw_psk *psk)
{
    return psk->session != NULL ? raw_hash_len(hash_of(psk->session)) : JUNK_LEN;
}

size_t raw_binder_len(const struct raw_psk *psk)
{
    switch (psk->binder) {
    case RAW_BINDER_NONE:
        return 0;
    case RAW_BINDER_SHORT:
        return right_len(psk) - 1;
    case RAW_BINDER_LONG:
        return right_len(psk) + 1;
    case RAW_BINDER_RIGHT:
    case RAW_BINDER_FLIPPED:
    case RAW_BINDER_ZERO:
    case RAW_BINDER_RANDOM:
    case RAW_BINDER_ALTERED:
    case RAW_BINDER_STALE:
    case RAW_BINDER_NO_RETRY:
        break;
    }
    return right_len(psk);
}

enum rp_status raw_early_secret(const EVP_MD *md, const struct raw_session *s,
                                uint8_t out[static RAW_HASH_MAX])
{
    return raw_extract(md, (struct raw_bytes){0}, (struct raw_bytes){s->secret, s->secret_len},
                       out);
}

static enum rp_status finished_key(const EVP_MD *md, const struct raw_session *s,
                                   uint8_t out[static RAW_HASH_MAX])
{
    uint8_t early[RAW_HASH_MAX];
    uint8_t key[RAW_HASH_MAX];
    uint8_t empty[RAW_HASH_MAX];
    const size_t n = raw_hash_len(md);
    enum rp_status status = raw_early_secret(md, s, early);

    if (status == RP_OK) {
        status = raw_hash(md, NULL, 0, empty);
    }
    if (status == RP_OK) {
        status = raw_expand_label(md, early, "res binder", (struct raw_bytes){empty, n}, key, n);
    }
    if (status == RP_OK) {
        status = raw_expand_label(md, key, "finished", (struct raw_bytes){0}, out, n);
    }
    memory_wipe(early, sizeof early);
    memory_wipe(key, sizeof key);
    return status;
}

/* As it is made; with another random; or, after a HelloRetryRequest, without what came before. */
static enum rp_status transcript(const EVP_MD *md, const struct raw_binder_input *input,
                                 enum raw_binder kind, uint8_t out[static RAW_HASH_MAX])
{
    const uint8_t *const p = input->truncated.p;
    const size_t n = input->truncated.n;
    const uint8_t altered = (uint8_t)(p[RANDOM_AT] ^ (kind == RAW_BINDER_ALTERED ? 1 : 0));
    const struct handshake header = {HANDSHAKE_MESSAGE_HASH, raw_hash_len(md)};
    uint8_t header_bytes[HANDSHAKE_HEADER_LEN];
    uint8_t first[RAW_HASH_MAX];
    const struct raw_bytes parts[] = {
        {header_bytes, sizeof header_bytes},
        {first, raw_hash_len(md)},
        input->retry,
        {p, RANDOM_AT},
        {&altered, 1},
        {p + RANDOM_AT + 1, n - RANDOM_AT - 1},
    };
    enum rp_status status;

    if (input->first_hello.n == 0 || kind == RAW_BINDER_NO_RETRY) {
        return raw_hash(md, parts + 3, 3, out);
    }
    handshake_encode(&header, header_bytes);
    status = raw_hash(md, &input->first_hello, 1, first);
    return status == RP_OK ? raw_hash(md, parts, 6, out) : status;
}

static enum rp_status right_binder(const struct raw_psk *psk, const struct raw_binder_input *input,
                                   uint8_t out[static RAW_HASH_MAX])
{
    const EVP_MD *const md = hash_of(psk->session);
    uint8_t key[RAW_HASH_MAX];
    uint8_t hash[RAW_HASH_MAX];
    enum rp_status status = finished_key(md, psk->session, key);

    if (status == RP_OK) {
        status = transcript(md, input, psk->binder, hash);
    }
    if (status == RP_OK) {
        status = raw_hmac(md, (struct raw_bytes){key, raw_hash_len(md)},
                          (struct raw_bytes){hash, raw_hash_len(md)}, out);
    }
    memory_wipe(key, sizeof key);
    return status;
}

enum rp_status raw_binder_make(const struct raw_psk *psk, const struct raw_binder_input *input,
                               const struct raw_binder_bytes *stale, struct raw_random *random,
                               struct raw_binder_bytes *out)
{
    enum rp_status status;

    *out = (struct raw_binder_bytes){.len = raw_binder_len(psk)};
    if (psk->binder == RAW_BINDER_ZERO || out->len == 0) {
        return RP_OK;
    }
    if (psk->binder == RAW_BINDER_STALE && stale != NULL) {
        *out = *stale;
        return RP_OK;
    }
    if (psk->session == NULL || psk->binder == RAW_BINDER_RANDOM) {
        return raw_random_bytes(random, out->bytes, out->len);
    }
    if (input->truncated.n <= RANDOM_AT) {
        return RP_INVALID;
    }
    status = right_binder(psk, input, out->bytes);
    if (psk->binder == RAW_BINDER_FLIPPED) {
        out->bytes[0] ^= 1;
    }
    return status;
}
