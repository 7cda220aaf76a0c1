#include "sites.h"

#include <stdbool.h>
#include <string.h>

#include "alpn.h"
#include "authority.h"
#include "certificate.h"
#include "client_policy.h"
#include "domains.h"
#include "error.h"
#include "memory.h"
#include "names.h"
#include "sites_visit.h"
#include "source.h"
#include "staple.h"
#include "text.h"
#include "tls_context.h"

struct site {
    SSL_CTX *ctx;
    struct staples *staples;
    char policy[CLIENT_POLICY_SIZE]; /* sessions are not resumed across it */
};

struct listener {
    struct site *sites; /* in the order of the configuration */
    size_t n;
    struct names *names;
    struct alpn *alpn;
    bool strict_sni;
};

struct sites {
    struct listener *listeners;
    size_t n;
    struct warnings warnings;
};

/* What making a site needs beside itself. */
struct making {
    const struct config *config;
    const struct config_listen *listen;
    struct rp_keyring *keyring;
    struct rp_cache *cache;
    struct source source;
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
    return l->sites[i != NAMES_NONE ? i : 0].ctx;
}

static enum rp_status attach(const struct site *made, const struct making *m,
                             const struct config_site *site, struct listener *l)
{
    const struct rp_attach_options options = {
        .keyring = m->keyring,
        .cache = m->listen->session_cache != 0 ? m->cache : NULL,
        .clock = rp_clock_system(),
        .domain = site->domain_id,
        .policy = made->policy,
        .policy_len = strlen(made->policy),
        .no_tickets = !m->listen->session_tickets,
        .num_tickets = m->listen->num_tickets,
        .session_timeout_ms = m->listen->session_timeout_ms,
        .max_age_ms = m->listen->max_age_ms,
        .select = select_site,
        .select_cookie = l,
    };
    struct rp_error why = {{0}};
    const enum rp_status status = rp_attach(made->ctx, &options, &why);

    if (status != RP_OK) {
        config_complain(m->config, site->place, m->source.err, "sessions: %s", why.text);
    }
    return status;
}

/* What of it was made is freed with the listener, also on failure. */
static enum rp_status site_init(struct site *made, const struct making *m,
                                const struct config_site *site, struct listener *l)
{
    enum rp_status status = tls_context_new(m->config, m->listen, &made->ctx, m->source.err);

    if (status == RP_OK) {
        status = certificate_load(made->ctx, site, &m->source);
    }
    if (status == RP_OK) {
        status = staples_load(made->ctx, site, &m->source, &made->staples);
    }
    if (status == RP_OK) {
        status = client_policy_load(made->ctx, site, &m->source, made->policy);
    }
    if (status == RP_OK) {
        alpn_use(l->alpn, made->ctx);
        status = attach(made, m, site, l);
    }
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
    status = alpn_new(m->listen, &l->alpn);
    if (status != RP_OK) {
        return status;
    }
    l->sites = memory_new(m->listen->n_sites, sizeof *l->sites);
    if (l->sites == NULL) {
        return RP_NO_MEMORY;
    }
    for (l->n = 0; l->n < m->listen->n_sites && status == RP_OK;) {
        const struct config_site *site = &m->listen->sites[l->n];

        status = site_init(&l->sites[l->n++], m, site, l);
    }
    return status;
}

static void listener_fini(struct listener *l)
{
    for (size_t i = 0; i < l->n; i++) {
        SSL_CTX_free(l->sites[i].ctx);
        staples_free(&l->sites[i].staples);
    }
    memory_free(l->sites);
    alpn_free(&l->alpn);
    names_free(&l->names);
}

static enum rp_status check_domains(const struct sites *sites, const struct config *config,
                                    struct rp_error *err)
{
    struct domains_site *all;
    enum rp_status status;
    size_t n = 0;

    for (size_t i = 0; i < sites->n; i++) {
        n += sites->listeners[i].n;
    }
    all = memory_new(n, sizeof *all);
    if (all == NULL) {
        return RP_NO_MEMORY;
    }
    n = 0;
    for (size_t i = 0; i < sites->n; i++) {
        for (size_t j = 0; j < sites->listeners[i].n; j++) {
            all[n++] = (struct domains_site){.site = &config->listen[i].sites[j],
                                             .policy = sites->listeners[i].sites[j].policy};
        }
    }
    status = domains_check(config, all, n, err);
    memory_free(all);
    return status;
}

enum rp_status sites_new(const struct config *config, struct rp_keyring *keyring,
                         struct rp_cache *cache, struct sites **out, struct rp_error *err)
{
    struct making m = {.config = config, .keyring = keyring, .cache = cache};
    struct sites *sites = memory_new(1, sizeof *sites);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (sites == NULL) {
        goto done;
    }
    m.source = (struct source){.config = config, .err = err, .warnings = &sites->warnings};
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
    status = check_domains(sites, config, err);
    if (status != RP_OK) {
        goto done;
    }
    *out = sites;
    sites = NULL; /* transferred */
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
    warnings_fini(&sites->warnings);
    memory_free(sites);
}

size_t sites_n_warnings(const struct sites *sites)
{
    return sites->warnings.n;
}

const char *sites_warning(const struct sites *sites, size_t i)
{
    return sites->warnings.items[i].text;
}

SSL_CTX *sites_listener_ctx(const struct sites *sites, size_t i)
{
    return sites->listeners[i].sites[0].ctx;
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
