#include "auditor.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "checks.h"
#include "memory.h"
#include "text.h"

#define TIMEOUT_MS 5000
#define PER_CHECK_MS 20000
#define WAIT_STEP_MS 50
#define WAIT_S 10

static void make_request(const struct auditor *a, const char *host, char *out, size_t size)
{
    const struct audit_config *c = a->config;
    struct text t = text_of(out, size);

    if (c->no_http) {
        return;
    }
    text_addf(&t,
              "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: reprise\r\nAccept: */*\r\n"
              "Connection: close\r\n\r\n",
              c->http_path != NULL ? c->http_path : "/", host);
    if (t.cut) {
        out[0] = '\0';
    }
}

static const char *own_host(const struct auditor *a)
{
    const char *name = auditor_name(a);

    if (a->config->http_host != NULL) {
        return a->config->http_host;
    }
    return name != NULL ? name : auditor_address(a)->text;
}

void auditor_init(struct auditor *a, struct audit_shared *shared, size_t address)
{
    memset(a, 0, sizeof *a);
    a->shared = shared;
    a->config = shared->config;
    a->address = address;
    make_request(a, own_host(a), a->request, sizeof a->request);
}

void auditor_fini(struct auditor *a)
{
    memory_free(a->findings);
    a->findings = NULL;
    a->n_findings = 0;
}

const struct peer_address *auditor_address(const struct auditor *a)
{
    return &a->config->addresses[a->address];
}

const char *auditor_name(const struct auditor *a)
{
    const char *name = a->config->servername;

    return name != NULL && name[0] != '\0' ? name : NULL;
}

bool auditor_cancelled(const struct auditor *a)
{
    return a->shared->cancel != NULL && atomic_load(a->shared->cancel);
}

bool auditor_goes_on(const struct auditor *a)
{
    return !auditor_cancelled(a) && raw_now_us() < a->check_until_us;
}

bool auditor_wait_until(const struct auditor *a, int64_t at_us)
{
    for (;;) {
        const int64_t left_ms = (at_us - raw_now_us()) / 1000;

        if (auditor_cancelled(a)) {
            return false;
        }
        if (left_ms <= 0) {
            return true;
        }
        (void)poll(NULL, 0, left_ms < WAIT_STEP_MS ? (int)left_ms : WAIT_STEP_MS);
    }
}

unsigned auditor_wait_s(const struct auditor *a)
{
    return a->config->wait_s != 0 ? a->config->wait_s : WAIT_S;
}

void auditor_config(const struct auditor *a, uint16_t version, struct raw_config *out)
{
    raw_config_init(out, auditor_name(a));
    raw_hello_only(&out->hello, version);
    out->identity = a->shared->identity;
    out->cancel = a->shared->cancel;
}

void auditor_config_for(const struct auditor *a, enum session_kind kind, struct raw_config *out)
{
    auditor_config(a, session_kind_version(kind), out);
    if (kind == KIND_ID12) {
        out->hello.ticket_ext = RAW_TICKET_ABSENT;
    }
}

static int timeout_ms(const struct auditor *a)
{
    const unsigned ms = a->config->timeout_ms != 0 ? a->config->timeout_ms : TIMEOUT_MS;

    return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

int64_t auditor_deadline_us(const struct auditor *a)
{
    return raw_now_us() + (int64_t)timeout_ms(a) * 1000;
}

void auditor_count(struct auditor *a)
{
    a->n_connections++;
    (void)atomic_fetch_add(&a->shared->n_connections, 1);
}

static void try_one(struct auditor *a, size_t address, const char *request,
                    const struct raw_config *config, enum trial_want want, struct trial *out)
{
    const struct trial_setup setup = {
        .config = config,
        .address = &a->config->addresses[address],
        .request = request[0] != '\0' ? request : NULL,
        .timeout_ms = timeout_ms(a),
        .want = want,
        .ask_first = a->ask_first,
    };

    auditor_count(a);
    trial_run(&setup, out);
    a->ask_first = a->ask_first || out->late_tickets;
}

void auditor_try_at(struct auditor *a, size_t address, const struct raw_config *config,
                    enum trial_want want, struct trial *out)
{
    try_one(a, address, a->request, config, want, out);
}

void auditor_try_host(struct auditor *a, const char *host, const struct raw_config *config,
                      enum trial_want want, struct trial *out)
{
    char request[AUDITOR_REQUEST_SIZE];

    make_request(a, host, request, sizeof request);
    try_one(a, a->address, request, config, want, out);
}

void auditor_try(struct auditor *a, const struct raw_config *config, enum trial_want want,
                 struct trial *out)
{
    auditor_try_at(a, a->address, config, want, out);
}

static bool is_of_kind(const struct raw_session *s, enum session_kind kind)
{
    switch (kind) {
    case KIND_ID12:
        return s->id_len != 0;
    case KIND_TICKET12:
    case KIND_PSK13:
        return s->ticket_len != 0;
    case SESSION_KINDS:
        break;
    }
    return false;
}

struct raw_session *auditor_pick(struct trial *t, enum session_kind kind)
{
    /* The newest: of the tickets of a handshake some servers keep the last alone. */
    const size_t last = t->n_sessions - 1;

    if (!trial_full(t) || t->n_sessions == 0 || !is_of_kind(t->sessions[last], kind)) {
        return NULL;
    }
    return trial_take(t, last);
}

struct raw_session *auditor_issue(struct auditor *a, enum session_kind kind,
                                  const struct raw_config *config)
{
    struct trial t;
    struct raw_session *s;

    auditor_try(a, config, TRIAL_SESSIONS, &t);
    s = auditor_pick(&t, kind);
    trial_fini(&t);
    return s;
}

struct raw_session *auditor_session(struct auditor *a, enum session_kind kind)
{
    struct raw_config config;

    auditor_config_for(a, kind, &config);
    return auditor_issue(a, kind, &config);
}

void auditor_offer(struct raw_config *config, enum session_kind kind, const struct raw_session *s)
{
    switch (kind) {
    case KIND_ID12:
        raw_hello_offer_id(&config->hello, s);
        break;
    case KIND_TICKET12:
        raw_hello_offer_ticket(&config->hello, s);
        break;
    case KIND_PSK13:
        raw_hello_offer_psk(&config->hello, s, raw_now_us());
        break;
    case SESSION_KINDS:
        break;
    }
}

bool check_needs(struct auditor *a, enum session_kind kind)
{
    const struct kind_profile *k = &a->profile.kinds[kind];

    if (profile_resumes(&a->profile, kind)) {
        return true;
    }
    if (k->n_full == 0) {
        const char *version = kind == KIND_PSK13 ? "TLS 1.3" : "TLS 1.2";

        if (profile_unclear(&a->profile, kind)) {
            auditor_conclude(a, AUDIT_NOT_JUDGED, "no handshake of %s comes to its end", version);
        } else {
            auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no handshake of %s is done here", version);
        }
    } else {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no %s %s here", session_kind_text(kind),
                         k->n_issued == 0 ? "is issued" : "resumes");
    }
    return false;
}

