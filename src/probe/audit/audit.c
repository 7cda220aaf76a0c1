#include "audit.h"

#include <openssl/crypto.h>
#include <uv.h>

#include "auditor.h"
#include "checks.h"
#include "error.h"
#include "memory.h"
#include "profile_learn.h"

#define CONCURRENCY 4
#define PROGRESS_MS 200

enum stage {
    STAGE_ADDRESS, /* what concerns one address */
    STAGE_ACROSS,  /* what takes the profiles of all */
    STAGE_DONE,
};

/* One address as the loop sees it. */
struct job {
    uv_work_t work;
    struct run *run;
    struct auditor auditor;
};

struct run {
    const struct audit_config *config;
    const struct audit_observer *observer;
    struct audit_shared shared;
    unsigned checks;
    uv_loop_t loop;
    uv_timer_t timer;
    struct job *jobs;
    const struct profile **profiles;
    enum stage stage;
    size_t n_started; /* of the stage */
    size_t n_running;
};

struct check {
    enum audit_check check;
    void (*run)(struct auditor *a);
};

/* What may end a server comes last. */
static const struct check order[] = {
    {AUDIT_CHECK_NAMES, check_names},
    {AUDIT_CHECK_CLIENT_CERTIFICATE, check_client_certificate},
    {AUDIT_CHECK_TICKETS, check_tickets},
    {AUDIT_CHECK_TICKETBLEED, check_ticketbleed},
    {AUDIT_CHECK_PSK_MODES, check_psk_modes},
    {AUDIT_CHECK_BINDERS, check_binders},
    {AUDIT_CHECK_HASH, check_hash},
    {AUDIT_CHECK_VERSIONS, check_versions},
    {AUDIT_CHECK_EMS, check_ems},
    {AUDIT_CHECK_ALPN, check_alpn},
    {AUDIT_CHECK_RENEGOTIATION, check_renegotiation},
    {AUDIT_CHECK_THIRD_PARTY, check_third_party},
    {AUDIT_CHECK_EARLY_DATA, check_early_data},
    {AUDIT_CHECK_TICKET_FIELDS, check_ticket_fields},
    {AUDIT_CHECK_KEYS, check_keys},
    {AUDIT_CHECK_CHAIN, check_chain},
    {AUDIT_CHECK_LIFETIME, check_lifetime},
    {AUDIT_CHECK_IDENTITIES, check_identities},
};

#define N_ORDER (sizeof order / sizeof order[0])

const char *audit_check_word(enum audit_check check)
{
    static const char *const words[] = {
#define AUDIT_CHECK_WORD(name, word, text) word,
        AUDIT_CHECK_MAP(AUDIT_CHECK_WORD)
#undef AUDIT_CHECK_WORD
    };

    return check < AUDIT_CHECKS ? words[check] : "";
}

const char *audit_check_text(enum audit_check check)
{
    static const char *const texts[] = {
#define AUDIT_CHECK_TEXT(name, word, text) text,
        AUDIT_CHECK_MAP(AUDIT_CHECK_TEXT)
#undef AUDIT_CHECK_TEXT
    };

    return check < AUDIT_CHECKS ? texts[check] : "";
}

const char *audit_outcome_word(enum audit_outcome outcome)
{
    static const char *const words[] = {
#define AUDIT_OUTCOME_WORD(name, word) word,
        AUDIT_OUTCOME_MAP(AUDIT_OUTCOME_WORD)
#undef AUDIT_OUTCOME_WORD
    };

    return words[outcome];
}

static bool wanted(const struct run *run, enum audit_check check)
{
    return (run->checks >> check & 1) != 0;
}

static void give_up(struct auditor *a)
{
    if (auditor_cancelled(a)) {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "interrupted");
    } else {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "%s", a->profile.why_not);
    }
}

static void audit_address(struct run *run, struct auditor *a)
{
    auditor_start(a);
    profile_learn(a);
    for (size_t i = 0; i < N_ORDER; i++) {
        if (!wanted(run, order[i].check)) {
            continue;
        }
        auditor_begin(a, order[i].check);
        if (a->profile.answers && !auditor_cancelled(a)) {
            order[i].run(a);
        } else {
            give_up(a);
        }
        auditor_end(a);
    }
}

static void audit_across(struct run *run, struct auditor *a)
{
    if (!wanted(run, AUDIT_CHECK_CERTIFICATES)) {
        return;
    }
    auditor_begin(a, AUDIT_CHECK_CERTIFICATES);
    if (a->profile.answers && !auditor_cancelled(a)) {
        check_certificates(a);
    } else {
        give_up(a);
    }
    auditor_end(a);
}

/* On a thread of its own: touches its auditor, and what is atomic or does not change. */
static void on_work(uv_work_t *work)
{
    struct job *job = work->data;

    if (job->run->stage == STAGE_ADDRESS) {
        audit_address(job->run, &job->auditor);
    } else {
        audit_across(job->run, &job->auditor);
    }
    OPENSSL_thread_stop(); /* threads of the pool end without giving back what libcrypto gave them
                            */
}

static void report_progress(struct run *run)
{
    const struct audit_observer *o = run->observer;
    struct audit_progress p;

    if (o == NULL || o->progress == NULL) {
        return;
    }
    p = (struct audit_progress){
        .n_done = atomic_load(&run->shared.n_done),
        .n_all = run->config->n * (size_t)__builtin_popcount(run->checks),
        .n_connections = atomic_load(&run->shared.n_connections),
        .n_findings = atomic_load(&run->shared.n_findings),
    };
    o->progress(o->cookie, &p);
}

static void go_on(struct run *run);

static void on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;

    (void)status; /* nothing cancels a work that is queued */
    job->run->n_running--;
    go_on(job->run);
}

