#include "client_policy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "client_ca.h"
#include "memory.h"
#include "text.h"

#define DIGEST_LEN 32

struct digest {
    uint8_t bytes[DIGEST_LEN];
};

static const char *const verify_words[] = {
    [CONFIG_VERIFY_OFF] = "off",
    [CONFIG_VERIFY_OPTIONAL] = "optional",
    [CONFIG_VERIFY_REQUIRED] = "required",
};

/* The policy. */

/* Name and key as they are encoded; both begin with their own length, so nothing runs together. */
static enum rp_status digest_ca(X509 *ca, struct digest *out)
{
    unsigned char *name = NULL;
    unsigned char *key = NULL;
    const int name_len = i2d_X509_NAME(X509_get_subject_name(ca), &name);
    const int key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ca), &key);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const bool good = name_len > 0 && key_len > 0 && md != NULL &&
                      EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                      EVP_DigestUpdate(md, name, (size_t)name_len) == 1 &&
                      EVP_DigestUpdate(md, key, (size_t)key_len) == 1 &&
                      EVP_DigestFinal_ex(md, out->bytes, NULL) == 1;

    EVP_MD_CTX_free(md);
    OPENSSL_free(name);
    OPENSSL_free(key);
    return good ? RP_OK : RP_CRYPTO;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

/* Over the set: sorted, each once. */
static enum rp_status digest_set(STACK_OF(X509) * cas, struct digest *out)
{
    const size_t n = (size_t)sk_X509_num(cas);
    struct digest *all = memory_new(n, sizeof *all);
    enum rp_status status = all != NULL ? RP_OK : RP_NO_MEMORY;
    size_t kept = 0;

    for (size_t i = 0; i < n && status == RP_OK; i++) {
        status = digest_ca(sk_X509_value(cas, (int)i), &all[i]);
    }
    if (status == RP_OK) {
        qsort(all, n, sizeof *all, compare);
        for (size_t i = 0; i < n; i++) {
            if (i == 0 || compare(&all[i], &all[kept - 1]) != 0) {
                all[kept++] = all[i];
            }
        }
        if (EVP_Digest(all, kept * sizeof *all, out->bytes, NULL, EVP_sha256(), NULL) != 1) {
            status = RP_CRYPTO;
        }
    }
    memory_free(all);
    return status;
}

static enum rp_status write_policy(const struct config_client *client, STACK_OF(X509) * cas,
                                   char text[static CLIENT_POLICY_SIZE])
{
    struct text t = text_of(text, CLIENT_POLICY_SIZE);
    struct digest digest;
    enum rp_status status = digest_set(cas, &digest);

    if (status == RP_OK) {
        text_addf(&t, "client_verify=%s client_verify_depth=%u client_ca=",
                  verify_words[client->verify], client->depth);
        text_add_hex(&t, digest.bytes, sizeof digest.bytes);
    }
    return status;
}

/* What libssl is told. */

static enum rp_status fill_store(X509_STORE *store, STACK_OF(X509) * cas,
                                 const struct config_client *client, const struct source *whole)
{
    for (int i = 0; i < sk_X509_num(cas); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(cas, i)) != 1) {
            return RP_CRYPTO;
        }
    }
    /* The store's and not the SSL_CTX's: libssl adds those of the listener to those of the site. */
    if (X509_STORE_set_depth(store, (int)client->depth) != 1) {
        return RP_CRYPTO;
    }
    if (client->crl.n == 0) {
        return RP_OK;
    }
    if (X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1) {
        return RP_CRYPTO;
    }
    return client_crl_read(&client->crl, cas, whole, store);
}

/* The names that clients are sent, to choose their certificate by. */
static enum rp_status name_cas(SSL_CTX *ctx, STACK_OF(X509) * cas)
{
    for (int i = 0; i < sk_X509_num(cas); i++) {
        const X509_NAME *name = X509_get_subject_name(sk_X509_value(cas, i));
        bool named = false;

        for (int j = 0; j < i && !named; j++) {
            named = X509_NAME_cmp(X509_get_subject_name(sk_X509_value(cas, j)), name) == 0;
        }
        if (!named && SSL_CTX_add_client_CA(ctx, sk_X509_value(cas, i)) != 1) {
            return RP_CRYPTO;
        }
    }
    return RP_OK;
}

static enum rp_status demand(SSL_CTX *ctx, STACK_OF(X509) * cas, const struct config_client *client,
                             const struct source *whole)
{
    X509_STORE *store = X509_STORE_new();
    enum rp_status status = store != NULL ? RP_OK : RP_NO_MEMORY;

    if (status == RP_OK) {
        status = fill_store(store, cas, client, whole);
    }
    if (status == RP_OK && SSL_CTX_set1_verify_cert_store(ctx, store) != 1) {
        status = RP_CRYPTO;
    }
    if (status == RP_OK) {
        status = name_cas(ctx, cas);
    }
    if (status == RP_OK) {
        SSL_CTX_set_verify(ctx,
                           client->verify == CONFIG_VERIFY_REQUIRED
                               ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                               : SSL_VERIFY_PEER,
                           NULL);
    }
    X509_STORE_free(store);
    return status;
}

enum rp_status client_policy_load(SSL_CTX *ctx, const struct config_site *site,
                                  const struct source *whole, char text[static CLIENT_POLICY_SIZE])
{
    struct text t = text_of(text, CLIENT_POLICY_SIZE);
    STACK_OF(X509) *cas = NULL;
    enum rp_status status;

    if (site->client.verify == CONFIG_VERIFY_OFF) {
        text_add(&t, "client_verify=off");
        return RP_OK;
    }
    status = client_ca_read(&site->client.ca, whole, &cas);
    if (status == RP_OK) {
        status = demand(ctx, cas, &site->client, whole);
    }
    if (status == RP_OK) {
        status = write_policy(&site->client, cas, text);
    }
    ERR_clear_error();
    sk_X509_pop_free(cas, X509_free);
    return status;
}

bool client_policy_refused(const SSL *ssl, char reason[static CLIENT_REFUSAL_SIZE])
{
    const long result = SSL_get_verify_result(ssl);
    struct text t = text_of(reason, CLIENT_REFUSAL_SIZE);

    text_addf(&t, "client certificate: %s", X509_verify_cert_error_string(result));
    return result != X509_V_OK;
}
