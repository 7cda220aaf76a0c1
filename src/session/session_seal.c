#include "session_seal.h"

#include <limits.h>

#include <openssl/rand.h>
#include <sodium.h>

#include "gcm.h"
#include "memory.h"

#define ID_RANDOM_AT 4 /* of a session ID */

_Static_assert(GCM_NONCE_LEN + GCM_TAG_LEN == SESSION_SEAL_OVERHEAD, "as documented");
_Static_assert(GCM_KEY_LEN == crypto_core_hchacha20_OUTPUTBYTES, "it makes a key");
_Static_assert(ID_RANDOM_AT + crypto_core_hchacha20_INPUTBYTES <= SESSION_ID_LEN,
               "of random bytes");

/* The key of this one record. */
static void record_key(const struct window_key *key, const uint8_t id[static SESSION_ID_LEN],
                       uint8_t out[static GCM_KEY_LEN])
{
    (void)crypto_core_hchacha20(out, id + ID_RANDOM_AT, key->keys.record, NULL);
}

static struct gcm_use use_of(const uint8_t *record_key, const uint8_t *nonce, const uint8_t *id)
{
    return (struct gcm_use){
        .key = record_key,
        .nonce = nonce,
        .bound = {id, SESSION_ID_LEN},
    };
}

enum rp_status session_seal(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *plain, size_t n,
                            uint8_t *out)
{
    uint8_t derived[GCM_KEY_LEN];
    const struct gcm_use use = use_of(derived, out, id);
    enum rp_status status;

    if (n > INT_MAX) {
        return RP_INVALID;
    }
    if (RAND_bytes(out, GCM_NONCE_LEN) != 1) {
        return RP_CRYPTO;
    }
    record_key(key, id, derived);
    status = gcm_seal(a, &use, plain, n, out + GCM_NONCE_LEN);
    memory_wipe(derived, sizeof derived);
    return status;
}

enum rp_status session_open(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *sealed,
                            size_t n, enum rp_verdict *verdict, uint8_t *out, size_t *out_len)
{
    uint8_t derived[GCM_KEY_LEN];
    const struct gcm_use use = use_of(derived, sealed, id);
    enum gcm_opened opened;

    *out_len = 0;
    *verdict = RP_VERDICT_MALFORMED;
    if (n < SESSION_SEAL_OVERHEAD || n > INT_MAX) {
        return RP_OK;
    }
    n -= SESSION_SEAL_OVERHEAD;
    record_key(key, id, derived);
    opened = gcm_open(a, &use, sealed + GCM_NONCE_LEN, n, out);
    memory_wipe(derived, sizeof derived);
    if (opened == GCM_FAILED) {
        return RP_CRYPTO;
    }
    *verdict = RP_VERDICT_FORGED;
    if (opened == GCM_OPENED) {
        *verdict = RP_VERDICT_ACCEPTED;
        *out_len = n;
    }
    return RP_OK;
}
