/* Sessions that the server keeps: TLS 1.2 by session ID. libssl's callbacks. */
#ifndef CACHED_H
#define CACHED_H

#include <openssl/ssl.h>

/* SSL_CTX_set_generate_session_id. */
int cached_make_id(SSL *ssl, unsigned char *id, unsigned *n);

/* SSL_CTX_sess_set_new_cb and SSL_CTX_sess_set_get_cb. */
int cached_store(SSL *ssl, SSL_SESSION *session);
SSL_SESSION *cached_find(SSL *ssl, const unsigned char *id, int n, int *copy);

#endif