static int64_t check_end_us(const struct auditor *a)
{
    const unsigned ms = a->config->per_check_ms != 0 ? a->config->per_check_ms : PER_CHECK_MS;

    return raw_now_us() + (int64_t)ms * 1000;
}

void auditor_start(struct auditor *a)
{
    a->check_until_us = check_end_us(a);
}

void auditor_begin(struct auditor *a, enum audit_check check)
{
    struct audit_result *r = &a->results[check];

    a->check = check;
    a->check_from_us = raw_now_us();
    a->check_until_us = check_end_us(a);
    a->n_connections = 0;
    a->n_check_findings = 0;
    memset(r, 0, sizeof *r);
    r->check = check;
    r->address = a->address;
    r->outcome = AUDIT_NOT_JUDGED;
    a->has_result[check] = true;
}

/* Not even whether the server has what a check would look at. */
static bool nothing_is_known(const struct auditor *a)
{
    bool unclear = false;

    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        if (a->profile.kinds[kind].n_full != 0) {
            return false;
        }
        unclear = unclear || profile_unclear(&a->profile, kind);
    }
    return unclear;
}

void auditor_end(struct auditor *a)
{
    struct audit_result *r = &a->results[a->check];

    r->n_connections = a->n_connections;
    r->took_ms = (raw_now_us() - a->check_from_us) / 1000;
    if (a->n_check_findings != 0) {
        auditor_conclude(a, AUDIT_FOUND, "%zu finding%s", a->n_check_findings,
                         a->n_check_findings == 1 ? "" : "s");
    } else if (auditor_cancelled(a)) {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "interrupted");
    } else if (r->outcome == AUDIT_NOT_APPLICABLE && nothing_is_known(a)) {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "no handshake comes to its end");
    } else if (r->note[0] == '\0') {
        auditor_conclude(a, AUDIT_NOT_JUDGED,
                         "too few connections came to an end that says anything");
    }
    (void)atomic_fetch_add(&a->shared->n_done, 1);
}

void auditor_find(struct auditor *a, enum finding_name name, const char *format, ...)
{
    struct finding *grown;
    struct finding *f;
    struct text t;
    va_list args;

    if (auditor_cancelled(a)) {
        return; /* a connection that was given up looks like one that the server let hang */
    }
    grown = memory_resize(a->findings, a->n_findings, a->n_findings + 1, sizeof *grown);
    if (grown == NULL) {
        a->no_memory = true;
        return;
    }
    a->findings = grown;
    f = &a->findings[a->n_findings++];
    f->name = name;
    t = text_of(f->address, sizeof f->address);
    text_add(&t, auditor_address(a)->text);
    t = text_of(f->evidence, sizeof f->evidence);
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    a->n_check_findings++;
    (void)atomic_fetch_add(&a->shared->n_findings, 1);
}

void auditor_conclude(struct auditor *a, enum audit_outcome outcome, const char *format, ...)
{
    struct audit_result *r = &a->results[a->check];
    struct text t = text_of(r->note, sizeof r->note);
    va_list args;

    r->outcome = outcome;
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
}
