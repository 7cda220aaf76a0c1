#include "issue.h"

#include "resumption.h"

/* Whether there is a mechanism by which this client could come back. */
static bool has_mechanism(const SSL *ssl, const struct resumption *r, const struct attachment *site)
{
    const bool tickets = !site->no_tickets && (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0;

    switch (SSL_version(ssl)) {
    case TLS1_3_VERSION:
        return tickets;
    case TLS1_2_VERSION:
        /* Without extended master secret nothing may be resumed (RFC 7627 section 5.2). */
        return r->ems && ((tickets && r->ticket_extension) || site->cache != NULL ||
                          r->listener->new_session != NULL);
    default:
        return false;
    }
}

static bool promises(const SSL *ssl, struct resumption *r, const struct attachment *site)
{
    if (site == NULL || r->unnamed || !has_mechanism(ssl, r, site)) {
        return false;
    }
    resumption_origin(r, r->now_ms);
    return resumption_can_seal(r, site);
}

int issue_refused(SSL *ssl, int is_forward_secure)
{
    struct resumption *r = resumption_of(ssl);
    const bool issues = promises(ssl, r, resumption_site(ssl, r));

    (void)is_forward_secure;
    if (r != NULL) {
        r->issues = issues;
    }
    if (!issues) {
        /* libssl keeps no such session, but would still send its ID. */
        (void)SSL_SESSION_set1_id(SSL_get_session(ssl), (const unsigned char *)"", 0);
    }
    return issues ? 0 : 1;
}
