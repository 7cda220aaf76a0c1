#include "session_id.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "hmac256.h"

#define HINT_LEN 4
#define RANDOM_LEN 20
#define MAC_AT (HINT_LEN + RANDOM_LEN)
#define MAC_LEN (SESSION_ID_LEN - MAC_AT)

enum rp_status session_id_make(const struct algorithms *a, const struct window_key *key,
                               uint8_t id[static SESSION_ID_LEN])
{
    uint8_t mac[HMAC256_LEN];
    enum rp_status status;

    memcpy(id, key->keys.id_hint, HINT_LEN);
    if (RAND_bytes(id + HINT_LEN, RANDOM_LEN) != 1) {
        return RP_CRYPTO;
    }
    status = hmac256(a, key->keys.id_mac, id, MAC_AT, mac);
    memcpy(id + MAC_AT, mac, MAC_LEN);
    return status;
}

enum window_hit session_id_open(const struct algorithms *a, const struct rp_keyring *keyring,
                                unsigned domain, int64_t fleet_ms, const uint8_t *id, size_t n,
                                struct window_key *out)
{
    uint8_t mac[HMAC256_LEN];
    enum window_hit hit;

    if (n != SESSION_ID_LEN) {
        return WINDOW_ABSENT;
    }
    hit = window_by_hint(keyring, domain, fleet_ms, id, out);
    if (hit != WINDOW_FOUND) {
        return hit;
    }
    if (hmac256(a, out->keys.id_mac, id, MAC_AT, mac) != RP_OK ||
        CRYPTO_memcmp(mac, id + MAC_AT, MAC_LEN) != 0) {
        window_key_wipe(out);
        return WINDOW_ABSENT;
    }
    return WINDOW_FOUND;
}
