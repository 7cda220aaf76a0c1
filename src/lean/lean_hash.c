#include "lean_hash.h"

#include <string.h>

#include <openssl/provider.h>

#include "memory.h"

#define INNER 0x36
#define OUTER 0x5c

/* Names are in one string with colons between; the first is the one that counts. */
static bool has_name(const OSSL_ALGORITHM *algorithm, const char *name)
{
    const size_t n = strlen(name);
    const char *const names = algorithm->algorithm_names;

    return strncmp(names, name, n) == 0 && (names[n] == ':' || names[n] == '\0');
}

static void take_functions(struct lean_hash *h, const OSSL_DISPATCH *functions)
{
    for (const OSSL_DISPATCH *f = functions; f->function_id != 0; f++) {
        switch (f->function_id) {
        case OSSL_FUNC_DIGEST_NEWCTX:
            h->newctx = OSSL_FUNC_digest_newctx(f);
            break;
        case OSSL_FUNC_DIGEST_INIT:
            h->init = OSSL_FUNC_digest_init(f);
            break;
        case OSSL_FUNC_DIGEST_UPDATE:
            h->update = OSSL_FUNC_digest_update(f);
            break;
        case OSSL_FUNC_DIGEST_FINAL:
            h->final = OSSL_FUNC_digest_final(f);
            break;
        case OSSL_FUNC_DIGEST_FREECTX:
            h->freectx = OSSL_FUNC_digest_freectx(f);
            break;
        default:
            break;
        }
    }
}

static bool take(struct lean_hash *h, const char *name)
{
    const OSSL_PROVIDER *const provider = EVP_MD_get0_provider(h->md);
    int no_cache = 0;
    const OSSL_ALGORITHM *const all =
        OSSL_PROVIDER_query_operation(provider, OSSL_OP_DIGEST, &no_cache);

    for (const OSSL_ALGORITHM *a = all; a != NULL && a->algorithm_names != NULL; a++) {
        if (has_name(a, name)) {
            take_functions(h, a->implementation);
        }
    }
    h->provider = OSSL_PROVIDER_get0_provider_ctx(provider);
    h->size = (size_t)EVP_MD_get_size(h->md);
    h->block = (size_t)EVP_MD_get_block_size(h->md);
    OSSL_PROVIDER_unquery_operation(provider, OSSL_OP_DIGEST, all);
    return h->newctx != NULL && h->init != NULL && h->update != NULL && h->final != NULL &&
           h->freectx != NULL && h->size <= LEAN_HASH_SIZE && h->block <= LEAN_HASH_BLOCK &&
           h->size <= h->block;
}

enum rp_status lean_hash_init(struct lean_hash *h, const char *name)
{
    *h = (struct lean_hash){.md = EVP_MD_fetch(NULL, name, "provider=default")};
    if (h->md == NULL || !take(h, name) || EVP_Digest("", 0, h->empty, NULL, h->md, NULL) != 1) {
        lean_hash_fini(h);
        return RP_CRYPTO;
    }
    return RP_OK;
}

void lean_hash_fini(struct lean_hash *h)
{
    EVP_MD_free(h->md);
    *h = (struct lean_hash){0};
}

bool lean_hash_is(const struct lean_hash *h, const void *name, size_t n)
{
    const char *const own = EVP_MD_get0_name(h->md);

    return n == strlen(own) && memcmp(name, own, n) == 0;
}

/* Begins with the key's block, masked. */
static bool begin(const struct lean_hash *h, void *ctx, struct lean_span key, uint8_t mask)
{
    uint8_t block[LEAN_HASH_BLOCK];
    bool good;

    memset(block, mask, h->block);
    for (size_t i = 0; i < key.n; i++) {
        block[i] ^= key.p[i];
    }
    good = h->init(ctx, NULL) == 1 && h->update(ctx, block, h->block) == 1;
    memory_wipe(block, h->block);
    return good;
}

bool lean_hash_hmac(const struct lean_hash *h, struct lean_span key, const struct lean_span *parts,
                    size_t n_parts, uint8_t *out)
{
    uint8_t inner[LEAN_HASH_SIZE];
    size_t n;
    void *ctx;
    bool good;

    if (key.n > h->block || (ctx = h->newctx(h->provider)) == NULL) {
        return false;
    }
    good = begin(h, ctx, key, INNER);
    for (size_t i = 0; good && i < n_parts; i++) {
        good = h->update(ctx, parts[i].p, parts[i].n) == 1;
    }
    good = good && h->final(ctx, inner, &n, sizeof inner) == 1 && begin(h, ctx, key, OUTER) &&
           h->update(ctx, inner, h->size) == 1 && h->final(ctx, out, &n, h->size) == 1;
    h->freectx(ctx);
    memory_wipe(inner, h->size);
    return good;
}
