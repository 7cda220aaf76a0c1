#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "lean_kdf.h"
#include "memory.h"
#include "writer.h"

/* HkdfLabel and the number of the block (RFC 8446 7.1, RFC 5869 2.3). */
#define INFO_MAX (2 + 1 + UINT8_MAX + 1 + LEAN_HASH_SIZE + 1)

struct inputs {
    const struct lean_hash *hash;
    int mode;
    struct lean_span key, salt, prefix, label, data;
};

static struct lean_span *place_of(struct inputs *in, const char *name)
{
    if (strcmp(name, OSSL_KDF_PARAM_KEY) == 0) {
        return &in->key;
    }
    if (strcmp(name, OSSL_KDF_PARAM_PREFIX) == 0) {
        return &in->prefix;
    }
    if (strcmp(name, OSSL_KDF_PARAM_LABEL) == 0) {
        return &in->label;
    }
    if (strcmp(name, OSSL_KDF_PARAM_DATA) == 0) {
        return &in->data;
    }
    return strcmp(name, OSSL_KDF_PARAM_SALT) == 0 ? &in->salt : NULL;
}

static bool take_span(struct inputs *in, const OSSL_PARAM *p)
{
    struct lean_span *const place = place_of(in, p->key);

    if (place == NULL || place->p != NULL || p->data == NULL ||
        p->data_type != OSSL_PARAM_OCTET_STRING) {
        return false;
    }
    *place = (struct lean_span){p->data, p->data_size};
    return true;
}

static bool take(const struct lean_kdfs *kdfs, struct inputs *in, const OSSL_PARAM *params)
{
    for (const OSSL_PARAM *p = params; p->key != NULL; p++) {
        if (strcmp(p->key, OSSL_KDF_PARAM_MODE) == 0 && in->mode < 0) {
            if (OSSL_PARAM_get_int(p, &in->mode) != 1) {
                return false;
            }
        } else if (strcmp(p->key, OSSL_KDF_PARAM_DIGEST) == 0 && in->hash == NULL) {
            in->hash = lean_kdfs_hash(kdfs, p);
            if (in->hash == NULL) {
                return false;
            }
        } else if (!take_span(in, p)) {
            return false;
        }
    }
    return in->hash != NULL && in->prefix.p != NULL && in->label.p != NULL;
}

/* HKDF-Expand-Label, of one block. */
static bool expand(const struct inputs *in, struct lean_span secret, struct lean_span data,
                   uint8_t *out, size_t n)
{
    const struct lean_hash *const hash = in->hash;
    uint8_t info[INFO_MAX];
    uint8_t block[LEAN_HASH_SIZE];
    struct writer w = writer_of(info, sizeof info);
    struct lean_span all;
    bool good;

    if (n == 0 || n > hash->size || in->prefix.n + in->label.n > UINT8_MAX ||
        data.n > LEAN_HASH_SIZE) {
        return false;
    }
    writer_u16(&w, (uint16_t)n);
    writer_u8(&w, (uint8_t)(in->prefix.n + in->label.n));
    writer_bytes(&w, in->prefix.p, in->prefix.n);
    writer_bytes(&w, in->label.p, in->label.n);
    writer_u8(&w, (uint8_t)data.n);
    writer_bytes(&w, data.p, data.n);
    writer_u8(&w, 1);
    all = (struct lean_span){info, writer_len(&w)};
    good = all.n != 0 && lean_hash_hmac(hash, secret, &all, 1, block);
    if (good) {
        memcpy(out, block, n);
    }
    memory_wipe(block, hash->size);
    return good;
}

/* What libssl calls generating a secret: HKDF-Extract, of the salt's "derived" secret. */
static bool extract(const struct inputs *in, uint8_t *out)
{
    static const uint8_t zeroes[LEAN_HASH_SIZE];
    const struct lean_hash *const hash = in->hash;
    const struct lean_span key =
        in->key.p != NULL ? in->key : (struct lean_span){zeroes, hash->size};
    uint8_t derived[LEAN_HASH_SIZE];
    struct lean_span salt = {derived, 0};
    bool good = true;

    if (in->salt.p != NULL) {
        salt.n = hash->size;
        good = expand(in, in->salt, (struct lean_span){hash->empty, hash->size}, derived, salt.n);
    }
    good = good && lean_hash_hmac(hash, salt, &key, 1, out);
    memory_wipe(derived, salt.n);
    return good;
}

bool lean_tls13_derive(const struct lean_kdfs *kdfs, const OSSL_PARAM *params, uint8_t *out,
                       size_t n)
{
    struct inputs in = {.mode = -1};

    if (!take(kdfs, &in, params)) {
        return false;
    }
    if (in.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) {
        return in.key.p != NULL && in.salt.p == NULL && expand(&in, in.key, in.data, out, n);
    }
    return in.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && in.data.p == NULL && n == in.hash->size &&
           extract(&in, out);
}
