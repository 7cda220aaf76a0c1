/* A client's SSL over a socket, with the names that it asks for and offers by. */
#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct client_names {
    const char *servername;  /* SNI; NULL: none */
    const char *verify_name; /* what the certificate must name; NULL: any */
    bool verify_is_address;  /* verify_name is an IP address */
};

/*
 * NULL on failure. offer: a session to resume, NULL for a full handshake; a copy of it is offered,
 * for libssl spoils a session that was used once. app_data: SSL_get_app_data of the callbacks.
 */
SSL *client_tls_new(SSL_CTX *ctx, int fd, const struct client_names *names, SSL_SESSION *offer,
                    void *app_data);

/* Frees it, always marked as shut down: libssl would take an unmarked one for broken and spoil the
 * session that it shares with us. Takes NULL, NULLs the pointer; nothing stays in libcrypto's queue
 * of errors. */
void client_tls_free(SSL **ssl);

/* Why the last call of libcrypto's failed, as far as its queue of errors tells, which has to have
 * been empty before. Never NULL; good until the next error. */
const char *client_tls_why_not(void);

#endif
