#include "session_id.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "siphash.h"

#define HINT_LEN 4
#define RANDOM_LEN 20
#define MAC_AT (HINT_LEN + RANDOM_LEN)

_Static_assert(MAC_AT + SIPHASH_LEN == SESSION_ID_LEN, "layout");

/*
 * It decides no more than whether the cache is asked: what is there opens under a key that AES
 * derives from the ID.
 */
static void mac_of(const struct window_key *key, const uint8_t id[static SESSION_ID_LEN],
                   uint8_t out[static SIPHASH_LEN])
{
    siphash(key->keys.id_mac, id, MAC_AT, out);
}

enum rp_status session_id_make(const struct window_key *key, uint8_t id[static SESSION_ID_LEN])
{
    memcpy(id, key->keys.id_hint, HINT_LEN);
    if (RAND_bytes(id + HINT_LEN, RANDOM_LEN) != 1) {
        return RP_CRYPTO;
    }
    mac_of(key, id, id + MAC_AT);
    return RP_OK;
}

enum window_hit session_id_open(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                                const uint8_t *id, size_t n, struct window_key *out)
{
    uint8_t mac[SIPHASH_LEN];
    enum window_hit hit;

    if (n != SESSION_ID_LEN) {
        return WINDOW_ABSENT;
    }
    hit = window_by_hint(keyring, domain, fleet_ms, id, out);
    if (hit != WINDOW_FOUND) {
        return hit;
    }
    mac_of(out, id, mac);
    if (CRYPTO_memcmp(mac, id + MAC_AT, sizeof mac) != 0) {
        window_key_wipe(out);
        return WINDOW_ABSENT;
    }
    return WINDOW_FOUND;
}
