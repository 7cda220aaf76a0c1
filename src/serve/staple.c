#include "staple.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "memory.h"
#include "subject.h"

#define DAY_S 86400
#define DER_MAX 65536 /* a handshake message could have more, but none has */

struct staple {
    X509 *certificate; /* that it is about */
    unsigned char *der;
    size_t len;
    int64_t until_s; /* wall clock; INT64_MAX: it does not say */
};

struct staples {
    struct staple *items;
    size_t n;
};

/* What the file says. */
struct response {
    OCSP_RESPONSE *whole;
    OCSP_BASICRESP *basic;
};

static void response_fini(struct response *r)
{
    OCSP_BASICRESP_free(r->basic);
    OCSP_RESPONSE_free(r->whole);
}

static enum rp_status read_response(const struct source *from, const char *path,
                                    struct response *out)
{
    BIO *bio;
    enum rp_status status = source_open(from, path, &bio);
    int code;

    if (status != RP_OK) {
        return status;
    }
    out->whole = d2i_OCSP_RESPONSE_bio(bio, NULL);
    BIO_free(bio);
    if (out->whole == NULL) {
        return source_refuse_openssl(from, path, "there is no OCSP response in it, in DER");
    }
    code = OCSP_response_status(out->whole);
    if (code != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return source_refuse(from, "%s: the OCSP responder had no answer, but an error: %s", path,
                             OCSP_response_status_str(code));
    }
    out->basic = OCSP_response_get1_basic(out->whole);
    return out->basic != NULL ? RP_OK
                              : source_refuse_openssl(from, path, "its OCSP response is malformed");
}

/*
 * By serial number and issuer's name. The ID has a hash of the issuer's key too, but the issuer's
 * certificate need not be at hand.
 */
static bool is_about(OCSP_SINGLERESP *single, X509 *x)
{
    /* Not const in its declaration, yet left as it is. */
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    ASN1_OCTET_STRING *name_hash = NULL;
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    const EVP_MD *md;
    unsigned n = 0;

    if (OCSP_id_get0_info(&name_hash, &algorithm, NULL, &serial, id) != 1) {
        return false;
    }
    md = EVP_get_digestbyobj(algorithm);
    return md != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(x)) == 0 &&
           X509_NAME_digest(X509_get_issuer_name(x), md, digest, &n) == 1 &&
           (int)n == ASN1_STRING_length(name_hash) &&
           memcmp(digest, ASN1_STRING_get0_data(name_hash), n) == 0;
}

static OCSP_SINGLERESP *find_about(OCSP_BASICRESP *basic, X509 *x)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

        if (is_about(single, x)) {
            return single;
        }
    }
    return NULL;
}

/* Which of the certificates of ctx; NULL: none. */
static X509 *certificate_of(SSL_CTX *ctx, OCSP_BASICRESP *basic, OCSP_SINGLERESP **single)
{
    for (long op = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(ctx, op) == 1;
         op = SSL_CERT_SET_NEXT) {
        X509 *x = SSL_CTX_get0_certificate(ctx);

        *single = find_about(basic, x);
        if (*single != NULL) {
            return x;
        }
    }
    ERR_clear_error();
    return NULL;
}

static int64_t seconds_of(const ASN1_TIME *at, int64_t now_s)
{
    int days = 0;
    int seconds = 0;

    if (at == NULL || ASN1_TIME_diff(&days, &seconds, NULL, at) != 1) {
        return INT64_MAX;
    }
    return now_s + (int64_t)days * DAY_S + seconds;
}

static enum rp_status judge(const struct source *from, const char *path, OCSP_SINGLERESP *single,
                            struct staple *out)
{
    const int64_t now_s = (int64_t)time(NULL);
    ASN1_GENERALIZEDTIME *since = NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    int reason = 0;
    const int code = OCSP_single_get0_status(single, &reason, NULL, &since, &until);
    enum rp_status status = RP_OK;

    out->until_s = seconds_of(until, now_s);
    if (code != V_OCSP_CERTSTATUS_GOOD) {
        status = source_warn(from, "%s: it says that the certificate is %s", path,
                             OCSP_cert_status_str(code));
    }
    if (status == RP_OK && out->until_s <= now_s) {
        status = source_warn(from, "%s: it is out of date, and not sent", path);
    }
    return status;
}

