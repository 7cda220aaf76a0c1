#include "sites.h"

#include <stdbool.h>
#include <string.h>

#include "authority.h"
#include "certificate.h"
#include "error.h"
#include "memory.h"
#include "names.h"
#include "openssl_error.h"
#include "sites_visit.h"
#include "text.h"
#include "tls_context.h"

/* Sessions are not resumed across this policy: no client certificate is asked for. */
#define POLICY "client_verify=off"

struct listener {
    SSL_CTX **ctxs; /* one for each site, in the order of the configuration */
    size_t n;
    struct names *names;
    bool strict_sni;
};

struct sites {
    struct listener *listeners;
    size_t n;
};

/* What making a site needs beside itself. */
struct making {
    const struct config *config;
    const struct config_listen *listen;
    struct rp_keyring *keyring;
    struct rp_cache *cache;
    struct rp_error *err;
};

static void visit_note(struct sites_visit *visit, const char *sni, bool refused)
{
    struct text t;

    if (visit != NULL) {
        visit->has_sni = sni != NULL;
        visit->refused = refused;
        t = text_of(visit->sni, sizeof visit->sni);
        text_add(&t, sni != NULL ? sni : "");
    }
}

/* As rp_select_fn: exact name, wildcard, first site, unless only names that are there will do. */
static SSL_CTX *select_site(SSL *ssl, const char *sni, void *cookie)
{
    const struct listener *l = cookie;
    const size_t i = names_find(l->names, sni);
    const bool refused = i == NAMES_NONE && l->strict_sni;

    visit_note(SSL_get_app_data(ssl), sni, refused);
    if (refused) {
        return NULL;
    }
    return l->ctxs[i != NAMES_NONE ? i : 0];
}

/*
 * The built-in page speaks HTTP/1.1 and nothing else, and says so to a client that asks (RFC 7301);
 * in front of a backend the protocol is the backend's affair, and none is negotiated.
 */
static int choose_http(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *cookie)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)cookie;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum rp_status attach(SSL_CTX *ctx, const struct making *m, const struct config_site *site,
                             struct listener *l)
{
    const struct rp_attach_options options = {
        .keyring = m->keyring,
        .cache = m->listen->session_cache != 0 ? m->cache : NULL,
        .clock = rp_clock_system(),
        .domain = site->domain_id,
        .policy = POLICY,
        .policy_len = sizeof POLICY - 1,
        .no_tickets = !m->listen->session_tickets,
        .num_tickets = m->listen->num_tickets,
        .session_timeout_ms = m->listen->session_timeout_ms,
        .max_age_ms = m->listen->max_age_ms,
        .select = select_site,
        .select_cookie = l,
    };
    struct rp_error why = {{0}};
    const enum rp_status status = rp_attach(ctx, &options, &why);

    if (status != RP_OK) {
        config_complain(m->config, site->place, m->err, "sessions: %s", why.text);
    }
    return status;
}

static enum rp_status site_new(const struct making *m, const struct config_site *site,
                               struct listener *l, SSL_CTX **out)
{
    SSL_CTX *ctx = NULL;
    enum rp_status status;

    *out = NULL;
    status = tls_context_new(m->config, m->listen, &ctx, m->err);
    if (status != RP_OK) {
        return status;
    }
    status = certificate_load(ctx, m->config, site, m->err);
    if (status != RP_OK) {
        goto done;
    }
    if (m->listen->backend == NULL) {
        SSL_CTX_set_alpn_select_cb(ctx, choose_http, NULL);
    }
    status = attach(ctx, m, site, l);
    if (status != RP_OK) {
        goto done;
    }
    *out = ctx;
    ctx = NULL; /* transferred */
done:
    SSL_CTX_free(ctx);
    return status;
}

static enum rp_status index_names(const struct config_listen *listen, struct names **out)
{
    const char **list = memory_new(listen->n_sites, sizeof *list);
    enum rp_status status;

    *out = NULL;
    if (list == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < listen->n_sites; i++) {
        list[i] = listen->sites[i].name;
    }
    status = names_new(list, listen->n_sites, out);
    memory_free(list);
    return status;
}

static enum rp_status listener_init(struct listener *l, const struct making *m)
{
    enum rp_status status;

    l->strict_sni = m->listen->strict_sni;
    status = index_names(m->listen, &l->names);
    if (status != RP_OK) {
        return status;
    }
    l->ctxs = memory_new(m->listen->n_sites, sizeof(SSL_CTX *));
    if (l->ctxs == NULL) {
        return RP_NO_MEMORY;
    }
    for (l->n = 0; l->n < m->listen->n_sites; l->n++) {
        status = site_new(m, &m->listen->sites[l->n], l, &l->ctxs[l->n]);
        if (status != RP_OK) {
            return status;
        }
    }
    return RP_OK;
}

static void listener_fini(struct listener *l)
{
    for (size_t i = 0; i < l->n; i++) {
        SSL_CTX_free(l->ctxs[i]);
    }
    memory_free(l->ctxs);
    names_free(&l->names);
}

enum rp_status sites_new(const struct config *config, struct rp_keyring *keyring,
                         struct rp_cache *cache, struct sites **out, struct rp_error *err)
{
    struct making m = {.config = config, .keyring = keyring, .cache = cache, .err = err};
    struct sites *sites = memory_new(1, sizeof *sites);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (sites == NULL) {
        goto done;
    }
    sites->listeners = memory_new(config->n_listen, sizeof *sites->listeners);
    if (sites->listeners == NULL) {
        goto done;
    }
    for (sites->n = 0; sites->n < config->n_listen;) {
        m.listen = &config->listen[sites->n];
        status = listener_init(&sites->listeners[sites->n++], &m);
        if (status != RP_OK) {
            goto done;
        }
    }
    *out = sites;
    sites = NULL; /* transferred */
    status = RP_OK;
done:
    if (status != RP_OK && err != NULL && err->text[0] == '\0') {
        error_set(err, "%s", rp_status_text(status));
    }
    sites_free(&sites);
    return status;
}

void sites_free(struct sites **out)
{
    struct sites *sites = *out;

    *out = NULL;
    if (sites == NULL) {
        return;
    }
    for (size_t i = 0; sites->listeners != NULL && i < sites->n; i++) {
        listener_fini(&sites->listeners[i]);
    }
    memory_free(sites->listeners);
    memory_free(sites);
}

SSL_CTX *sites_listener_ctx(const struct sites *sites, size_t i)
{
    return sites->listeners[i].ctxs[0];
}

bool sites_host_allowed(const struct sites *sites, size_t i, const char *sni, const char *host)
{
    const struct listener *l = &sites->listeners[i];
    char name[AUTHORITY_HOST_MAX + 1];
    size_t wanted;
    size_t served;

    if (!authority_host(host, name)) {
        return false;
    }
    wanted = names_find(l->names, name);
    served = names_find(l->names, sni);
    return wanted == NAMES_NONE || wanted == (served != NAMES_NONE ? served : 0);
}
