#include "diagnosis_hosts.h"

#include <string.h>

#include "findings_where.h"
#include "report_text.h"

#define KEYS_TOLD_MAX 4
#define SHORT_NAME 4

#define BEARERS_TOLD_MAX 3

/* The addresses that issue under one key. */
struct bearers {
    size_t items[BEARERS_TOLD_MAX]; /* the first */
    size_t n;
};

static void add_bearers(struct text *t, const struct facts *facts, const struct bearers *b)
{
    for (size_t i = 0; i < b->n && i < BEARERS_TOLD_MAX; i++) {
        text_add(t, i == 0 ? "" : i + 1 == b->n ? " and " : ", ");
        where_add_address(t, facts, b->items[i]);
    }
    if (b->n > BEARERS_TOLD_MAX) {
        text_addf(t, " and %zu more", b->n - BEARERS_TOLD_MAX);
    }
}

/* Two names that begin alike are told in full. */
static size_t shown_len(const struct view *view)
{
    for (size_t a = 0; a < view->facts->n; a++) {
        for (size_t b = 0; b <= a; b++) {
            for (size_t i = 0; i < view->hosts[a].n_keys; i++) {
                for (size_t j = 0; j < view->hosts[b].n_keys; j++) {
                    const struct key_name *x = &view->hosts[a].keys[i];
                    const struct key_name *y = &view->hosts[b].keys[j];

                    if (!key_name_equal(x, y) && memcmp(x->bytes, y->bytes, SHORT_NAME) == 0) {
                        return KEY_NAME_MAX;
                    }
                }
            }
        }
    }
    return SHORT_NAME;
}

static bool known_before(const struct view *view, const bool *in, size_t address,
                         const struct key_name *key)
{
    for (size_t a = 0; a < address; a++) {
        if (in[a] && view_has_key(&view->hosts[a], key)) {
            return true;
        }
    }
    return false;
}

static struct bearers bearers_of(const struct view *view, const bool *in,
                                 const struct key_name *key)
{
    struct bearers b = {.n = 0};

    for (size_t a = 0; a < view->facts->n; a++) {
        if (in[a] && view_has_key(&view->hosts[a], key)) {
            if (b.n < BEARERS_TOLD_MAX) {
                b.items[b.n] = a;
            }
            b.n++;
        }
    }
    return b;
}

void evidence_add_keys(struct text *t, const struct view *view, const struct draft *draft)
{
    const size_t shown = shown_len(view);
    size_t n = 0;

    for (size_t a = 0; a < view->facts->n; a++) {
        const struct host_view *host = &view->hosts[a];

        for (size_t k = 0; draft->in[a] && k < host->n_keys; k++) {
            struct bearers b;

            if (known_before(view, draft->in, a, &host->keys[k])) {
                continue;
            }
            n++;
            if (n > KEYS_TOLD_MAX) {
                continue;
            }
            b = bearers_of(view, draft->in, &host->keys[k]);
            text_add(t, n == 1 ? "" : ", ");
            add_bearers(t, view->facts, &b);
            text_add(t,
                     n == 1 ? (b.n == 1 ? " issues under key " : " issue under key ") : " under ");
            report_text_add_hex(t, host->keys[k].bytes, host->keys[k].len, shown);
        }
    }
    if (n > KEYS_TOLD_MAX) {
        text_addf(t, " and %zu more keys", n - KEYS_TOLD_MAX);
    }
}

static void add_certificate(struct text *t, const struct visit_certificate *c, bool digest)
{
    text_add_char(t, '"');
    report_text_add(t, c->subject);
    text_add_char(t, '"');
    if (digest) {
        text_add(t, " (SHA-256 ");
        report_text_add_hex(t, c->digest, sizeof c->digest, SHORT_NAME);
        text_add_char(t, ')');
    }
}

