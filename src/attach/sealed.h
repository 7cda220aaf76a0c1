/* Sessions that the client keeps: TLS 1.2 tickets and TLS 1.3 PSKs. */
#ifndef SEALED_H
#define SEALED_H

#include <openssl/ssl.h>

/* In the place of whatever sealed and opened this SSL_CTX's tickets. */
void sealed_set_callbacks(SSL_CTX *ctx);

#endif
