/*
 * A certificate of one's own making, for a first try: P-256, valid for 30 days, in memory only. It
 * names localhost, 127.0.0.1 and ::1, and the site, if that has a name.
 */
#ifndef SELFSIGNED_H
#define SELFSIGNED_H

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <reprise/status.h>

/* now_s: seconds since 1970. name may be NULL. */
enum rp_status selfsigned_new(const char *name, int64_t now_s, X509 **certificate,
                              EVP_PKEY **key) RP_MUST_USE;

#endif
