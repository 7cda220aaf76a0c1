/* The ClientHello callback: who serves the connection, decided before any session is looked at. */
#ifndef HELLO_H
#define HELLO_H

#include <openssl/ssl.h>

/* An SSL_client_hello_cb_fn; arg: the attachment of the SSL_CTX that it was set on. */
int hello_callback(SSL *ssl, int *al, void *arg);

#endif