/* Begins one more part of a list. */
static void next(struct text *t, size_t *n, const char *separator)
{
    text_add(t, *n == 0 ? separator : ", ");
    *n += 1;
}

static void add_certificates(struct text *t, const struct host_view *a, const struct host_view *b,
                             size_t *n, const char *separator)
{
    const struct visit_certificate *x = a->certificates[0];
    const struct visit_certificate *y = b->certificates[0];

    if (a->n_certificates != 0 && b->n_certificates != 0 &&
        memcmp(x->digest, y->digest, sizeof x->digest) != 0) {
        const bool alike = strcmp(x->subject, y->subject) == 0;

        next(t, n, separator);
        text_add(t, "the certificates differ: ");
        add_certificate(t, x, alike);
        text_add(t, " and ");
        add_certificate(t, y, alike);
    }
}

static const char *text_or(const struct view_texts *t, const char *otherwise)
{
    return t->n != 0 ? t->items[0] : otherwise;
}

static void add_texts(struct text *t, const char *what, const struct view_texts *a,
                      const struct view_texts *b, size_t *n, const char *separator)
{
    const char *x = text_or(a, "none");
    const char *y = text_or(b, "none");

    if (strcmp(x, y) != 0) {
        next(t, n, separator);
        text_addf(t, "%s differs: ", what);
        report_text_add(t, x);
        text_add(t, " and ");
        report_text_add(t, y);
    }
}

bool evidence_add_site(struct text *t, const struct view *view, size_t i, size_t j,
                       const char *separator)
{
    size_t n = 0;

    add_certificates(t, &view->hosts[i], &view->hosts[j], &n, separator);
    if (view->hosts[i].asked != view->hosts[j].asked) {
        next(t, &n, separator);
        where_add_address(t, view->facts, view->hosts[i].asked ? i : j);
        text_add(t, " alone asks for a client certificate");
    }
    return n != 0;
}

bool evidence_add_difference(struct text *t, const struct view *view, size_t i, size_t j,
                             const char *separator)
{
    const struct host_view *a = &view->hosts[i];
    const struct host_view *b = &view->hosts[j];
    size_t n = evidence_add_site(t, view, i, j, separator);

    add_texts(t, "the Server header", &a->servers, &b->servers, &n, separator);
    add_texts(t, "the cipher suite", &a->ciphers, &b->ciphers, &n, separator);
    add_texts(t, "ALPN", &a->alpns, &b->alpns, &n, separator);
    return n != 0;
}

static void add_variety(struct text *t, const char *what, size_t kinds)
{
    if (kinds > 1) {
        text_addf(t, "; %zu %s", kinds, what);
    }
}

void evidence_add_mixture(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct host_view *host = NULL;

    for (size_t a = 0; a < view->facts->n && host == NULL; a++) {
        host = draft->at[a] ? &view->hosts[a] : NULL;
    }
    if (host == NULL) {
        return;
    }
    add_variety(t, "certificates were shown", host->n_certificates);
    for (size_t i = 0; i < host->n_certificates && host->n_certificates > 1; i++) {
        text_add(t, i == 0 ? ", " : " and ");
        add_certificate(t, host->certificates[i], true);
    }
    add_variety(t, "Server headers", host->servers.n);
    add_variety(t, "cipher suites", host->ciphers.n);
    add_variety(t, "ticket keys", host->n_keys);
    text_add(t,
             host->asked && host->not_asked ? "; a client certificate is asked for sometimes" : "");
    text_add(t,
             host->ems && host->no_ems ? "; extended master secret is negotiated sometimes" : "");
}

void evidence_add_ciphers(struct text *t, const struct view *view, size_t i, size_t j)
{
    where_add_address(t, view->facts, i);
    text_addf(t, " chooses %s, ", text_or(&view->hosts[i].ciphers, "none"));
    where_add_address(t, view->facts, j);
    text_addf(t, " %s", text_or(&view->hosts[j].ciphers, "none"));
}
