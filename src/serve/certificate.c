#include "certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "openssl_error.h"
#include "selfsigned.h"

/* Kinds of key for which libssl keeps a certificate each. */
#define KINDS_MAX 8

struct kinds {
    int ids[KINDS_MAX];
    const char *paths[KINDS_MAX];
    size_t n;
};

/* What a complaint needs; the file is named by each. */
struct source {
    const struct config *config;
    const struct config_site *site;
    struct config_place place;
    struct rp_error *err;
};

static enum rp_status refuse(const struct source *from, const char *path, const char *what)
{
    char reason[OPENSSL_ERROR_SIZE];

    config_complain(from->config, from->place, from->err, "%s: %s (%s)", path, what,
                    openssl_error_take(reason, "no reason given"));
    return RP_INVALID;
}

/* What is no file might never come to an end, or never begin: a FIFO, a terminal. */
static FILE *open_file(const struct source *from, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    FILE *file;

    if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISREG(info.st_mode)) {
        (void)close(fd);
        config_complain(from->config, from->place, from->err, "%s: is not a regular file", path);
        return NULL;
    }
    file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL) {
        config_complain(from->config, from->place, from->err, "%s: cannot be opened (%s)", path,
                        strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return file;
}

static BIO *open_pem(const struct source *from, const char *path)
{
    FILE *file = open_file(from, path);
    BIO *bio;

    if (file == NULL) {
        return NULL;
    }
    bio = BIO_new_fp(file, BIO_CLOSE);
    if (bio == NULL) {
        (void)fclose(file);
        (void)refuse(from, path, "cannot be read");
    }
    return bio;
}

/* A daemon has nobody to ask for a passphrase. */
static int no_passphrase(char *out, int size, int writing, void *cookie)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)cookie;
    return -1;
}

static bool at_end_of_pem(void)
{
    const unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* The certificates after the first, which belong to it. */
static enum rp_status load_rest(SSL_CTX *ctx, const struct source *from, const char *path, BIO *bio)
{
    X509 *x;

    while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
            X509_free(x);
            return refuse(from, path, "its chain does not load");
        }
    }
    if (!at_end_of_pem()) {
        return refuse(from, path, "a certificate after the first is malformed");
    }
    ERR_clear_error();
    return RP_OK;
}

static enum rp_status load_chain(SSL_CTX *ctx, const struct source *from, const char *path,
                                 X509 **leaf)
{
    BIO *bio = open_pem(from, path);
    enum rp_status status;

    *leaf = NULL;
    if (bio == NULL) {
        return RP_INVALID;
    }
    *leaf = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
    if (*leaf == NULL) {
        status = refuse(from, path, "there is no certificate in it");
    } else if (SSL_CTX_use_certificate(ctx, *leaf) != 1) {
        status = refuse(from, path, "its certificate cannot be used");
    } else {
        status = load_rest(ctx, from, path, bio);
    }
    BIO_free(bio);
    return status;
}

static enum rp_status load_key(SSL_CTX *ctx, const struct source *from, const char *path,
                               X509 *leaf, const char *leaf_path)
{
    BIO *bio = open_pem(from, path);
    EVP_PKEY *key = NULL;
    enum rp_status status = RP_INVALID;

    if (bio == NULL) {
        return RP_INVALID;
    }
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    if (key == NULL) {
        status = refuse(from, path, "there is no private key in it that opens without passphrase");
    } else if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        config_complain(from->config, from->place, from->err,
                        "%s: this is not the key of the certificate in %s", path, leaf_path);
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        status = refuse(from, path, "its key cannot be used");
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
            config_complain(from->config, from->place, from->err,
                            "%s: its key is of the same kind as that of %s, of which a site can "
                            "have but one",
                            path, kinds->paths[i]);
            return RP_INVALID;
        }
    }
    if (kinds->n == KINDS_MAX) {
        return RP_FULL;
    }
    kinds->ids[kinds->n] = id;
    kinds->paths[kinds->n++] = path;
    return RP_OK;
}

static enum rp_status load_pair(SSL_CTX *ctx, struct source *from, size_t i, struct kinds *kinds)
{
    const char *path = from->site->certificates.items[i];
    X509 *leaf = NULL;
    enum rp_status status;

    from->place = from->site->certificates.place;
    status = load_chain(ctx, from, path, &leaf);
    if (status == RP_OK) {
        status = note_kind(kinds, from, leaf, path);
    }
    if (status == RP_OK) {
        from->place = from->site->keys.place;
        status = load_key(ctx, from, from->site->keys.items[i], leaf, path);
    }
    X509_free(leaf);
    return status;
}

static enum rp_status use_selfsigned(SSL_CTX *ctx, const struct source *from)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    enum rp_status status;

    status = selfsigned_new(from->site->name, (int64_t)time(NULL), &x, &key);
    if (status == RP_OK &&
        (SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)) {
        status = RP_CRYPTO;
    }
    if (status != RP_OK) {
        (void)refuse(from, "self-signed certificate", "cannot be made");
    }
    X509_free(x);
    EVP_PKEY_free(key);
    return status;
}

enum rp_status certificate_load(SSL_CTX *ctx, const struct config *config,
                                const struct config_site *site, struct rp_error *err)
{
    struct source from = {config, site, site->place, err};
    struct kinds kinds = {.n = 0};
    enum rp_status status = RP_OK;

    ERR_clear_error();
    if (site->certificates.n == 0) {
        return use_selfsigned(ctx, &from);
    }
    if (site->keys.n != site->certificates.n) {
        config_complain(config, site->place, err, "there must be one key for each certificate");
        return RP_INVALID;
    }
    for (size_t i = 0; i < site->certificates.n && status == RP_OK; i++) {
        status = load_pair(ctx, &from, i, &kinds);
    }
    return status;
}
