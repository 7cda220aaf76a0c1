#include <reprise/ticket.h>

#include "ticket_crypt.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "memory.h"
#include "window.h"

#define NAME_LEN 16
#define IV_LEN 16
#define BLOCK_LEN 16
#define MAC_LEN TICKET_MAC_LEN
#define HEAD_LEN (NAME_LEN + IV_LEN)
#define TICKET_MIN (HEAD_LEN + BLOCK_LEN + MAC_LEN)

_Static_assert(RP_TICKET_OVERHEAD == TICKET_MIN, "padding is at most one block");

/* What one ticket needs of libcrypto; freeing it cleanses the keys. */
struct tools {
    struct algorithms algorithms;
    EVP_CIPHER_CTX *cipher;
    TICKET_MAC *mac;
};

static enum rp_status tools_init(struct tools *t, const struct stek *key,
                                 const uint8_t iv[static IV_LEN], bool seal)
{
    enum rp_status status = algorithms_init_ticket(&t->algorithms, key->key_len);

    if (status != RP_OK) {
        return status;
    }
    t->cipher = EVP_CIPHER_CTX_new();
    t->mac = ticket_mac_new();
    if (t->cipher == NULL || t->mac == NULL) {
        return RP_NO_MEMORY;
    }
    return ticket_crypt_init(&t->algorithms, key, iv, seal, t->cipher, t->mac);
}

static void tools_fini(struct tools *t)
{
    EVP_CIPHER_CTX_free(t->cipher);
    ticket_mac_free(t->mac);
    algorithms_fini(&t->algorithms);
}

/* Encrypts behind the head of a ticket and appends the MAC; 0 on failure. */
static size_t seal(const struct tools *t, const uint8_t *plain, size_t n, uint8_t *out)
{
    size_t total = HEAD_LEN;
    int len;

    if (EVP_EncryptUpdate(t->cipher, out + total, &len, plain, (int)n) != 1) {
        return 0;
    }
    total += (size_t)len;
    if (EVP_EncryptFinal_ex(t->cipher, out + total, &len) != 1) {
        return 0;
    }
    total += (size_t)len;
    return ticket_mac_make(t->mac, out, total, out + total) == RP_OK ? total + MAC_LEN : 0;
}

enum rp_status rp_ticket_seal(struct rp_keyring *keyring, const char *domain, int64_t boot_ms,
                              const uint8_t *plain, size_t n, uint8_t *out, size_t *out_len)
{
    struct tools tools = {0};
    struct window_key key;
    enum rp_status status;
    unsigned place;

    *out_len = 0;
    if (n > RP_TICKET_MAX - RP_TICKET_OVERHEAD) {
        return RP_INVALID;
    }
    if (!window_domain(keyring, domain, &place) ||
        !window_sealing(keyring, place, window_fleet_ms(keyring, boot_ms), &key)) {
        return RP_NOT_FOUND;
    }
    memcpy(out, key.keys.stek.name, NAME_LEN);
    status = RP_CRYPTO;
    if (RAND_bytes(out + NAME_LEN, IV_LEN) != 1) {
        goto done;
    }
    status = tools_init(&tools, &key.keys.stek, out + NAME_LEN, true);
    if (status != RP_OK) {
        goto done;
    }
    *out_len = seal(&tools, plain, n, out);
    status = *out_len != 0 ? RP_OK : RP_CRYPTO;
done:
    tools_fini(&tools);
    window_key_wipe(&key);
    return status;
}

/* Decrypts what the MAC has vouched for. */
static enum rp_status decrypt(const struct tools *t, const uint8_t *text, size_t n,
                              enum rp_verdict *verdict, uint8_t *out, size_t *out_len)
{
    bool padded;
    int head;
    int rest;

    if (EVP_DecryptUpdate(t->cipher, out, &head, text, (int)n) != 1) {
        return RP_CRYPTO;
    }
    /* Only whoever holds the key can have padded it wrongly; that is no error of libcrypto's. */
    (void)ERR_set_mark();
    padded = EVP_DecryptFinal_ex(t->cipher, out + head, &rest) == 1;
    (void)ERR_pop_to_mark();
    if (!padded) {
        *verdict = RP_VERDICT_MALFORMED;
        return RP_OK;
    }
    *verdict = RP_VERDICT_ACCEPTED;
    *out_len = (size_t)head + (size_t)rest;
    return RP_OK;
}

static enum rp_status open_with(const struct stek *key, const uint8_t *ticket, size_t n,
                                enum rp_verdict *verdict, uint8_t *out, size_t *out_len)
{
    const size_t authentic = n - MAC_LEN;
    struct tools tools = {0};
    enum rp_status status;
    uint8_t mac[MAC_LEN];

    status = tools_init(&tools, key, ticket + NAME_LEN, false);
    if (status != RP_OK) {
        goto done;
    }
    status = ticket_mac_make(tools.mac, ticket, authentic, mac);
    if (status != RP_OK) {
        goto done;
    }
    if (CRYPTO_memcmp(mac, ticket + authentic, MAC_LEN) != 0) {
        *verdict = RP_VERDICT_FORGED;
        goto done;
    }
    status = decrypt(&tools, ticket + HEAD_LEN, authentic - HEAD_LEN, verdict, out, out_len);
    if (*verdict != RP_VERDICT_ACCEPTED) {
        memory_wipe(out, authentic - HEAD_LEN);
    }
done:
    tools_fini(&tools);
    return status;
}

enum rp_status rp_ticket_open(struct rp_keyring *keyring, const char *domain, int64_t boot_ms,
                              const uint8_t *ticket, size_t n, enum rp_verdict *verdict,
                              uint8_t *out, size_t *out_len)
{
    enum rp_status status = RP_OK;
    struct window_key key;
    unsigned place;

    *out_len = 0;
    *verdict = RP_VERDICT_MALFORMED;
    if (n < TICKET_MIN || n > RP_TICKET_MAX || (n - HEAD_LEN - MAC_LEN) % BLOCK_LEN != 0) {
        return RP_OK;
    }
    if (!window_domain(keyring, domain, &place)) {
        return RP_NOT_FOUND;
    }
    switch (window_by_name(keyring, place, window_fleet_ms(keyring, boot_ms), ticket, &key)) {
    case WINDOW_FOUND:
        status = open_with(&key.keys.stek, ticket, n, verdict, out, out_len);
        window_key_wipe(&key);
        break;
    case WINDOW_EXPIRED:
        *verdict = RP_VERDICT_EXPIRED;
        break;
    case WINDOW_OTHER_DOMAIN:
        *verdict = RP_VERDICT_WRONG_DOMAIN;
        break;
    case WINDOW_ABSENT:
        *verdict = RP_VERDICT_UNKNOWN_KEY;
        break;
    }
    return status;
}
