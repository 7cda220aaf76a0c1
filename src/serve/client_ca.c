#include "client_ca.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "memory.h"
#include "subject.h"

/* The CAs. */

/* One that signs itself vouches for itself, be it a CA or not. */
static enum rp_status check_ca(const struct source *from, const char *path, X509 *x)
{
    char name[SUBJECT_SIZE];

    if (X509_check_ca(x) == 0 && X509_self_signed(x, 0) != 1) {
        ERR_clear_error();
        return source_refuse(from, "%s: %s is not the certificate of a CA", path,
                             subject_text(X509_get_subject_name(x), name));
    }
    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
        return source_warn(from, "%s: %s has expired; its clients are refused", path,
                           subject_text(X509_get_subject_name(x), name));
    }
    return RP_OK;
}

static enum rp_status read_bundle(const struct source *from, const char *path, STACK_OF(X509) * cas)
{
    const int before = sk_X509_num(cas);
    BIO *bio;
    enum rp_status status = source_open(from, path, &bio);
    X509 *x;

    if (status != RP_OK) {
        return status;
    }
    while (status == RP_OK &&
           (x = PEM_read_bio_X509(bio, NULL, source_no_passphrase, NULL)) != NULL) {
        status = check_ca(from, path, x);
        if (status == RP_OK && sk_X509_push(cas, x) == 0) {
            status = RP_NO_MEMORY;
        }
        if (status != RP_OK) {
            X509_free(x);
        }
    }
    if (status == RP_OK && !source_pem_ended()) {
        status = source_refuse_openssl(from, path, "a certificate in it is malformed");
    } else if (status == RP_OK && sk_X509_num(cas) == before) {
        status = source_refuse_openssl(from, path, "there is no certificate in it");
    }
    ERR_clear_error();
    BIO_free(bio);
    return status;
}

enum rp_status client_ca_read(const struct config_strings *bundles, const struct source *whole,
                              STACK_OF(X509) * *out)
{
    const struct source from = source_at(whole, bundles->place);
    STACK_OF(X509) *cas = sk_X509_new_null();
    enum rp_status status = cas != NULL ? RP_OK : RP_NO_MEMORY;

    *out = NULL;
    ERR_clear_error();
    for (size_t i = 0; i < bundles->n && status == RP_OK; i++) {
        status = read_bundle(&from, bundles->items[i], cas);
    }
    if (status == RP_OK) {
        *out = cas; /* transferred */
        cas = NULL;
    }
    sk_X509_pop_free(cas, X509_free);
    return status;
}

/* Their lists. */

static bool is_issuer(X509 *ca, X509_CRL *list)
{
    return X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) == 0;
}

/* has_list: one for each of the CAs. */
static enum rp_status match(const struct source *from, const char *path, STACK_OF(X509) * cas,
                            X509_CRL *list, bool *has_list)
{
    bool named = false;
    bool signs = false;
    char name[SUBJECT_SIZE];

    for (int i = 0; i < sk_X509_num(cas); i++) {
        X509 *ca = sk_X509_value(cas, i);

        if (is_issuer(ca, list)) {
            named = true;
            if (X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1) {
                signs = has_list[i] = true;
            }
        }
    }
    ERR_clear_error();
    if (signs) {
        return RP_OK;
    }
    return source_refuse(from,
                         named ? "%s: its list of %s is not signed with that CA's key in client_ca"
                               : "%s: its list is of %s, which is not in client_ca",
                         path, subject_text(X509_CRL_get_issuer(list), name));
}

static enum rp_status check_dates(const struct source *from, const char *path, X509_CRL *list)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    char name[SUBJECT_SIZE];

    (void)subject_text(X509_CRL_get_issuer(list), name);
    if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(list)) > 0) {
        return source_warn(from, "%s: its list of %s is not valid yet; clients are refused", path,
                           name);
    }
    if (next != NULL && X509_cmp_current_time(next) < 0) {
        return source_warn(from, "%s: its list of %s is out of date; clients are refused", path,
                           name);
    }
    return RP_OK;
}

static enum rp_status read_lists(const struct source *from, const char *path, STACK_OF(X509) * cas,
                                 bool *has_list, X509_STORE *store)
{
    BIO *bio;
    enum rp_status status = source_open(from, path, &bio);
    X509_CRL *list;
    bool any = false;

    if (status != RP_OK) {
        return status;
    }
    while (status == RP_OK &&
           (list = PEM_read_bio_X509_CRL(bio, NULL, source_no_passphrase, NULL)) != NULL) {
        any = true;
        status = match(from, path, cas, list, has_list);
        if (status == RP_OK) {
            status = check_dates(from, path, list);
        }
        if (status == RP_OK && X509_STORE_add_crl(store, list) != 1) {
            status = source_refuse_openssl(from, path, "a list in it cannot be used");
        }
        X509_CRL_free(list);
    }
    if (status == RP_OK && !source_pem_ended()) {
        status = source_refuse_openssl(from, path, "a list in it is malformed");
    } else if (status == RP_OK && !any) {
        status =
            source_refuse_openssl(from, path, "there is no list of revoked certificates in it");
    }
    ERR_clear_error();
    BIO_free(bio);
    return status;
}

enum rp_status client_crl_read(const struct config_strings *files, STACK_OF(X509) * cas,
                               const struct source *whole, X509_STORE *store)
{
    const struct source from = source_at(whole, files->place);
    bool *has_list = memory_new((size_t)sk_X509_num(cas), sizeof *has_list);
    enum rp_status status = has_list != NULL ? RP_OK : RP_NO_MEMORY;
    char name[SUBJECT_SIZE];

    ERR_clear_error();
    for (size_t i = 0; i < files->n && status == RP_OK; i++) {
        status = read_lists(&from, files->items[i], cas, has_list, store);
    }
    for (int i = 0; i < sk_X509_num(cas) && status == RP_OK; i++) {
        if (!has_list[i]) {
            status = source_refuse(
                &from, "there is no list of %s, whose clients would all be refused; add it",
                subject_text(X509_get_subject_name(sk_X509_value(cas, i)), name));
        }
    }
    memory_free(has_list);
    return status;
}
