/*
 * Joins an SSL_CTX to a keyring, a cache and a security domain.
 *
 * One call per SSL_CTX that serves, before its first connection. From then on its sessions resume
 * wherever the keyring and the domain are the same, and nowhere else.
 *
 * The call takes over these slots of the SSL_CTX: session ID context, session cache mode, ticket
 * key callback (of either kind), session ticket callbacks, session ID generator, not-resumable
 * callback, ClientHello callback, and the callbacks that add and get sessions; and it answers the
 * ticket_request extension (58). None of them may be set again. A ClientHello callback must be
 * named in the options, for libssl does not tell it. The callbacks that add and get sessions are
 * found and called where ours do not serve: for TLS 1.3 sessions, and for all where no cache is
 * given. What they hand back is judged like any other session, so only what they were given after
 * the call resumes. The one that removes stays as it was; it hears of nothing, for a failed
 * resumption deletes nothing.
 *
 * It also sets: renegotiation refused, psk_ke refused, early data off, tickets as the options say;
 * where SSL_OP_NO_TICKET was set already, there are none. A session without extended master secret
 * (RFC 7627) is never resumed, so none is issued.
 *
 * Resumption verifies a client certificate again, against the store of the SSL_CTX as it is then
 * (CAs, CRLs, dates, the verify callback), and asks that there is one where one is required. A
 * session keeps no chain: clients whose intermediate CAs are not in the store do not resume. Nor
 * does what only SSL_CTX_set_cert_verify_callback or a callback that passes over errors accepted.
 *
 * An SSL_CTX can be attached once; there is no detaching but SSL_CTX_free.
 */
#ifndef REPRISE_ATTACH_H
#define REPRISE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "api.h"
#include "cache.h"
#include "clock.h"
#include "keyring.h"
#include "status.h"
#include "verdict.h"

RP_BEGIN

/*
 * Chooses the SSL_CTX that serves a server name, before any ticket is looked at. sni is
 * NUL-terminated and lower case, or NULL if the client sent none or a malformed one (which libssl
 * refuses later). Returns an attached SSL_CTX (the listener's own among them), or NULL to refuse
 * the connection with an unrecognized_name alert.
 *
 * It may be called twice for a connection (after a HelloRetryRequest). The connection takes
 * certificates, options, protocol versions, verification and ticket numbers from the chosen
 * SSL_CTX; groups stay the listener's. An application's own custom extensions must be the same on
 * every SSL_CTX it may choose, as libssl requires. SSL_set_SSL_CTX from a servername callback is
 * no substitute: it comes too late, so such a connection is issued nothing.
 */
typedef SSL_CTX *rp_select_fn(SSL *ssl, const char *sni, void *cookie);

struct rp_attach_options {
    struct rp_keyring *keyring; /* outlives the SSL_CTX */
    struct rp_cache *cache;     /* outlives the SSL_CTX; NULL: no resumption by session ID */
    struct rp_clock clock;      /* zero: the call fails; pass rp_clock_system() */

    const char *domain; /* sessions resume within it only; the keyring's keeper has added it */
    const void *policy; /* the domain's authentication policy in any stable form, hashed; */
    size_t policy_len;  /* a session sealed under another policy is not resumed */

    bool no_tickets;      /* issue neither tickets nor TLS 1.3 PSKs */
    unsigned num_tickets; /* after a full TLS 1.3 handshake, at most 255; 0: 2 */
    unsigned max_tickets; /* cap for a client's ticket_request (RFC 9149), at most 255; 0: 8 */
    int64_t session_timeout_ms; /* lifetime of a session, 1 s to 7 days; 0: one day */
    int64_t max_age_ms;         /* since the full handshake, at least 1 s: the bound for a chain of
                                   TLS 1.3 resumptions, and for any other session too; 0: one
                                   day */

    rp_select_fn *select; /* on a listener's SSL_CTX; NULL: it serves every name */
    void *select_cookie;

    SSL_client_hello_cb_fn client_hello; /* the application's own, called first; may be NULL */
    void *client_hello_arg;
};

/*
 * On failure the SSL_CTX is unchanged and err, if given, says why. RP_NOT_FOUND: the keyring does
 * not know the domain. RP_INVALID: an option out of range, or an SSL_CTX that is attached already.
 */
RP_API enum rp_status rp_attach(SSL_CTX *ctx, const struct rp_attach_options *options,
                                struct rp_error *err) RP_MUST_USE;

/*
 * Call once when the handshake of a server connection has completed, before writing: it sends the
 * further tickets that a resuming TLS 1.3 client asked for (RFC 9149). Without the call such a
 * client gets one.
 */
RP_API void rp_ssl_established(SSL *ssl);

struct rp_ssl_info {
    bool resumed;
    enum rp_mechanism
        mechanism; /* by which it was resumed, or by which the offered session failed */
    enum rp_verdict verdict;
    bool has_key; /* key_name is set: the session's key was in the window */
    uint8_t key_name[16];
    int64_t sealed_ms; /* ago, when the offered ticket or cache record was made; -1: unknown */
    int64_t age_ms;    /* since the full handshake; -1: unknown, 0: this was one */
    bool issued;       /* this handshake gave the client something to resume by */
    uint8_t issued_name[16]; /* under which key, if issued */
};

/* What became of resumption on a connection of an attached SSL_CTX. */
RP_API void rp_ssl_info(const SSL *ssl, struct rp_ssl_info *out);

RP_END

#endif
