#include "ticket_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "session_der.h"
#include "writer.h"

struct kit_key kit_key(uint8_t seed, size_t aes_len, size_t hmac_len)
{
    struct kit_key key = {.aes_len = aes_len, .hmac_len = hmac_len};

    kit_random(1000U + seed, key.name, sizeof key.name);
    kit_random(2000U + seed, key.aes, aes_len);
    kit_random(3000U + seed, key.hmac, hmac_len);
    return key;
}

/* xorshift: good enough to look random. */
void kit_random(uint32_t seed, uint8_t *out, size_t n)
{
    uint32_t x = seed * 2654435761U + 88675123U;

    for (size_t i = 0; i < n; i++) {
        for (unsigned round = 0; round < 4; round++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
        out[i] = (uint8_t)(x >> 11);
    }
}

void kit_secret(uint32_t seed, uint8_t out[static 48])
{
    kit_random(seed + 77, out, 48);
}

size_t kit_session(uint32_t seed, uint8_t out[static KIT_TICKET_MAX])
{
    struct session_record r = {
        .cipher = 0xc030, .lifetime_s = 300, .meta = {.version = 0x0303, .ems = true}};
    uint8_t id[32];
    const struct session_der d = {id, sizeof id, (const uint8_t *)"context!", 8, 1700000000};
    size_t n;

    kit_random(seed + 5, id, sizeof id);
    kit_secret(seed, r.master);
    n = session_der_encode(&r, &d, out, KIT_TICKET_MAX);
    assert_true(n > 100);
    return n;
}

static size_t encrypt(const struct kit_seal *how, const struct kit_key *key, const uint8_t *iv,
                      const uint8_t *plain, size_t n, uint8_t *out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, how->cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    int last = 0;

    assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, key->aes, iv, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &len, plain, (int)n), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out + len, &last), 1);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return (size_t)(len + last);
}

size_t kit_seal(const struct kit_seal *how, const struct kit_key *key, const uint8_t iv[static 16],
                const uint8_t *plain, size_t n, uint8_t out[static KIT_TICKET_MAX])
{
    uint8_t sealed[KIT_TICKET_MAX];
    const size_t sealed_len = encrypt(how, key, iv, plain, n, sealed);
    struct writer w = writer_of(out, KIT_TICKET_MAX);
    uint8_t mac[64];
    size_t mac_len = 0;

    if (!how->no_name) {
        writer_bytes(&w, key->name, sizeof key->name);
    }
    writer_bytes(&w, iv, 16);
    if (how->with_len) {
        writer_u16(&w, (uint16_t)sealed_len);
    }
    writer_bytes(&w, sealed, sealed_len);
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, how->hash, NULL, key->hmac, key->hmac_len, out,
                              writer_len(&w), mac, sizeof mac, &mac_len));
    writer_bytes(&w, mac, mac_len);
    assert_false(w.failed);
    return writer_len(&w);
}

size_t kit_ticket(const struct kit_key *key, uint32_t seed, uint8_t out[static KIT_TICKET_MAX])
{
    const struct kit_seal how = {key->aes_len == 16 ? "AES-128-CBC" : "AES-256-CBC", "SHA256",
                                 false, false};
    uint8_t session[KIT_TICKET_MAX];
    uint8_t iv[16];

    kit_random(seed + 9000, iv, sizeof iv);
    return kit_seal(&how, key, iv, session, kit_session(seed, session), out);
}
