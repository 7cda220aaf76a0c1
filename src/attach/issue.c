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

int issue_refused(SSL *ssl, int is_forward_secure)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    struct window_key key;
    int64_t now_ms = 0;

    (void)is_forward_secure;
    if (site == NULL || r->unnamed || !has_mechanism(ssl, r, site)) {
        return 1;
    }
    now_ms = attachment_fleet_ms(site);
    r->origin_ms = now_ms;
    r->issues = window_sealing(site->keyring, site->place, now_ms, &key) &&
                resumption_life_s(r, site, &key, now_ms) != 0;
    window_key_wipe(&key);
    return r->issues ? 0 : 1;
}
