#include <string.h>

#include <openssl/core_names.h>

#include "lean_kdf.h"
#include "memory.h"

/* A label, two randoms or a hash of the handshake; the longest that an exporter adds goes by. */
#define SEED_MAX 256

struct inputs {
    const struct lean_hash *hash;
    struct lean_span secret;
    uint8_t seed[SEED_MAX];
    size_t seed_len;
};

/* The seed comes in pieces, some of them empty. */
static bool add_seed(struct inputs *in, const OSSL_PARAM *p)
{
    if (p->data == NULL || p->data_size == 0) {
        return true;
    }
    if (p->data_size > sizeof in->seed - in->seed_len) {
        return false;
    }
    memcpy(in->seed + in->seed_len, p->data, p->data_size);
    in->seed_len += p->data_size;
    return true;
}

static bool take_one(const struct lean_kdfs *kdfs, struct inputs *in, const OSSL_PARAM *p)
{
    if (strcmp(p->key, OSSL_KDF_PARAM_DIGEST) == 0 && in->hash == NULL) {
        in->hash = lean_kdfs_hash(kdfs, p);
        return in->hash != NULL;
    }
    if (p->data_type != OSSL_PARAM_OCTET_STRING) {
        return false;
    }
    if (strcmp(p->key, OSSL_KDF_PARAM_SEED) == 0) {
        return add_seed(in, p);
    }
    if (strcmp(p->key, OSSL_KDF_PARAM_SECRET) == 0 && in->secret.p == NULL) {
        in->secret = (struct lean_span){p->data, p->data_size};
        return true;
    }
    return false;
}

static bool take(const struct lean_kdfs *kdfs, struct inputs *in, const OSSL_PARAM *params)
{
    for (const OSSL_PARAM *p = params; p->key != NULL; p++) {
        if (!take_one(kdfs, in, p)) {
            return false;
        }
    }
    return in->hash != NULL && in->secret.p != NULL && in->seed_len != 0;
}

/* P_hash (RFC 5246 5). */
static bool expand(const struct inputs *in, uint8_t *out, size_t n)
{
    const struct lean_hash *const hash = in->hash;
    uint8_t a[LEAN_HASH_SIZE];
    uint8_t block[LEAN_HASH_SIZE];
    struct lean_span parts[2] = {{a, hash->size}, {in->seed, in->seed_len}};
    bool good = lean_hash_hmac(hash, in->secret, &parts[1], 1, a);

    for (size_t done = 0; good && done < n;) {
        const size_t left = n - done;
        const size_t some = left < hash->size ? left : hash->size;

        good = lean_hash_hmac(hash, in->secret, parts, 2, block);
        if (good) {
            memcpy(out + done, block, some);
        }
        done += some;
        good = good && (done == n || lean_hash_hmac(hash, in->secret, parts, 1, a));
    }
    memory_wipe(a, sizeof a);
    memory_wipe(block, sizeof block);
    return good;
}

bool lean_prf_derive(const struct lean_kdfs *kdfs, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
    struct inputs in;
    bool good;

    in.hash = NULL;
    in.secret = (struct lean_span){0};
    in.seed_len = 0;
    good = n != 0 && take(kdfs, &in, params) && expand(&in, out, n);
    memory_wipe(in.seed, in.seed_len);
    return good;
}
