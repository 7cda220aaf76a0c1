/*
 * An SSL_CTX as every site of a listener begins: TLS 1.2 and 1.3, ciphers and groups, and what is
 * refused (compression, renegotiation). Certificates and sessions are not its business.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"

/* err says FILE:LINE:COLUMN and which part of ciphers, ciphersuites or groups OpenSSL refused. */
enum rp_status tls_context_new(const struct config *config, const struct config_listen *listen,
                               SSL_CTX **out, struct rp_error *err) RP_MUST_USE;

#endif
