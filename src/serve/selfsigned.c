#include "selfsigned.h"

#include <stdbool.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "text.h"

#define DAY_S (24 * 60 * 60)
#define LIFE_S (30 * DAY_S)
#define SERIAL_BITS 127 /* positive, and short of the 20 bytes of RFC 5280 section 4.1.2.2 */
#define NAMES_SIZE 384

static bool set_serial(X509 *x)
{
    BIGNUM *n = BN_new();
    bool done;

    done = n != NULL && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return done;
}

static bool set_validity(X509 *x, int64_t now_s)
{
    /* An hour back, for a client whose clock is behind. */
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_s - 3600)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + LIFE_S)) != NULL;
}

static bool set_name(X509 *x, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(x);
    const unsigned char *text = (const unsigned char *)name;

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    done = extension != NULL && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool add_extensions(X509 *x, const char *name)
{
    char names[NAMES_SIZE];
    struct text t = text_of(names, sizeof names);

    text_add(&t, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (name != NULL) {
        text_add(&t, ",DNS:");
        text_add(&t, name);
    }
    return !t.cut && add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, NID_subject_alt_name, names);
}

static bool fill(X509 *x, const char *name, int64_t now_s, EVP_PKEY *key)
{
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_validity(x, now_s) &&
           set_name(x, "Reprise self-signed") && X509_set_pubkey(x, key) == 1 &&
           add_extensions(x, name) && X509_sign(x, key, EVP_sha256()) > 0;
}

enum rp_status selfsigned_new(const char *name, int64_t now_s, X509 **certificate, EVP_PKEY **key)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    enum rp_status status = RP_CRYPTO;

    *certificate = NULL;
    *key = NULL;
    if (k == NULL || x == NULL || !fill(x, name, now_s, k)) {
        goto done;
    }
    *certificate = x;
    *key = k;
    x = NULL; /* transferred */
    k = NULL; /* transferred */
    status = RP_OK;
done:
    X509_free(x);
    EVP_PKEY_free(k);
    return status;
}
