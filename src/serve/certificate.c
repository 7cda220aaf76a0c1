#include "certificate.h"

#include <stddef.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "selfsigned.h"
#include "source.h"

/* Kinds of key for which libssl keeps a certificate each. */
#define KINDS_MAX 8

struct kinds {
    int ids[KINDS_MAX];
    const char *paths[KINDS_MAX];
    size_t n;
};

/* The certificates after the first, which belong to it. */
static enum rp_status load_rest(SSL_CTX *ctx, const struct source *from, const char *path, BIO *bio)
{
    X509 *x;

    while ((x = PEM_read_bio_X509(bio, NULL, source_no_passphrase, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
            X509_free(x);
            return source_refuse_openssl(from, path, "its chain does not load");
        }
    }
    if (!source_pem_ended()) {
        return source_refuse_openssl(from, path, "a certificate after the first is malformed");
    }
    ERR_clear_error();
    return RP_OK;
}

static enum rp_status load_chain(SSL_CTX *ctx, const struct source *from, const char *path,
                                 X509 **leaf)
{
    BIO *bio;
    enum rp_status status = source_open(from, path, &bio);

    *leaf = NULL;
    if (status != RP_OK) {
        return status;
    }
    *leaf = PEM_read_bio_X509_AUX(bio, NULL, source_no_passphrase, NULL);
    if (*leaf == NULL) {
        status = source_refuse_openssl(from, path, "there is no certificate in it");
    } else if (SSL_CTX_use_certificate(ctx, *leaf) != 1) {
        status = source_refuse_openssl(from, path, "its certificate cannot be used");
    } else {
        status = load_rest(ctx, from, path, bio);
    }
    BIO_free(bio);
    return status;
}

static enum rp_status load_key(SSL_CTX *ctx, const struct source *from, const char *path,
                               X509 *leaf, const char *leaf_path)
{
    BIO *bio;
    EVP_PKEY *key = NULL;
    enum rp_status status = source_open(from, path, &bio);

    if (status != RP_OK) {
        return status;
    }
    key = PEM_read_bio_PrivateKey(bio, NULL, source_no_passphrase, NULL);
    if (key == NULL) {
        status = source_refuse_openssl(
            from, path, "there is no private key in it that opens without passphrase");
    } else if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        status = source_refuse(from, "%s: this is not the key of the certificate in %s", path,
                               leaf_path);
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        status = source_refuse_openssl(from, path, "its key cannot be used");
    } else {
        status = RP_OK;
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return status;
}

static enum rp_status note_kind(struct kinds *kinds, const struct source *from, const X509 *leaf,
                                const char *path)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    const int id = key != NULL ? EVP_PKEY_get_base_id(key) : 0;

    for (size_t i = 0; i < kinds->n; i++) {
        if (kinds->ids[i] == id) {
            return source_refuse(from,
                                 "%s: its key is of the same kind as that of %s, of which a site "
                                 "can have but one",
                                 path, kinds->paths[i]);
        }
    }
    if (kinds->n == KINDS_MAX) {
        return RP_FULL;
    }
    kinds->ids[kinds->n] = id;
    kinds->paths[kinds->n++] = path;
    return RP_OK;
}

static enum rp_status load_pair(SSL_CTX *ctx, const struct config_site *site, size_t i,
                                struct kinds *kinds, const struct source *whole)
{
    const char *path = site->certificates.items[i];
    struct source from = source_at(whole, site->certificates.place);
    X509 *leaf = NULL;
    enum rp_status status;

    status = load_chain(ctx, &from, path, &leaf);
    if (status == RP_OK) {
        status = note_kind(kinds, &from, leaf, path);
    }
    if (status == RP_OK) {
        from = source_at(whole, site->keys.place);
        status = load_key(ctx, &from, site->keys.items[i], leaf, path);
    }
    X509_free(leaf);
    return status;
}

static enum rp_status use_selfsigned(SSL_CTX *ctx, const struct source *from, const char *name)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    enum rp_status status;

    status = selfsigned_new(name, (int64_t)time(NULL), &x, &key);
    if (status == RP_OK &&
        (SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)) {
        status = RP_CRYPTO;
    }
    if (status != RP_OK) {
        (void)source_refuse_openssl(from, "self-signed certificate", "cannot be made");
    }
    X509_free(x);
    EVP_PKEY_free(key);
    return status;
}

enum rp_status certificate_load(SSL_CTX *ctx, const struct config_site *site,
                                const struct source *whole)
{
    const struct source from = source_at(whole, site->place);
    struct kinds kinds = {.n = 0};
    enum rp_status status = RP_OK;

    ERR_clear_error();
    if (site->certificates.n == 0) {
        return use_selfsigned(ctx, &from, site->name);
    }
    if (site->keys.n != site->certificates.n) {
        return source_refuse(&from, "there must be one key for each certificate");
    }
    for (size_t i = 0; i < site->certificates.n && status == RP_OK; i++) {
        status = load_pair(ctx, site, i, &kinds, whole);
    }
    return status;
}
