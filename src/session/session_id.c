#include "session_id.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "memory.h"

#define HINT_LEN 4
#define RANDOM_LEN 20
#define MAC_AT (HINT_LEN + RANDOM_LEN)
#define MAC_LEN (SESSION_ID_LEN - MAC_AT)
#define KEY_LEN 16 /* of SipHash */

/*
 * SipHash is made for short messages: a fifth of an HMAC's time. It decides no more than whether
 * the cache is asked; what opens the record is a key that HMAC derives from the whole ID.
 */
static enum rp_status mac_of(const struct algorithms *a, const struct window_key *key,
                             const uint8_t *id, uint8_t out[static MAC_LEN])
{
    static const uint8_t no_key[KEY_LEN];
    size_t len = MAC_LEN;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &len),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(a->siphash);
    enum rp_status status = RP_CRYPTO;

    if (ctx != NULL && EVP_MAC_init(ctx, key->keys.id_mac, KEY_LEN, params) == 1 &&
        EVP_MAC_update(ctx, id, MAC_AT) == 1 && EVP_MAC_final(ctx, out, &len, MAC_LEN) == 1 &&
        len == MAC_LEN) {
        status = RP_OK;
    }
    /* To free it does not wipe it, and from what it holds the key can be computed. */
    if (ctx != NULL && EVP_MAC_init(ctx, no_key, KEY_LEN, NULL) != 1) {
        status = RP_CRYPTO;
    }
    EVP_MAC_CTX_free(ctx);
    if (status != RP_OK) {
        memory_wipe(out, MAC_LEN);
    }
    return status;
}

enum rp_status session_id_make(const struct algorithms *a, const struct window_key *key,
                               uint8_t id[static SESSION_ID_LEN])
{
    memcpy(id, key->keys.id_hint, HINT_LEN);
    if (RAND_bytes(id + HINT_LEN, RANDOM_LEN) != 1) {
        return RP_CRYPTO;
    }
    return mac_of(a, key, id, id + MAC_AT);
}

enum window_hit session_id_open(const struct algorithms *a, const struct rp_keyring *keyring,
                                unsigned domain, int64_t fleet_ms, const uint8_t *id, size_t n,
                                struct window_key *out)
{
    uint8_t mac[MAC_LEN];
    enum window_hit hit;

    if (n != SESSION_ID_LEN) {
        return WINDOW_ABSENT;
    }
    hit = window_by_hint(keyring, domain, fleet_ms, id, out);
    if (hit != WINDOW_FOUND) {
        return hit;
    }
    if (mac_of(a, out, id, mac) != RP_OK || CRYPTO_memcmp(mac, id + MAC_AT, MAC_LEN) != 0) {
        window_key_wipe(out);
        return WINDOW_ABSENT;
    }
    return WINDOW_FOUND;
}
