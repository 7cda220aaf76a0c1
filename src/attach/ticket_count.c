#include "ticket_count.h"

#include "ticket_request.h"

static unsigned capped(unsigned wanted, const struct attachment *site)
{
    return wanted < site->max_tickets ? wanted : site->max_tickets;
}

unsigned ticket_count_full(const struct resumption *r, const struct attachment *site)
{
    if (site->no_tickets) {
        return 0;
    }
    return r->asked ? capped(r->request.new_session, site) : site->num_tickets;
}

unsigned ticket_count_resumed(const struct resumption *r, const struct attachment *site)
{
    if (site->no_tickets) {
        return 0;
    }
    return r->asked ? capped(r->request.resumption, site) : 1;
}

void ticket_count_read(SSL *ssl, struct resumption *r)
{
    const unsigned char *body = NULL;
    size_t n = 0;

    r->asked = SSL_client_hello_get0_ext(ssl, TICKET_REQUEST_TYPE, &body, &n) == 1 &&
               ticket_request_decode(body, n, &r->request);
}

/*
 * libssl calls it for a TLS 1.3 ClientHello only, with the extension at hand: no other client is to
 * pay for looking for it. By then a PSK has been judged.
 */
static int parse(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t n,
                 X509 *x, size_t chain_index, int *al, void *arg)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    struct ticket_request request;

    (void)type, (void)context, (void)x, (void)chain_index, (void)arg;
    if (!ticket_request_decode(in, n, &request)) {
        *al = SSL_AD_DECODE_ERROR;
        return 0;
    }
    if (site != NULL) {
        r->asked = true;
        r->request = request;
        (void)SSL_set_num_tickets(ssl, ticket_count_full(r, site));
    }
    return 1;
}

static unsigned expected(const SSL *ssl, const struct resumption *r, const struct attachment *site)
{
    if (SSL_session_reused(ssl) == 1) {
        return r->verdict == RP_VERDICT_RENEWED ? ticket_count_resumed(r, site) : 0;
    }
    return r->issues ? ticket_count_full(r, site) : 0;
}

/* In EncryptedExtensions, where the client asked. 1: add it, 0: leave it out. */
static int add(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *n,
               X509 *x, size_t chain_index, int *al, void *arg)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);

    (void)type, (void)context, (void)x, (void)chain_index, (void)al, (void)arg;
    if (site == NULL || !r->asked) {
        return 0;
    }
    *n = ticket_request_hint_encode((uint8_t)expected(ssl, r, site), r->hint);
    *out = r->hint;
    return 1;
}

bool ticket_count_register(SSL_CTX *ctx)
{
    return SSL_CTX_add_custom_ext(ctx, TICKET_REQUEST_TYPE,
                                  SSL_EXT_TLS1_3_ONLY | SSL_EXT_CLIENT_HELLO |
                                      SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                                  add, NULL, NULL, parse, NULL) == 1;
}

void rp_ssl_established(SSL *ssl)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);

    if (site == NULL || r->further_sent || r->verdict != RP_VERDICT_RENEWED ||
        SSL_session_reused(ssl) != 1 || SSL_version(ssl) != TLS1_3_VERSION) {
        return;
    }
    r->further_sent = true;
    for (unsigned i = 1; i < ticket_count_resumed(r, site); i++) {
        if (SSL_new_session_ticket(ssl) != 1) {
            return;
        }
    }
}