static void on_timer(uv_timer_t *timer)
{
    report_progress(timer->data);
}

static void go_on(struct run *run)
{
    const size_t most = run->config->concurrency != 0 ? run->config->concurrency : CONCURRENCY;

    while (run->stage != STAGE_DONE) {
        while (run->n_started < run->config->n && run->n_running < most) {
            struct job *job = &run->jobs[run->n_started++];

            if (uv_queue_work(&run->loop, &job->work, on_work, on_worked) == 0) {
                run->n_running++;
            }
        }
        if (run->n_running != 0) {
            return;
        }
        run->stage++;
        run->n_started = 0;
    }
    uv_close((uv_handle_t *)&run->timer, NULL);
}

static enum rp_status run_loop(struct run *run)
{
    if (uv_loop_init(&run->loop) != 0) {
        return RP_SYSTEM;
    }
    (void)uv_timer_init(&run->loop, &run->timer);
    run->timer.data = run;
    (void)uv_timer_start(&run->timer, on_timer, PROGRESS_MS, PROGRESS_MS);
    go_on(run);
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run->loop);
    report_progress(run);
    return RP_OK;
}

static enum rp_status collect(const struct run *run, struct audit *out)
{
    size_t n = 0;

    for (size_t i = 0; i < run->config->n; i++) {
        n += run->jobs[i].auditor.n_findings;
        if (run->jobs[i].auditor.no_memory) {
            return RP_NO_MEMORY;
        }
    }
    out->findings = memory_new(n, sizeof *out->findings);
    out->results = memory_new(run->config->n * AUDIT_CHECKS, sizeof *out->results);
    if ((n != 0 && out->findings == NULL) || out->results == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < run->config->n; i++) {
        const struct auditor *a = &run->jobs[i].auditor;

        for (size_t j = 0; j < a->n_findings; j++) {
            out->findings[out->n_findings++] = a->findings[j];
        }
        for (size_t check = 0; check < AUDIT_CHECKS; check++) {
            if (a->has_result[check]) {
                out->results[out->n_results++] = a->results[check];
            }
        }
    }
    out->n_addresses = run->config->n;
    out->n_connections = atomic_load(&run->shared.n_connections);
    out->interrupted = run->shared.cancel != NULL && atomic_load(run->shared.cancel);
    return RP_OK;
}

static enum rp_status load_identity(const struct audit_config *config, struct raw_identity **out,
                                    struct rp_error *err)
{
    const char *key = config->client_key != NULL ? config->client_key : config->client_cert;

    *out = NULL;
    return config->client_cert != NULL ? raw_identity_load(config->client_cert, key, out, err)
                                       : RP_OK;
}

static void prepare(struct run *run, const struct audit_config *config,
                    const struct audit_observer *observer, const struct raw_identity *identity)
{
    run->observer = observer;
    run->checks = config->checks != 0 ? config->checks & AUDIT_ALL : AUDIT_ALL;
    run->shared.config = config;
    run->shared.identity = identity;
    run->shared.cancel = observer != NULL ? observer->cancel : NULL;
    for (size_t i = 0; i < config->n; i++) {
        run->jobs[i].run = run;
        run->jobs[i].work.data = &run->jobs[i];
        run->profiles[i] = &run->jobs[i].auditor.profile;
        auditor_init(&run->jobs[i].auditor, &run->shared, i);
    }
    run->shared.profiles = run->profiles;
}

static void run_free(struct run *run)
{
    if (run == NULL) {
        return;
    }
    for (size_t i = 0; run->jobs != NULL && i < run->config->n; i++) {
        auditor_fini(&run->jobs[i].auditor);
    }
    memory_free(run->profiles);
    memory_free(run->jobs);
    memory_free(run);
}

enum rp_status audit_run(const struct audit_config *config, const struct audit_observer *observer,
                         struct audit **out, struct rp_error *err)
{
    const int64_t began_us = raw_now_us();
    struct raw_identity *identity = NULL;
    struct run *run = NULL;
    enum rp_status status;

    *out = NULL;
    if (config->n == 0) {
        error_set(err, "there is no address to audit");
        return RP_INVALID;
    }
    status = load_identity(config, &identity, err);
    if (status != RP_OK) {
        return status == RP_NO_MEMORY ? status : RP_INVALID;
    }
    status = RP_NO_MEMORY;
    run = memory_new(1, sizeof *run);
    *out = memory_new(1, sizeof **out);
    if (run == NULL || *out == NULL) {
        goto done;
    }
    run->config = config;
    run->jobs = memory_new(config->n, sizeof *run->jobs);
    run->profiles = memory_new(config->n, sizeof(const struct profile *));
    if (run->jobs == NULL || run->profiles == NULL) {
        goto done;
    }
    prepare(run, config, observer, identity);
    status = run_loop(run);
    if (status == RP_OK) {
        status = collect(run, *out);
    }

done:
    if (status != RP_OK) {
        audit_free(out);
        error_set(err, "no audit: %s", rp_status_text(status));
    } else {
        (*out)->took_ms = (raw_now_us() - began_us) / 1000;
    }
    run_free(run);
    raw_identity_free(&identity);
    return status;
}

void audit_free(struct audit **audit)
{
    if (audit == NULL || *audit == NULL) {
        return;
    }
    memory_free((*audit)->findings);
    memory_free((*audit)->results);
    memory_free(*audit);
    *audit = NULL;
}

bool audit_worst(const struct audit *audit, enum severity *out)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        const enum severity severity = finding_severity(audit->findings[i].name);

        if (i == 0 || severity > *out) {
            *out = severity;
        }
    }
    return audit->n_findings != 0;
}
