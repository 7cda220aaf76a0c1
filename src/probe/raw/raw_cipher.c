#include "raw_cipher.h"

#include <string.h>

#include <openssl/crypto.h>

#include "memory.h"
#include "raw_hash.h"
#include "tls_record.h"
#include "writer.h"

#define TAG_LEN 16
#define NONCE_LEN 12
#define EXPLICIT_LEN 8 /* of a GCM nonce in TLS 1.2 */
#define BLOCK_LEN 16
#define AAD_MAX 13
#define LEGACY_VERSION 0x0303

void raw_cipher_fini(struct raw_cipher *c)
{
    EVP_CIPHER_CTX_free(c->ctx);
    memory_wipe(c, sizeof *c);
}

enum rp_status raw_cipher_init(struct raw_cipher *c, const struct raw_suite *suite,
                               const struct raw_cipher_keys *keys)
{
    raw_cipher_fini(c);
    c->ctx = EVP_CIPHER_CTX_new();
    if (c->ctx == NULL) {
        return RP_NO_MEMORY;
    }
    c->suite = suite;
    memcpy(c->key, keys->key, suite->key_len);
    if (suite->iv_len != 0) {
        memcpy(c->iv, keys->iv, suite->iv_len);
    }
    if (suite->mac_len != 0) {
        memcpy(c->mac_key, keys->mac_key, suite->mac_len);
    }
    return RP_OK;
}

static bool has_explicit_nonce(const struct raw_cipher *c)
{
    return !c->suite->tls13 && c->suite->protection == RAW_PROTECT_GCM;
}

/* Salt and an explicit part; or, if that is NULL, the IV with the sequence number in it. */
static void make_nonce(const struct raw_cipher *c, const uint8_t *explicit_part,
                       uint8_t nonce[static NONCE_LEN])
{
    uint8_t sequence[8];
    struct writer w = writer_of(sequence, sizeof sequence);

    memcpy(nonce, c->iv, sizeof c->iv);
    if (explicit_part != NULL) {
        memcpy(nonce + NONCE_LEN - EXPLICIT_LEN, explicit_part, EXPLICIT_LEN);
        return;
    }
    writer_u64(&w, c->sequence);
    for (size_t i = 0; i < sizeof sequence; i++) {
        nonce[NONCE_LEN - sizeof sequence + i] ^= sequence[i];
    }
}

/* n: of the content for TLS 1.2, of all that follows the header for TLS 1.3. */
static size_t make_aad(const struct raw_cipher *c, uint8_t type, uint16_t version, size_t n,
                       uint8_t aad[static AAD_MAX])
{
    struct writer w = writer_of(aad, AAD_MAX);

    if (!c->suite->tls13) {
        writer_u64(&w, c->sequence);
    }
    writer_u8(&w, type);
    writer_u16(&w, version);
    writer_u16(&w, (uint16_t)n);
    return writer_len(&w);
}

static enum rp_status seal_aead(struct raw_cipher *c, uint8_t type, const uint8_t *p, size_t n,
                                struct writer *w)
{
    const bool tls13 = c->suite->tls13;
    const size_t inner_len = n + (tls13 ? 1 : 0);
    const uint8_t outer = tls13 ? TLS_RECORD_APPLICATION_DATA : type;
    uint8_t nonce[NONCE_LEN];
    uint8_t aad[AAD_MAX];
    uint8_t tag[TAG_LEN];
    size_t aad_len;
    int len = 0;
    uint8_t *at = w->at;

    if (has_explicit_nonce(c)) {
        writer_u64(w, c->sequence);
        make_nonce(c, at, nonce);
    } else {
        make_nonce(c, NULL, nonce);
    }
    aad_len = make_aad(c, outer, LEGACY_VERSION, tls13 ? inner_len + TAG_LEN : n, aad);
    at = w->at;
    writer_bytes(w, p, n);
    if (tls13) {
        writer_u8(w, type);
    }
    if (w->failed || EVP_EncryptInit_ex(c->ctx, c->suite->cipher(), NULL, c->key, nonce) != 1 ||
        EVP_EncryptUpdate(c->ctx, NULL, &len, aad, (int)aad_len) != 1 ||
        EVP_EncryptUpdate(c->ctx, at, &len, at, (int)inner_len) != 1 ||
        EVP_EncryptFinal_ex(c->ctx, at + len, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) != 1) {
        return RP_CRYPTO;
    }
    writer_bytes(w, tag, TAG_LEN);
    return RP_OK;
}

