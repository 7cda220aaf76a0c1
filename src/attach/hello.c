#include "hello.h"

#include <openssl/tls1.h>

#include "hello_ext.h"
#include "resumption.h"
#include "ticket_count.h"

/*
 * What we look at of a client's PSKs, at most. One identity may be a ticket that carries the
 * largest client certificate a session can hold; several must share that room, so that nobody
 * makes us hash more than this in one ClientHello.
 */
#define IDENTITIES_MAX 4
#define IDENTITY_BYTES_MAX 20480

enum naming { NAMED, UNNAMED, MISNAMED };

static enum naming read_name(SSL *ssl, char name[static HELLO_SNI_MAX + 1])
{
    const unsigned char *body = NULL;
    size_t n = 0;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &body, &n) != 1) {
        return UNNAMED;
    }
    return hello_sni_decode(body, n, name) ? NAMED : MISNAMED;
}

/*
 * False: the offer of PSKs is malformed, or has not one binder for each identity. libssl looks only
 * at the binder that it wants, and would resume (RFC 8446 section 4.2.11: abort).
 */
static bool read_psks(SSL *ssl, struct resumption *r)
{
    const unsigned char *body = NULL;
    size_t n = 0;
    struct hello_psk_offer offer;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &body, &n) == 1) {
        r->ticket_extension = true;
        r->too_many = n > IDENTITY_BYTES_MAX;
    }
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &body, &n) == 1) {
        if (!hello_psk_decode(body, n, &offer)) {
            return false;
        }
        r->psk_offered = true;
        r->too_many = r->too_many || offer.n_identities > IDENTITIES_MAX ||
                      offer.n_identities * offer.longest > IDENTITY_BYTES_MAX;
    }
    return true;
}

static bool read_extensions(SSL *ssl, struct resumption *r)
{
    const unsigned char *body = NULL;
    size_t n = 0;

    r->ems = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_extended_master_secret, &body, &n) == 1 &&
             (SSL_get_options(ssl) & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0;
    return read_psks(ssl, r);
}

/*
 * SSL_set_SSL_CTX brings the certificates along and little else; the rest of what decides about
 * this connection was copied from the listener when the SSL was made.
 */
static bool carry_over(SSL *ssl, SSL_CTX *ctx)
{
    const uint64_t options = SSL_CTX_get_options(ctx);

    (void)SSL_clear_options(ssl, SSL_get_options(ssl) & ~options);
    (void)SSL_set_options(ssl, options);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(ctx), SSL_CTX_get_verify_callback(ctx));
    return SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(ctx)) == 1 &&
           SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(ctx)) == 1 &&
           (SSL_CTX_get_verify_mode(ctx) == SSL_VERIFY_NONE ||
            SSL_set1_param(ssl, SSL_CTX_get0_param(ctx)) == 1);
}

static bool serve_by(SSL *ssl, SSL_CTX *ctx)
{
    const struct attachment *site = attachment_of(ctx);

    if (ctx == SSL_get_SSL_CTX(ssl)) {
        return true;
    }
    /* An SSL_CTX that is not attached has no domain to tell its sessions from others'. */
    return site != NULL && SSL_set_SSL_CTX(ssl, ctx) == ctx && carry_over(ssl, ctx) &&
           SSL_set_session_id_context(ssl, site->context, sizeof site->context) == 1;
}

static void bind_name(struct resumption *r, enum naming naming)
{
    r->unnamed = naming == MISNAMED || r->site == NULL ||
                 binding_of(r->site->bindings, r->name != NULL ? r->name : "", r->binding) != RP_OK;
}

int hello_callback(SSL *ssl, int *al, void *arg)
{
    struct resumption *r = resumption_of(ssl);
    /* After a HelloRetryRequest it is the chosen SSL_CTX whose callback runs. */
    const struct attachment *listener = r != NULL ? r->listener : arg;
    char name[HELLO_SNI_MAX + 1];
    enum naming naming;

    if (listener->client_hello != NULL) {
        const int result = listener->client_hello(ssl, al, listener->client_hello_arg);

        if (result != SSL_CLIENT_HELLO_SUCCESS) {
            return result;
        }
    }
    naming = read_name(ssl, name);
    if (listener->select != NULL) {
        /* A name that is none: what libssl thinks of it comes later, as an alert. */
        SSL_CTX *chosen =
            listener->select(ssl, naming == NAMED ? name : NULL, listener->select_cookie);

        if (chosen == NULL) {
            *al = SSL_AD_UNRECOGNIZED_NAME;
            return SSL_CLIENT_HELLO_ERROR;
        }
        if (!serve_by(ssl, chosen)) {
            *al = SSL_AD_INTERNAL_ERROR;
            return SSL_CLIENT_HELLO_ERROR;
        }
    }
    r = resumption_begin(ssl, listener, naming == NAMED ? name : NULL);
    if (r != NULL) {
        r->site = attachment_of(SSL_get_SSL_CTX(ssl));
        if (!read_extensions(ssl, r)) {
            *al = SSL_AD_ILLEGAL_PARAMETER;
            return SSL_CLIENT_HELLO_ERROR;
        }
        bind_name(r, naming);
        if (r->site != NULL) {
            r->now_ms = attachment_fleet_ms(r->site);
            (void)SSL_set_num_tickets(ssl, ticket_count_full(r, r->site));
        }
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}
