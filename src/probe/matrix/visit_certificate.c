#include "visit_certificate.h"

#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include "text.h"

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void print_name(const X509_NAME *name, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct text t = text_of(out, size);
    char *p = NULL;
    long n;

    if (bio == NULL || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
        goto done;
    }
    n = BIO_get_mem_data(bio, &p);
    for (long i = 0; i < n; i++) {
        text_add_char(&t, p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '?');
    }

done:
    BIO_free(bio);
}

static void add_trouble(struct text *t, const char *what)
{
    text_add(t, t->len != 0 ? "; " : "");
    text_add(t, what);
}

static void add_date(struct text *t, const char *what, int64_t at_s)
{
    const time_t at = (time_t)at_s;
    struct tm tm;
    char date[32] = "?";

    if (gmtime_r(&at, &tm) != NULL) {
        (void)strftime(date, sizeof date, "%Y-%m-%d", &tm);
    }
    add_trouble(t, what);
    text_add(t, date);
}

static bool names(X509 *leaf, const char *name, bool is_address)
{
    if (name == NULL) {
        return true;
    }
    return is_address ? X509_check_ip_asc(leaf, name, 0) == 1
                      : X509_check_host(leaf, name, 0, 0, NULL) == 1;
}

void visit_certificate_note(struct visit_certificate *out, X509 *leaf, long verify,
                            const char *name, bool name_is_address, int64_t now_s)
{
    struct text trouble = text_of(out->trouble, sizeof out->trouble);

    if (leaf == NULL) {
        return;
    }
    out->present = true;
    (void)X509_digest(leaf, EVP_sha256(), out->digest, NULL);
    out->not_before_s = seconds_of(X509_get0_notBefore(leaf));
    out->not_after_s = seconds_of(X509_get0_notAfter(leaf));
    print_name(X509_get_subject_name(leaf), out->subject, sizeof out->subject);
    print_name(X509_get_issuer_name(leaf), out->issuer, sizeof out->issuer);
    out->names_host = names(leaf, name, name_is_address);
    /* libssl tells one trouble alone; the dates and the name matter beside an unknown issuer. */
    if (now_s > out->not_after_s) {
        add_date(&trouble, "expired on ", out->not_after_s);
    } else if (now_s < out->not_before_s) {
        add_date(&trouble, "not valid before ", out->not_before_s);
    }
    if (!out->names_host) {
        add_trouble(&trouble, "does not name ");
        text_add(&trouble, name);
    }
    if (verify != X509_V_OK && verify != X509_V_ERR_CERT_HAS_EXPIRED &&
        verify != X509_V_ERR_CERT_NOT_YET_VALID && verify != X509_V_ERR_HOSTNAME_MISMATCH &&
        verify != X509_V_ERR_IP_ADDRESS_MISMATCH) {
        add_trouble(&trouble, X509_verify_cert_error_string(verify));
    }
}
