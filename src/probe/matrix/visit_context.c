#include "visit_context.h"

#include <string.h>

#include <openssl/err.h>

#include "error.h"
#include "memory.h"
#include "text.h"
#include "visitor.h"

/* The oldest servers of all are to be spoken with, not judged: level 0 everywhere. */
#define CIPHERS_DEFAULT "DEFAULT:@SECLEVEL=0"

/* The extensions of a ClientHello have 65,535 bytes; those beside the ticket take a few thousand at
 * most. */
#define TICKET_MAX 60000

/* Names of TLS 1.3 suites begin with TLS_; the rest is for the versions before. */
static enum rp_status set_ciphers(SSL_CTX *ctx, const char *list, struct rp_error *err)
{
    char suites[512];
    char ciphers[1024];
    struct text new = text_of(suites, sizeof suites);
    struct text old = text_of(ciphers, sizeof ciphers);

    for (const char *at = list;;) {
        const size_t len = strcspn(at, ":,");
        struct text *t = strncmp(at, "TLS_", 4) == 0 ? &new : &old;

        text_add(t, t->len != 0 ? ":" : "");
        text_add_n(t, at, len);
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    text_add(&old, old.len != 0 ? ":@SECLEVEL=0" : CIPHERS_DEFAULT);
    if (new.cut || old.cut || (new.len != 0 && SSL_CTX_set_ciphersuites(ctx, suites) != 1) ||
        SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        error_set(err, "--ciphers: OpenSSL knows no such list as \"%s\"", list);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status set_certificate(SSL_CTX *ctx, const struct probe_options *o,
                                      struct rp_error *err)
{
    const char *key = o->client_key != NULL ? o->client_key : o->client_cert;

    if (o->client_cert == NULL) {
        return RP_OK;
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, o->client_cert) != 1) {
        error_set(err, "cannot read a certificate from %s: %s", o->client_cert,
                  client_tls_why_not());
        return RP_INVALID;
    }
    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        error_set(err, "cannot use the key in %s: %s", key, client_tls_why_not());
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status set_lists(SSL_CTX *ctx, const struct probe_options *o, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    if (o->ciphers != NULL) {
        status = set_ciphers(ctx, o->ciphers, err);
    } else if (SSL_CTX_set_cipher_list(ctx, CIPHERS_DEFAULT) != 1) {
        status = RP_CRYPTO;
    }
    if (status == RP_OK && o->groups != NULL && SSL_CTX_set1_groups_list(ctx, o->groups) != 1) {
        error_set(err, "--groups: OpenSSL knows no such list as \"%s\"", o->groups);
        status = RP_INVALID;
    }
    if (status == RP_OK && o->alpn_len != 0 &&
        SSL_CTX_set_alpn_protos(ctx, o->alpn, (unsigned)o->alpn_len) != 0) {
        status = RP_NO_MEMORY;
    }
    return status;
}

static enum rp_status set_up(SSL_CTX *ctx, enum mechanism m, const struct visit_contexts *c,
                             struct rp_error *err)
{
    const int version = mechanism_version(m);
    enum rp_status status;

    if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, version) != 1) {
        return RP_CRYPTO;
    }
    status = set_lists(ctx, c->options, err);
    if (status != RP_OK) {
        return status;
    }
    if (mechanism_by_session_id(m)) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* what it finds is written down */
    SSL_CTX_set1_cert_store(ctx, c->trust);
    visitor_prepare(ctx);
    return set_certificate(ctx, c->options, err);
}

static enum rp_status make_context(struct visit_contexts *c, enum mechanism m, struct rp_error *err)
{
    enum rp_status status = RP_NO_MEMORY;

    c->of[m] = SSL_CTX_new(TLS_client_method());
    if (c->of[m] != NULL) {
        status = set_up(c->of[m], m, c, err);
    }
    return status;
}

static enum rp_status load_trust(struct visit_contexts *c, struct rp_error *err)
{
    const char *file = c->options->cafile;

    c->trust = X509_STORE_new();
    if (c->trust == NULL) {
        return RP_NO_MEMORY;
    }
    if (file == NULL) {
        (void)X509_STORE_set_default_paths(c->trust); /* without, nothing is trusted */
        return RP_OK;
    }
    ERR_clear_error();
    if (X509_STORE_load_file(c->trust, file) != 1) {
        error_set(err, "cannot read certificates from %s: %s", file, client_tls_why_not());
        return RP_INVALID;
    }
    return RP_OK;
}

enum rp_status visit_contexts_init(struct visit_contexts *c, const struct probe_options *options,
                                   unsigned mechanisms, struct rp_error *err)
{
    enum rp_status status;

    memset(c, 0, sizeof *c);
    c->options = options;
    error_clear(err);
    status = load_trust(c, err);
    for (unsigned m = 0; status == RP_OK && m < MECHANISMS; m++) {
        if ((mechanisms & (1U << m)) != 0) {
            status = make_context(c, (enum mechanism)m, err);
        }
    }
    if (status != RP_OK) {
        if (status != RP_INVALID) {
            error_set(err, "cannot set up TLS: %s", rp_status_text(status));
        }
        visit_contexts_fini(c);
    }
    ERR_clear_error();
    return status;
}

void visit_contexts_fini(struct visit_contexts *c)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        SSL_CTX_free(c->of[m]);
    }
    X509_STORE_free(c->trust);
    memset(c, 0, sizeof *c);
}

/* It fits into a ClientHello. */
static bool is_short_enough(const SSL_SESSION *session)
{
    const unsigned char *ticket;
    size_t len = 0;

    SSL_SESSION_get0_ticket(session, &ticket, &len);
    return len <= TICKET_MAX;
}

bool visit_context_accepts(enum mechanism m, const SSL_SESSION *session)
{
    const bool has_ticket = SSL_SESSION_has_ticket(session) != 0;
    unsigned id_len = 0;

    (void)SSL_SESSION_get_id(session, &id_len);
    if (mechanism_by_session_id(m)) {
        return id_len != 0 && !has_ticket;
    }
    if (!has_ticket || !is_short_enough(session)) {
        return false;
    }
    if (mechanism_version(m) != TLS1_3_VERSION) {
        return true;
    }
    /* A TLS 1.3 ticket with lifetime 0 is to be discarded at once (RFC 8446, 4.6.1). */
    return SSL_SESSION_get_ticket_lifetime_hint(session) != 0 &&
           (m != MECHANISM_EARLY || SSL_SESSION_get_max_early_data(session) != 0);
}
