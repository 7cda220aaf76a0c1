/* Whether a handshake ends with something to resume by. */
#ifndef ISSUE_H
#define ISSUE_H

#include <openssl/ssl.h>

/*
 * A not-resumable callback: libssl asks once in a full handshake, when version and suite are
 * chosen. 1: neither ticket nor session ID.
 */
int issue_refused(SSL *ssl, int is_forward_secure);

#endif
