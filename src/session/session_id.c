#include "session_id.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium.h>

#define HINT_LEN 4
#define RANDOM_LEN 20
#define MAC_AT (HINT_LEN + RANDOM_LEN)
#define MAC_LEN 8
#define MAC_STACK 512 /* libsodium does not promise to leave nothing of the key there */

_Static_assert(MAC_AT + MAC_LEN == SESSION_ID_LEN, "layout");
_Static_assert(MAC_LEN == crypto_shorthash_BYTES, "SipHash-2-4 with a tag of 8 bytes");
_Static_assert(sizeof((struct domain_keys){0}.id_mac) >= crypto_shorthash_KEYBYTES, "room");

/*
 * It decides no more than whether the cache is asked: what is there opens under a key that is made
 * of the ID.
 */
static void mac_of(const struct window_key *key, const uint8_t id[static SESSION_ID_LEN],
                   uint8_t out[static MAC_LEN])
{
    (void)crypto_shorthash(out, id, MAC_AT, key->keys.id_mac);
    sodium_stackzero(MAC_STACK);
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
    uint8_t mac[MAC_LEN];
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
