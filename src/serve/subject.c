#include "subject.h"

#include <openssl/bio.h>

#include "text.h"

const char *subject_text(const X509_NAME *name, char out[static SUBJECT_SIZE])
{
    struct text t = text_of(out, SUBJECT_SIZE);
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        const long n = BIO_get_mem_data(bio, &p);

        text_add_n(&t, p, n > 0 ? (size_t)n : 0);
    }
    BIO_free(bio);
    return out;
}
