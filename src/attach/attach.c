#include <reprise/attach.h>

#include <string.h>

#include "attachment.h"
#include "cached.h"
#include "error.h"
#include "hello.h"
#include "index.h"
#include "issue.h"
#include "resumption.h"
#include "sealed.h"
#include "ticket_count.h"

static enum rp_status refuse(struct rp_error *err, enum rp_status status, const char *why)
{
    error_set(err, "cannot attach: %s", why);
    return status;
}

/* Nothing here can fail, but for the context, whose length is right. */
static void set_callbacks(SSL_CTX *ctx, struct attachment *at)
{
    SSL_CTX_set_client_hello_cb(ctx, hello_callback, at);
    sealed_set_callbacks(ctx);
    SSL_CTX_set_not_resumable_session_callback(ctx, issue_refused);
    (void)SSL_CTX_set_generate_session_id(ctx, cached_make_id);
    SSL_CTX_sess_set_new_cb(ctx, cached_store);
    SSL_CTX_sess_set_get_cb(ctx, cached_find);
    (void)SSL_CTX_set_session_id_context(ctx, at->context, sizeof at->context);
}

static void set_modes(SSL_CTX *ctx, const struct attachment *at)
{
    const long client = SSL_CTX_get_session_cache_mode(ctx) & SSL_SESS_CACHE_CLIENT;

    /* The internal cache would delete a session when a stranger fails to resume it. */
    (void)SSL_CTX_set_session_cache_mode(ctx, client | SSL_SESS_CACHE_SERVER |
                                                  SSL_SESS_CACHE_NO_INTERNAL |
                                                  SSL_SESS_CACHE_NO_AUTO_CLEAR);
    (void)SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX | SSL_OP_ALLOW_CLIENT_RENEGOTIATION |
                                         SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    if (at->no_tickets) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }
    (void)SSL_CTX_set_num_tickets(ctx, at->no_tickets ? 0 : at->num_tickets);
    (void)SSL_CTX_set_max_early_data(ctx, 0);
    (void)SSL_CTX_set_timeout(ctx, (long)(at->session_timeout_ms / 1000));
}

enum rp_status rp_attach(SSL_CTX *ctx, const struct rp_attach_options *options,
                         struct rp_error *err)
{
    struct attachment *at = NULL;
    enum rp_status status;

    error_clear(err);
    if (ctx == NULL || options == NULL) {
        return refuse(err, RP_INVALID, "no SSL_CTX or no options");
    }
    if (!index_ready()) {
        return refuse(err, RP_NO_MEMORY, "libcrypto has no ex_data index left");
    }
    if (attachment_of(ctx) != NULL) {
        return refuse(err, RP_INVALID, "the SSL_CTX is attached already");
    }
    status = attachment_new(options, &at, err);
    if (status != RP_OK) {
        return status;
    }
    at->no_tickets = at->no_tickets || (SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET) != 0;
    at->new_session = SSL_CTX_sess_get_new_cb(ctx);
    at->get_session = SSL_CTX_sess_get_get_cb(ctx);
    if (SSL_CTX_set_ex_data(ctx, index_ctx(), at) != 1) {
        attachment_free(&at);
        return refuse(err, RP_NO_MEMORY, "out of memory");
    }
    if (!ticket_count_register(ctx)) {
        (void)SSL_CTX_set_ex_data(ctx, index_ctx(), NULL);
        attachment_free(&at);
        return refuse(err, RP_INVALID, "the SSL_CTX answers ticket_request (58) by itself");
    }
    set_callbacks(ctx, at); /* at: transferred */
    set_modes(ctx, at);
    return RP_OK;
}

/* What r says before libssl has had the last word. */
static void conclude(const SSL *ssl, const struct resumption *r, struct rp_ssl_info *out)
{
    const bool taken = r->verdict == RP_VERDICT_ACCEPTED || r->verdict == RP_VERDICT_RENEWED;

    out->mechanism = r->mechanism;
    out->verdict = r->verdict;
    if (r->mechanism == RP_MECHANISM_NONE && r->psk_offered && SSL_version(ssl) == TLS1_3_VERSION) {
        out->mechanism = RP_MECHANISM_PSK; /* with psk_ke alone, libssl does not look at it */
        out->verdict = RP_VERDICT_DECLINED;
    } else if (taken && !out->resumed) {
        out->verdict = RP_VERDICT_DECLINED;
    }
}

void rp_ssl_info(const SSL *ssl, struct rp_ssl_info *out)
{
    const struct resumption *r = resumption_of(ssl);

    *out = (struct rp_ssl_info){
        .mechanism = RP_MECHANISM_NONE,
        .verdict = RP_VERDICT_NONE,
        .sealed_ms = -1,
        .age_ms = -1,
    };
    out->resumed = SSL_session_reused(ssl) == 1;
    if (r == NULL) {
        return;
    }
    conclude(ssl, r, out);
    out->has_key = r->has_key;
    memcpy(out->key_name, r->key_name, sizeof out->key_name);
    out->sealed_ms = r->sealed_ago_ms;
    out->age_ms = out->resumed ? r->age_ms : 0;
    out->issued = r->issued;
    memcpy(out->issued_name, r->issued_name, sizeof out->issued_name);
}