/* Over sequence, type, version, length and content. */
static enum rp_status make_mac(const struct raw_cipher *c, uint8_t type, uint16_t version,
                               const uint8_t *p, size_t n, uint8_t mac[static RAW_HASH_MAX])
{
    struct raw_buffer input = {0};
    uint8_t aad[AAD_MAX];
    const size_t aad_len = make_aad(c, type, version, n, aad);
    enum rp_status status = RP_NO_MEMORY;

    if (raw_buffer_add(&input, aad, aad_len) && raw_buffer_add(&input, p, n)) {
        status = raw_hmac(c->suite->mac(), (struct raw_bytes){c->mac_key, c->suite->mac_len},
                          (struct raw_bytes){input.bytes, input.len}, mac);
    }
    raw_buffer_fini(&input);
    return status;
}

static enum rp_status seal_cbc(struct raw_cipher *c, struct raw_random *random, uint8_t type,
                               const uint8_t *p, size_t n, struct writer *w)
{
    const size_t mac_len = c->suite->mac_len;
    const size_t pad_len = BLOCK_LEN - (n + mac_len) % BLOCK_LEN; /* the length byte included */
    uint8_t mac[RAW_HASH_MAX];
    uint8_t iv[BLOCK_LEN];
    enum rp_status status = make_mac(c, type, LEGACY_VERSION, p, n, mac);
    uint8_t *at;
    int len = 0;

    if (status == RP_OK) {
        status = raw_random_bytes(random, iv, sizeof iv);
    }
    if (status != RP_OK) {
        return status;
    }
    writer_bytes(w, iv, sizeof iv);
    at = w->at;
    writer_bytes(w, p, n);
    writer_bytes(w, mac, mac_len);
    for (size_t i = 0; i < pad_len; i++) {
        writer_u8(w, (uint8_t)(pad_len - 1));
    }
    if (w->failed || EVP_EncryptInit_ex(c->ctx, c->suite->cipher(), NULL, c->key, iv) != 1 ||
        EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1 ||
        EVP_EncryptUpdate(c->ctx, at, &len, at, (int)(w->at - at)) != 1 || len != w->at - at) {
        return RP_CRYPTO;
    }
    return RP_OK;
}

enum rp_status raw_cipher_seal(struct raw_cipher *c, struct raw_random *random, uint8_t type,
                               uint16_t clear_version, const uint8_t *p, size_t n,
                               struct raw_buffer *out)
{
    const size_t room = TLS_RECORD_HEADER_LEN + n + RAW_CIPHER_OVERHEAD;
    struct tls_record header = {.type = type, .version = clear_version, .len = 0};
    uint8_t *const start = raw_buffer_room(out, room);
    struct writer w = writer_of(start, start != NULL ? room : 0);
    enum rp_status status = RP_OK;

    if (start == NULL) {
        return RP_NO_MEMORY;
    }
    (void)writer_open(&w, TLS_RECORD_HEADER_LEN);
    if (c->suite == NULL) {
        writer_bytes(&w, p, n);
    } else {
        header.version = LEGACY_VERSION;
        if (c->suite->tls13) {
            header.type = TLS_RECORD_APPLICATION_DATA;
        }
        status = c->suite->protection == RAW_PROTECT_CBC ? seal_cbc(c, random, type, p, n, &w)
                                                         : seal_aead(c, type, p, n, &w);
        c->sequence++;
    }
    if (status == RP_OK) {
        header.len = (uint16_t)(writer_len(&w) - TLS_RECORD_HEADER_LEN);
        tls_record_encode(&header, start);
        out->len += writer_len(&w);
    }
    return status;
}

