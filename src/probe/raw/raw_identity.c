#include "raw_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "error.h"
#include "memory.h"
#include "writer.h"

#define CHAIN_MAX 16
#define FILE_MAX (1u << 20)

struct raw_identity {
    EVP_PKEY *key;
    uint8_t *der[CHAIN_MAX]; /* of libcrypto */
    size_t der_len[CHAIN_MAX];
    size_t n;
};

void raw_identity_free(struct raw_identity **identity)
{
    struct raw_identity *const i = *identity;

    if (i == NULL) {
        return;
    }
    for (size_t k = 0; k < i->n; k++) {
        OPENSSL_free(i->der[k]);
    }
    EVP_PKEY_free(i->key);
    memory_free(i);
    *identity = NULL;
}

EVP_PKEY *raw_identity_key(const struct raw_identity *identity)
{
    return identity->key;
}

/* A key that needs a passphrase is refused, and not asked for at the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *cookie)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)cookie;
    return -1;
}

static enum rp_status read_chain(struct raw_identity *i, BIO *bio, bool *fits, struct rp_error *err)
{
    X509 *certificate;

    while (i->n < CHAIN_MAX &&
           (certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        const int len = i2d_X509(certificate, &i->der[i->n]);

        if (i->n == 0) {
            *fits = X509_check_private_key(certificate, i->key) == 1;
        }
        X509_free(certificate);
        if (len <= 0) {
            return RP_CRYPTO;
        }
        i->der_len[i->n++] = (size_t)len;
    }
    if (i->n == 0) {
        error_set(err, "no certificate in PEM form");
        return RP_FORMAT;
    }
    if (!*fits) {
        error_set(err, "the first certificate does not belong to the private key");
        return RP_FORMAT;
    }
    return RP_OK;
}

enum rp_status raw_identity_new(const char *chain, size_t chain_len, const char *key,
                                size_t key_len, struct raw_identity **out, struct rp_error *err)
{
    struct raw_identity *i = memory_new(1, sizeof *i);
    BIO *const chain_bio = BIO_new_mem_buf(chain, (int)chain_len);
    BIO *const key_bio = BIO_new_mem_buf(key, (int)key_len);
    bool fits = false;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (i == NULL || chain_bio == NULL || key_bio == NULL) {
        error_set(err, "out of memory");
        goto done;
    }
    i->key = PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
    if (i->key == NULL) {
        error_set(err, "no private key in PEM form, or one that needs a passphrase");
        status = RP_FORMAT;
        goto done;
    }
    status = read_chain(i, chain_bio, &fits, err);
    if (status == RP_OK) {
        *out = i;
        i = NULL; /* transferred */
    }
done:
    ERR_clear_error();
    BIO_free(key_bio);
    BIO_free(chain_bio);
    raw_identity_free(&i);
    return status;
}

/* The file's first megabyte. */
static enum rp_status slurp(const char *path, struct raw_buffer *out, struct rp_error *err)
{
    FILE *const file = fopen(path, "rbe");
    uint8_t *at;

    if (file == NULL) {
        error_set(err, "%s: %s", path, strerror(errno));
        return RP_SYSTEM;
    }
    at = raw_buffer_room(out, FILE_MAX);
    if (at == NULL) {
        (void)fclose(file);
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    out->len += fread(at, 1, FILE_MAX, file);
    (void)fclose(file);
    return RP_OK;
}

enum rp_status raw_identity_load(const char *chain_path, const char *key_path,
                                 struct raw_identity **out, struct rp_error *err)
{
    struct raw_buffer chain = {0};
    struct raw_buffer key = {0};
    struct rp_error why = {0};
    enum rp_status status = slurp(chain_path, &chain, err);

    *out = NULL;
    if (status == RP_OK) {
        status = slurp(key_path, &key, err);
    }
    if (status == RP_OK) {
        status = raw_identity_new((const char *)chain.bytes, chain.len, (const char *)key.bytes,
                                  key.len, out, &why);
        if (status != RP_OK) {
            error_set(err, "%s, %s: %s", chain_path, key_path, why.text);
        }
    }
    raw_buffer_fini(&key);
    raw_buffer_fini(&chain);
    return status;
}

enum rp_status raw_identity_write(const struct raw_identity *identity, bool tls13,
                                  const uint8_t *context, size_t context_len,
                                  struct raw_buffer *out)
{
    const size_t n = identity != NULL ? identity->n : 0;
    size_t room = 8 + context_len;
    struct writer w;
    size_t mark;
    uint8_t *at;

    for (size_t k = 0; k < n; k++) {
        room += identity->der_len[k] + 5;
    }
    at = raw_buffer_room(out, room);
    if (at == NULL) {
        return RP_NO_MEMORY;
    }
    w = writer_of(at, room);
    if (tls13) {
        mark = writer_open(&w, 1);
        writer_bytes(&w, context, context_len);
        writer_close(&w, mark, 1);
    }
    mark = writer_open(&w, 3);
    for (size_t k = 0; k < n; k++) {
        writer_u24(&w, (uint32_t)identity->der_len[k]);
        writer_bytes(&w, identity->der[k], identity->der_len[k]);
        if (tls13) {
            writer_u16(&w, 0);
        }
    }
    writer_close(&w, mark, 3);
    out->len += writer_len(&w);
    return w.failed ? RP_FULL : RP_OK;
}
