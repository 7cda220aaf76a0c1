#include "lean_provider.h"

#include <stdbool.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "lean_kdf.h"
#include "memory.h"

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? lean_kdf_algorithms : NULL;
}

static void teardown(void *context)
{
    memory_free(context);
}

static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {0, NULL},
};

/* Nothing can be fetched meanwhile: that comes after (lean_provider_load). */
static int initialise(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                      const OSSL_DISPATCH **out, void **context)
{
    (void)handle;
    (void)in;
    *out = functions;
    *context = memory_new(1, sizeof(struct lean_kdfs));
    return *context != NULL ? 1 : 0;
}

/* Of equals, libcrypto gives who asks for nothing the first that it knew: the default provider's.
 */
static bool ask_before(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, LEAN_QUERY);
    const bool found = kdf != NULL;

    EVP_KDF_free(kdf);
    return found;
}

enum rp_status lean_provider_load(OSSL_PROVIDER **out)
{
    *out = NULL;
    if (ask_before() && OSSL_PROVIDER_add_builtin(NULL, LEAN_NAME, initialise) == 1) {
        *out = OSSL_PROVIDER_try_load(NULL, LEAN_NAME, 1);
    }
    if (*out != NULL && lean_kdfs_init(OSSL_PROVIDER_get0_provider_ctx(*out)) != RP_OK) {
        lean_provider_unload(out);
    }
    ERR_clear_error();
    return *out != NULL ? RP_OK : RP_CRYPTO;
}

void lean_provider_unload(OSSL_PROVIDER **provider)
{
    if (provider != NULL && *provider != NULL) {
        lean_kdfs_fini(OSSL_PROVIDER_get0_provider_ctx(*provider));
        (void)OSSL_PROVIDER_unload(*provider);
        *provider = NULL;
    }
}
