/* What a server's certificate says, and what is wrong with it. */
#ifndef VISIT_CERTIFICATE_H
#define VISIT_CERTIFICATE_H

#include <openssl/x509.h>

#include "visit.h"

/* verify: an X509_V_* result. name: what the certificate is to name, NULL: anything. */
void visit_certificate_note(struct visit_certificate *out, X509 *leaf, long verify,
                            const char *name, bool name_is_address, int64_t now_s);

#endif