/* In TLS 1.3 the type follows the content, and then zeroes. */
static enum rp_status inner_type(const uint8_t *content, size_t *len, uint8_t *type)
{
    size_t n = *len;

    while (n != 0 && content[n - 1] == 0) {
        n--;
    }
    if (n == 0) {
        return RP_FORMAT;
    }
    *type = content[n - 1];
    *len = n - 1;
    return RP_OK;
}

static enum rp_status open_aead(struct raw_cipher *c, uint8_t *type, uint16_t version, uint8_t *p,
                                size_t n, uint8_t **content, size_t *content_len)
{
    const size_t explicit_len = has_explicit_nonce(c) ? EXPLICIT_LEN : 0;
    uint8_t nonce[NONCE_LEN];
    uint8_t aad[AAD_MAX];
    size_t aad_len;
    size_t inner_len;
    uint8_t *const at = p + explicit_len;
    int len = 0;

    if (n < explicit_len + TAG_LEN) {
        return RP_FORMAT;
    }
    inner_len = n - explicit_len - TAG_LEN;
    make_nonce(c, explicit_len != 0 ? p : NULL, nonce);
    aad_len = make_aad(c, *type, version, c->suite->tls13 ? n : inner_len, aad);
    if (EVP_DecryptInit_ex(c->ctx, c->suite->cipher(), NULL, c->key, nonce) != 1 ||
        EVP_DecryptUpdate(c->ctx, NULL, &len, aad, (int)aad_len) != 1) {
        return RP_CRYPTO;
    }
    if (EVP_DecryptUpdate(c->ctx, at, &len, at, (int)inner_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, at + inner_len) != 1 ||
        EVP_DecryptFinal_ex(c->ctx, at + inner_len, &len) != 1) {
        return RP_FORMAT;
    }
    *content = at;
    *content_len = inner_len;
    return c->suite->tls13 ? inner_type(at, content_len, type) : RP_OK;
}

static enum rp_status open_cbc(struct raw_cipher *c, uint8_t type, uint16_t version, uint8_t *p,
                               size_t n, uint8_t **content, size_t *content_len)
{
    const size_t mac_len = c->suite->mac_len;
    uint8_t mac[RAW_HASH_MAX];
    uint8_t *const at = p + BLOCK_LEN;
    size_t inner_len;
    size_t pad_len;
    int len = 0;
    enum rp_status status;

    if (n < 2 * BLOCK_LEN || n % BLOCK_LEN != 0) {
        return RP_FORMAT;
    }
    inner_len = n - BLOCK_LEN;
    if (EVP_DecryptInit_ex(c->ctx, c->suite->cipher(), NULL, c->key, p) != 1 ||
        EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1 ||
        EVP_DecryptUpdate(c->ctx, at, &len, at, (int)inner_len) != 1) {
        return RP_CRYPTO;
    }
    pad_len = (size_t)at[inner_len - 1] + 1;
    if (pad_len + mac_len > inner_len) {
        return RP_FORMAT;
    }
    inner_len -= pad_len + mac_len;
    status = make_mac(c, type, version, at, inner_len, mac);
    if (status == RP_OK && CRYPTO_memcmp(mac, at + inner_len, mac_len) != 0) {
        status = RP_FORMAT;
    }
    *content = at;
    *content_len = inner_len;
    return status;
}

enum rp_status raw_cipher_open(struct raw_cipher *c, uint8_t *type, uint16_t version, uint8_t *p,
                               size_t n, uint8_t **content, size_t *content_len)
{
    enum rp_status status;

    *content = p;
    *content_len = n;
    if (c->suite == NULL) {
        return RP_OK;
    }
    status = c->suite->protection == RAW_PROTECT_CBC
                 ? open_cbc(c, *type, version, p, n, content, content_len)
                 : open_aead(c, type, version, p, n, content, content_len);
    c->sequence++;
    return status;
}
