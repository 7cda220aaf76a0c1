/* The name of a certificate's subject or issuer, in words. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <openssl/x509.h>

#define SUBJECT_SIZE 256

/* As RFC 2253 writes it, "CN=alice,O=Shop"; ASCII only; a long one is cut. Returns out. */
const char *subject_text(const X509_NAME *name, char out[static SUBJECT_SIZE]);

#endif
