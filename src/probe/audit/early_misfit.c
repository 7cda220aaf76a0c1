#include "early_misfit.h"

#include "checks.h"
#include "early_volley.h"
#include "repeat.h"
#include "site.h"
#include "text.h"

#define AGE_OFF_MS 3600000U
#define TEXT_SIZE 640 /* for two names */

/* What does not fit the session of which the early data is. */
enum misfit {
    MISFIT_ALPN,
    MISFIT_AGE,
    MISFIT_RETRY,
    MISFIT_NAME,
};

struct misfit_case {
    enum misfit misfit;
    const char *name; /* MISFIT_NAME; NULL: none */
};

static void spoil(struct raw_hello *hello, const struct misfit_case *c)
{
    switch (c->misfit) {
    case MISFIT_ALPN:
        hello->alpn[0] = "h2";
        break;
    case MISFIT_AGE:
        hello->psk.obfuscated_age += AGE_OFF_MS;
        break;
    case MISFIT_RETRY:
        hello->n_shares = 0;
        hello->early_data_again = true;
        break;
    case MISFIT_NAME:
        hello->n_names = c->name != NULL ? 1 : 0;
        hello->names[0] = c->name;
        break;
    }
}

static enum vote does_not_fit(struct auditor *a, void *cookie)
{
    const struct misfit_case *c = cookie;
    struct early_volley v = {.n = 1, .addresses = {a->address}};
    struct raw_config config;
    struct raw_session *s;
    unsigned n;

    auditor_config_for(a, KIND_PSK13, &config);
    check_offer_alpn(&config.hello, HTTP11);
    s = early_session(a, &config);
    if (s == NULL) {
        return VOTE_VOID;
    }
    early_config(a, s, &config);
    check_offer_alpn(&config.hello, HTTP11);
    spoil(&config.hello, c);
    n = early_volley(a, &config, &v);
    raw_session_free(&s);
    return n != 0 ? VOTE_HIT : VOTE_MISS;
}

static unsigned try_case(struct auditor *a, struct misfit_case *c, const char *text)
{
    struct votes v;

    repeat(a, does_not_fit, c, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_EARLY_CONTEXT, "early data was accepted %u of %u times %s",
                     v.n_hits, v.n, text);
    }
    return v.n;
}

/* Only where another site is: under a name that the same site answers it fits well. */
static unsigned try_name(struct auditor *a, const struct site_view *own, const char *name)
{
    struct misfit_case c = {MISFIT_NAME, name};
    struct site_view view;
    char from[300];
    char to[300];
    char why[128];
    char buffer[TEXT_SIZE + sizeof why];
    struct text t = text_of(buffer, sizeof buffer);

    site_look(a, KIND_PSK13, name, true, false, &view);
    if (!site_view_differs(own, &view, why, sizeof why)) {
        return 0;
    }
    site_name_text(auditor_name(a), from, sizeof from);
    site_name_text(name, to, sizeof to);
    text_addf(&t, "%s, of a session made %s; a full handshake shows %s there", to, from, why);
    return try_case(a, &c, buffer);
}

static unsigned try_names(struct auditor *a)
{
    struct site_name names[SITE_NAMES_MAX];
    const size_t n_names = site_names(a, names);
    struct site_view own;
    unsigned n = 0;

    site_look(a, KIND_PSK13, auditor_name(a), true, false, &own);
    for (size_t i = 0; i < n_names; i++) {
        n += try_name(a, &own, names[i].name);
    }
    return n;
}

unsigned early_misfits(struct auditor *a)
{
    static const char *const texts[] = {
        [MISFIT_ALPN] = "of a session of http/1.1, in a ClientHello that offers h2 alone",
        [MISFIT_AGE] = "with an age of the ticket that is an hour off",
        [MISFIT_RETRY] = "in the second ClientHello, after HelloRetryRequest",
    };
    unsigned n = 0;

    for (enum misfit m = MISFIT_ALPN; m <= MISFIT_RETRY; m++) {
        struct misfit_case c = {m, NULL};

        if (m != MISFIT_ALPN || check_negotiates(a, KIND_PSK13)) {
            n += try_case(a, &c, texts[m]);
        }
    }
    return n + try_names(a);
}
