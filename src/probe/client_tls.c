#include "client_tls.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool set_names(SSL *ssl, const struct client_names *names)
{
    if (names->servername != NULL && SSL_set_tlsext_host_name(ssl, names->servername) != 1) {
        return false;
    }
    if (names->verify_name == NULL) {
        return true;
    }
    if (names->verify_is_address) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), names->verify_name) == 1;
    }
    return SSL_set1_host(ssl, names->verify_name) == 1;
}

SSL *client_tls_new(SSL_CTX *ctx, int fd, const struct client_names *names, SSL_SESSION *offer,
                    void *app_data)
{
    SSL_SESSION *copy = offer != NULL ? SSL_SESSION_dup(offer) : NULL;
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL || (offer != NULL && copy == NULL) || !set_names(ssl, names) ||
        SSL_set_fd(ssl, fd) != 1 || (copy != NULL && SSL_set_session(ssl, copy) != 1)) {
        SSL_free(ssl);
        ssl = NULL;
    } else {
        SSL_set_app_data(ssl, app_data);
        SSL_set_connect_state(ssl);
    }
    SSL_SESSION_free(copy);
    return ssl;
}

void client_tls_free(SSL **ssl)
{
    if (*ssl != NULL) {
        SSL_set_shutdown(*ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(*ssl);
        *ssl = NULL;
    }
    ERR_clear_error();
}

/* The oldest error names the cause; those after it say who came across it. */
const char *client_tls_why_not(void)
{
    const unsigned long code = ERR_peek_error();
    const char *text =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    return text != NULL ? text : "unknown error";
}
