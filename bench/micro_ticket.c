/* Sealing and opening a ticket, beside the calls that libssl itself makes for one. */
#include "ticket_crypt.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <reprise/ticket.h>

#include "measure.h"
#include "window.h"

#define PLAIN_LEN 240 /* about a TLS 1.3 session */
#define HEAD_LEN 32
#define MAC_LEN 32

struct bench {
    struct rp_keyring *keyring;
    struct algorithms algorithms;
    struct window_key key;
    uint8_t ticket[PLAIN_LEN + RP_TICKET_OVERHEAD];
    size_t ticket_len;
};

static const uint8_t plain[PLAIN_LEN];

static void seal(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        measure_require(rp_ticket_seal(b->keyring, "bench", 0, plain, sizeof plain, b->ticket,
                                       &b->ticket_len) == RP_OK,
                        "seal");
    }
}

static void open_own(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t out[sizeof b->ticket];

    for (uint64_t i = 0; i < n; i++) {
        enum rp_verdict verdict;
        size_t len;

        measure_require(rp_ticket_open(b->keyring, "bench", 0, b->ticket, b->ticket_len, &verdict,
                                       out, &len) == RP_OK &&
                            verdict == RP_VERDICT_ACCEPTED,
                        "open");
    }
}

static void find_key(void *cookie, uint64_t n)
{
    const struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        struct window_key key;

        measure_require(window_by_name(b->keyring, 0, 0, b->ticket, &key) == WINDOW_FOUND, "find");
        window_key_wipe(&key);
    }
}

static bool make_mac(EVP_MAC_CTX *mac, const uint8_t *p, size_t n, uint8_t *out)
{
    size_t len;

    return EVP_MAC_update(mac, p, n) == 1 && EVP_MAC_final(mac, out, &len, MAC_LEN) == 1;
}

/* ssl/statem/statem_srvr.c, construct_stateless_ticket, without a callback. */
static void seal_as_libssl(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    const struct stek *const k = &b->key.keys.stek;

    for (uint64_t i = 0; i < n; i++) {
        EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
        EVP_CIPHER *cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        uint8_t *const text = b->ticket + HEAD_LEN;
        int head = 0;
        int rest = 0;

        memcpy(b->ticket, k->name, 16);
        measure_require(
            RAND_bytes(b->ticket + 16, 16) == 1 &&
                EVP_EncryptInit_ex(cipher, cbc, NULL, k->aes, b->ticket + 16) == 1 &&
                EVP_MAC_init(mac, k->hmac, 32,
                             (const OSSL_PARAM[]){
                                 OSSL_PARAM_construct_utf8_string("digest", (char[]){"SHA256"}, 0),
                                 OSSL_PARAM_construct_end()}) == 1 &&
                EVP_EncryptUpdate(cipher, text, &head, plain, PLAIN_LEN) == 1 &&
                EVP_EncryptFinal_ex(cipher, text + head, &rest) == 1 &&
                make_mac(mac, b->ticket, (size_t)(HEAD_LEN + head + rest), text + head + rest),
            "seal as libssl does");
        b->ticket_len = (size_t)(HEAD_LEN + head + rest + MAC_LEN);
        EVP_CIPHER_free(cbc);
        EVP_CIPHER_CTX_free(cipher);
        EVP_MAC_CTX_free(mac);
        EVP_MAC_free(hmac);
    }
}

/* ssl/t1_lib.c, tls_decrypt_ticket, without a callback. */
static void open_as_libssl(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    const struct stek *const k = &b->key.keys.stek;
    const size_t authentic = b->ticket_len - MAC_LEN;
    uint8_t out[sizeof b->ticket];

    for (uint64_t i = 0; i < n; i++) {
        EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
        EVP_CIPHER *cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        uint8_t expected[MAC_LEN];
        int head = 0;
        int rest = 0;

        measure_require(EVP_MAC_init(mac, k->hmac, 32,
                                     (const OSSL_PARAM[]){OSSL_PARAM_construct_utf8_string(
                                                              "digest", (char[]){"SHA256"}, 0),
                                                          OSSL_PARAM_construct_end()}) == 1 &&
                            EVP_DecryptInit_ex(cipher, cbc, NULL, k->aes, b->ticket + 16) == 1 &&
                            make_mac(mac, b->ticket, authentic, expected) &&
                            CRYPTO_memcmp(expected, b->ticket + authentic, MAC_LEN) == 0 &&
                            EVP_DecryptUpdate(cipher, out, &head, b->ticket + HEAD_LEN,
                                              (int)(authentic - HEAD_LEN)) == 1 &&
                            EVP_DecryptFinal_ex(cipher, out + head, &rest) == 1,
                        "open as libssl does");
        EVP_CIPHER_free(cbc);
        EVP_CIPHER_CTX_free(cipher);
        EVP_MAC_CTX_free(mac);
        EVP_MAC_free(hmac);
    }
}

/* What the ticket key callback does of it: the rest is libssl's own. */
static void set_up_contexts(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    TICKET_MAC *mac = ticket_mac_new();

    for (uint64_t i = 0; i < n; i++) {
        measure_require(ticket_crypt_init(&b->algorithms, &b->key.keys.stek, b->ticket + 16, false,
                                          cipher, mac) == RP_OK,
                        "set up");
    }
    EVP_CIPHER_CTX_free(cipher);
    ticket_mac_free(mac);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    unsigned domain;
    struct measure m;

    if (!measure_init(&m, "Tickets (240 bytes of session)", argc, argv)) {
        return 2;
    }
    measure_require(rp_keyring_new(&(struct rp_keyring_options){0}, &b.keyring, NULL) == RP_OK &&
                        rp_keyring_keep(b.keyring, 0, NULL, NULL) == RP_OK &&
                        rp_keyring_domain_add(b.keyring, "bench") == RP_OK &&
                        window_domain(b.keyring, "bench", &domain) &&
                        window_sealing(b.keyring, domain, 0, &b.key) &&
                        algorithms_init(&b.algorithms) == RP_OK,
                    "make a keyring");
    measure_time(&m, "rp_ticket_seal", 0, seal, &b);
    measure_time(&m, "seal by libssl's own calls", 0, seal_as_libssl, &b);
    measure_time(&m, "rp_ticket_open", 0, open_own, &b);
    measure_time(&m, "open by libssl's own calls", 0, open_as_libssl, &b);
    measure_time(&m, "find the key by its name", 0, find_key, &b);
    measure_time(&m, "set up contexts for a ticket", 0, set_up_contexts, &b);
    measure_print(&m);
    window_key_wipe(&b.key);
    algorithms_fini(&b.algorithms);
    rp_keyring_free(&b.keyring);
    return 0;
}
