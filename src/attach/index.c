/*
 * The two indices are the library's only mutable statics. libcrypto hands indices out for good and
 * has no call that gives them back, so an index per attachment would leak one each time.
 */
#include "index.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "attachment.h"
#include "resumption.h"

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int ctx_index = -1;
static int ssl_index = -1;

static void free_attachment(void *parent, void *p, CRYPTO_EX_DATA *ad, int index, long argl,
                            void *argp)
{
    struct attachment *at = p;

    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    attachment_free(&at);
}

static void free_resumption(void *parent, void *p, CRYPTO_EX_DATA *ad, int index, long argl,
                            void *argp)
{
    struct resumption *r = p;

    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    resumption_free(&r);
}

/* Without it SSL_dup would copy the pointer, and both would free it. */
static int forget_in_copy(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **p, int index,
                          long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    *p = NULL;
    return 1;
}

static void obtain(void)
{
    ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_attachment);
    ssl_index = SSL_get_ex_new_index(0, NULL, NULL, forget_in_copy, free_resumption);
}

bool index_ready(void)
{
    return CRYPTO_THREAD_run_once(&once, obtain) == 1 && ctx_index >= 0 && ssl_index >= 0;
}

int index_ctx(void)
{
    return ctx_index;
}

int index_ssl(void)
{
    return ssl_index;
}
