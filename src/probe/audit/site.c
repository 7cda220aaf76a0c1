#include "site.h"

#include <string.h>
#include <strings.h>

#include "text.h"

#define LOOKS 3

static bool is_new(const struct auditor *a, const struct site_name *names, size_t n,
                   const char *name)
{
    if (auditor_name(a) != NULL && strcasecmp(auditor_name(a), name) == 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (names[i].name != NULL && strcasecmp(names[i].name, name) == 0) {
            return false;
        }
    }
    return name[0] != '\0';
}

size_t site_names(const struct auditor *a, struct site_name out[static SITE_NAMES_MAX])
{
    const struct audit_config *c = a->config;
    size_t n = 0;

    /* Two places are kept for the last two. */
    for (size_t i = 0; i < c->n_other_names && n < SITE_NAMES_MAX - 2; i++) {
        if (is_new(a, out, n, c->other_names[i])) {
            out[n++] = (struct site_name){c->other_names[i], FINDING_OTHER_SNI};
        }
    }
    for (size_t i = 0; i < a->profile.n_names && n < SITE_NAMES_MAX - 2; i++) {
        if (is_new(a, out, n, a->profile.names[i])) {
            out[n++] = (struct site_name){a->profile.names[i], FINDING_OTHER_SNI};
        }
    }
    if (auditor_name(a) != NULL) {
        out[n++] = (struct site_name){NULL, FINDING_NO_SNI};
    }
    out[n++] = (struct site_name){SITE_UNKNOWN, FINDING_UNKNOWN_SNI};
    return n;
}

void site_name_text(const char *name, char *out, size_t size)
{
    struct text t = text_of(out, size);

    if (name == NULL) {
        text_add(&t, "without a server name");
    } else {
        text_addf(&t, "under %s", name);
    }
}

static void configure(const struct auditor *a, enum session_kind kind, const char *name,
                      bool with_identity, struct raw_config *out)
{
    auditor_config_for(a, kind, out);
    out->hello.n_names = name != NULL ? 1 : 0;
    out->hello.names[0] = name;
    if (!with_identity) {
        out->identity = NULL;
    }
}

/* Asks for the site of that name: another Host would be another matter. */
static void try_name(struct auditor *a, const char *name, const struct raw_config *config,
                     bool reply, struct trial *out)
{
    const enum trial_want want = reply ? TRIAL_REPLY : TRIAL_HANDSHAKE;

    if (name != NULL) {
        auditor_try_host(a, name, config, want, out);
    } else {
        auditor_try(a, config, want, out);
    }
}

static void understand(const struct trial *t, struct site_answer *out)
{
    const struct raw_result *r = &t->result;

    *out = (struct site_answer){
        .answered = r->server_hello || r->alert.seen,
        .full = trial_full(t),
        .resumed = trial_resumed(t),
        .asked = r->certificate_asked,
        .alert = r->end == RAW_END_ALERT,
        .closed = r->end != RAW_END_ALERT && r->end != RAW_END_OPEN,
        .alert_description = r->alert.description,
        .http_status = t->http_status,
    };
}

void site_look(struct auditor *a, enum session_kind kind, const char *name, bool with_identity,
               bool reply, struct site_view *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < LOOKS && auditor_goes_on(a); i++) {
        struct raw_config config;
        struct site_answer answer;
        struct trial t;

        configure(a, kind, name, with_identity, &config);
        try_name(a, name, &config, reply, &t);
        understand(&t, &answer);
        answer.leaf = t.result.n_certificates != 0 ? t.result.leaf_sha256 : NULL;
        site_view_add(out, &answer);
        trial_fini(&t);
    }
}

bool site_offer(struct auditor *a, enum session_kind kind, const char *name, bool with_identity,
                bool reply, const struct raw_session *s, struct site_answer *out)
{
    struct raw_config config;
    struct trial t;

    configure(a, kind, name, with_identity, &config);
    auditor_offer(&config, kind, s);
    try_name(a, name, &config, reply, &t);
    understand(&t, out);
    trial_fini(&t);
    return out->answered;
}

struct raw_session *site_session(struct auditor *a, enum session_kind kind, const char *name,
                                 bool with_identity)
{
    struct raw_config config;

    configure(a, kind, name, with_identity, &config);
    return auditor_issue(a, kind, &config);
}
