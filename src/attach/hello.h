/* The ClientHello callback: who serves the connection, decided before any session is looked at. */
#ifndef HELLO_H
#define HELLO_H

#include <openssl/ssl.h>

#include <reprise/status.h>

/* An SSL_client_hello_cb_fn; arg: the attachment of the SSL_CTX that it was set on. */
int hello_callback(SSL *ssl, int *al, void *arg);

/*
 * While a ClientHello is being processed: gives a TLS 1.2 session that is about to be resumed the
 * name that the ClientHello asks for. SSL_get_servername takes it from there, and sessions do not
 * keep it.
 */
enum rp_status hello_name_session(SSL *ssl, SSL_SESSION *session) RP_MUST_USE;

#endif
