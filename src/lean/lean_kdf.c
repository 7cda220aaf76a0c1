#include "lean_kdf.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

#include "lean_provider.h"
#include "memory.h"

typedef bool derive_fn(const struct lean_kdfs *kdfs, const OSSL_PARAM *params, uint8_t *out,
                       size_t n);

struct lean_kdf {
    const struct lean_kdfs *kdfs;
    EVP_KDF *whole;         /* the default provider's; borrowed */
    EVP_KDF_CTX *whole_ctx; /* NULL until there is something for it */
    derive_fn *derive;
};

static void *new_kdf(const struct lean_kdfs *kdfs, EVP_KDF *whole, derive_fn *derive)
{
    struct lean_kdf *kdf = whole != NULL ? memory_new(1, sizeof *kdf) : NULL;

    if (kdf != NULL) {
        *kdf = (struct lean_kdf){.kdfs = kdfs, .whole = whole, .derive = derive};
    }
    return kdf;
}

static void *new_tls13(void *provider)
{
    const struct lean_kdfs *kdfs = provider;

    return new_kdf(kdfs, kdfs->tls13, lean_tls13_derive);
}

static void *new_prf(void *provider)
{
    const struct lean_kdfs *kdfs = provider;

    return new_kdf(kdfs, kdfs->prf, lean_prf_derive);
}

static void reset(void *ctx)
{
    struct lean_kdf *kdf = ctx;

    EVP_KDF_CTX_free(kdf->whole_ctx);
    kdf->whole_ctx = NULL;
}

static void free_kdf(void *ctx)
{
    if (ctx != NULL) {
        reset(ctx);
        memory_free(ctx);
    }
}

static EVP_KDF_CTX *whole(struct lean_kdf *kdf)
{
    if (kdf->whole_ctx == NULL) {
        kdf->whole_ctx = EVP_KDF_CTX_new(kdf->whole);
    }
    return kdf->whole_ctx;
}

static int derive(void *ctx, unsigned char *out, size_t n, const OSSL_PARAM params[])
{
    struct lean_kdf *kdf = ctx;

    if (kdf->whole_ctx == NULL && params != NULL && kdf->derive(kdf->kdfs, params, out, n)) {
        return 1;
    }
    return whole(kdf) != NULL ? EVP_KDF_derive(kdf->whole_ctx, out, n, params) : 0;
}

static int set_params(void *ctx, const OSSL_PARAM params[])
{
    struct lean_kdf *kdf = ctx;

    return whole(kdf) != NULL ? EVP_KDF_CTX_set_params(kdf->whole_ctx, params) : 0;
}

static int get_params(void *ctx, OSSL_PARAM params[])
{
    struct lean_kdf *kdf = ctx;

    return whole(kdf) != NULL ? EVP_KDF_CTX_get_params(kdf->whole_ctx, params) : 0;
}

#define FUNCTION(f) ((void (*)(void))(f))

/* But for the first, the same. */
#define FUNCTIONS                                                                                  \
    {OSSL_FUNC_KDF_FREECTX, FUNCTION(free_kdf)}, {OSSL_FUNC_KDF_RESET, FUNCTION(reset)},           \
        {OSSL_FUNC_KDF_DERIVE, FUNCTION(derive)},                                                  \
        {OSSL_FUNC_KDF_SET_CTX_PARAMS, FUNCTION(set_params)},                                      \
        {OSSL_FUNC_KDF_GET_CTX_PARAMS, FUNCTION(get_params)},                                      \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static const OSSL_DISPATCH tls13_functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, FUNCTION(new_tls13)},
    FUNCTIONS,
};
static const OSSL_DISPATCH prf_functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, FUNCTION(new_prf)},
    FUNCTIONS,
};

const OSSL_ALGORITHM lean_kdf_algorithms[] = {
    {OSSL_KDF_NAME_TLS1_3_KDF, LEAN_PROPERTIES, tls13_functions, NULL},
    {OSSL_KDF_NAME_TLS1_PRF, LEAN_PROPERTIES, prf_functions, NULL},
    {NULL, NULL, NULL, NULL},
};

enum rp_status lean_kdfs_init(struct lean_kdfs *kdfs)
{
    static const char *const names[LEAN_KDF_HASHES] = {"SHA2-256", "SHA2-384"};
    enum rp_status status = RP_OK;

    *kdfs = (struct lean_kdfs){
        .tls13 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, "provider=default"),
        .prf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, "provider=default"),
    };
    for (size_t i = 0; status == RP_OK && i < LEAN_KDF_HASHES; i++) {
        status = lean_hash_init(&kdfs->hashes[i], names[i]);
    }
    if (kdfs->tls13 == NULL || kdfs->prf == NULL) {
        status = RP_CRYPTO;
    }
    if (status != RP_OK) {
        lean_kdfs_fini(kdfs);
    }
    return status;
}

void lean_kdfs_fini(struct lean_kdfs *kdfs)
{
    EVP_KDF_free(kdfs->tls13);
    EVP_KDF_free(kdfs->prf);
    for (size_t i = 0; i < LEAN_KDF_HASHES; i++) {
        lean_hash_fini(&kdfs->hashes[i]);
    }
    *kdfs = (struct lean_kdfs){0};
}

const struct lean_hash *lean_kdfs_hash(const struct lean_kdfs *kdfs, const OSSL_PARAM *name)
{
    const struct lean_hash *found = NULL;

    for (size_t i = 0; name->data_type == OSSL_PARAM_UTF8_STRING && i < LEAN_KDF_HASHES; i++) {
        if (lean_hash_is(&kdfs->hashes[i], name->data, name->data_size)) {
            found = &kdfs->hashes[i];
        }
    }
    return found;
}