static enum rp_status encode(const struct source *from, const char *path, OCSP_RESPONSE *whole,
                             struct staple *out)
{
    const int n = i2d_OCSP_RESPONSE(whole, NULL);
    unsigned char *p;

    if (n <= 0 || n > DER_MAX) {
        return source_refuse(from, "%s: its OCSP response is of more than 64 KiB", path);
    }
    out->der = memory_new((size_t)n, 1);
    if (out->der == NULL) {
        return RP_NO_MEMORY;
    }
    p = out->der;
    out->len = (size_t)i2d_OCSP_RESPONSE(whole, &p);
    return RP_OK;
}

static enum rp_status refuse_stranger(const struct source *from, const char *path,
                                      const struct config_site *site)
{
    return source_refuse(from, "%s: its OCSP response is not about a certificate of the site %s",
                         path, site->name);
}

static enum rp_status add(SSL_CTX *ctx, const struct config_site *site, const struct source *from,
                          const char *path, struct staples *staples)
{
    struct staple *staple = &staples->items[staples->n];
    struct response response = {NULL, NULL};
    OCSP_SINGLERESP *single = NULL;
    X509 *x;
    enum rp_status status = read_response(from, path, &response);

    if (status != RP_OK) {
        goto done;
    }
    x = certificate_of(ctx, response.basic, &single);
    if (x == NULL) {
        status = refuse_stranger(from, path, site);
        goto done;
    }
    for (size_t i = 0; i < staples->n; i++) {
        if (staples->items[i].certificate == x) {
            status = source_refuse(from, "%s: there is another OCSP response for that certificate",
                                   path);
            goto done;
        }
    }
    status = judge(from, path, single, staple);
    if (status == RP_OK) {
        status = encode(from, path, response.whole, staple);
    }
    if (status == RP_OK) {
        (void)X509_up_ref(x);
        staple->certificate = x;
        staples->n++;
    }
done:
    response_fini(&response);
    return status;
}

/* As SSL_CTX_set_tlsext_status_cb wants it: libssl frees the copy that it is given. */
static int send_staple(SSL *ssl, void *cookie)
{
    const struct staples *staples = cookie;
    const X509 *x = SSL_get_certificate(ssl);
    const int64_t now_s = (int64_t)time(NULL);

    for (size_t i = 0; i < staples->n; i++) {
        const struct staple *staple = &staples->items[i];
        unsigned char *copy;

        if (staple->certificate == x && now_s < staple->until_s) {
            copy = OPENSSL_memdup(staple->der, staple->len);
            if (copy == NULL ||
                SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->len) != 1) {
                OPENSSL_free(copy);
                return SSL_TLSEXT_ERR_NOACK;
            }
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

enum rp_status staples_load(SSL_CTX *ctx, const struct config_site *site,
                            const struct source *whole, struct staples **out)
{
    const struct source from = source_at(whole, site->staples.place);
    struct staples *staples;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (site->staples.n == 0) {
        return RP_OK;
    }
    ERR_clear_error();
    staples = memory_new(1, sizeof *staples);
    if (staples == NULL) {
        goto done;
    }
    staples->items = memory_new(site->staples.n, sizeof *staples->items);
    if (staples->items == NULL) {
        goto done;
    }
    status = RP_OK;
    for (size_t i = 0; i < site->staples.n && status == RP_OK; i++) {
        status = add(ctx, site, &from, site->staples.items[i], staples);
    }
    if (status != RP_OK) {
        goto done;
    }
    (void)SSL_CTX_set_tlsext_status_cb(ctx, send_staple);
    (void)SSL_CTX_set_tlsext_status_arg(ctx, staples);
    *out = staples; /* transferred */
    staples = NULL;
done:
    staples_free(&staples);
    return status;
}

void staples_free(struct staples **out)
{
    struct staples *staples;

    if (out == NULL || *out == NULL) {
        return;
    }
    staples = *out;
    *out = NULL;
    for (size_t i = 0; staples->items != NULL && i < staples->n; i++) {
        X509_free(staples->items[i].certificate);
        memory_free(staples->items[i].der);
    }
    memory_free(staples->items);
    memory_free(staples);
}
