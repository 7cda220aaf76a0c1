/* Sessions that the client keeps: TLS 1.2 tickets and TLS 1.3 PSKs. libssl's callbacks. */
#ifndef SEALED_H
#define SEALED_H

#include <openssl/evp.h>
#include <openssl/ssl.h>

/* SSL_CTX_set_tlsext_ticket_key_evp_cb. */
int sealed_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
               EVP_MAC_CTX *mac, int seals);

/* SSL_CTX_set_session_ticket_cb: before a ticket is sealed, and after one was opened. */
int sealed_make(SSL *ssl, void *arg);
SSL_TICKET_RETURN sealed_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                size_t name_len, SSL_TICKET_STATUS status, void *arg);

#endif
