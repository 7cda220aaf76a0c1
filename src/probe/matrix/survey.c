#include "survey.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "interrupt.h"
#include "memory.h"
#include "survey_state.h"
#include "text.h"

#define TICK_MS 100

/* The loop, and what comes from outside. */
struct run {
    struct survey survey;
    uv_loop_t loop;
    uv_timer_t tick;
    struct interrupt interrupt;
};

static bool is_wanted(const struct probe_options *o, const struct peer_address *a)
{
    return !(o->only4 && a->sa.ss_family != AF_INET) && !(o->only6 && a->sa.ss_family != AF_INET6);
}

static bool is_known(const struct peer_address *list, size_t n, const struct peer_address *a)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].len == a->len && memcmp(&list[i].sa, &a->sa, a->len) == 0) {
            return true;
        }
    }
    return false;
}

static enum rp_status resolve_one(const struct probe_options *o, const struct endpoint *endpoint,
                                  struct peer_address *out, size_t *n, struct rp_error *err)
{
    struct peer_address *found = memory_new(PROBE_ADDRESSES_MAX, sizeof *found);
    size_t n_found = 0;
    enum rp_status status = RP_NO_MEMORY;

    if (found != NULL) {
        status = endpoint_resolve(endpoint, found, PROBE_ADDRESSES_MAX, &n_found, err);
    }
    for (size_t i = 0; status == RP_OK && i < n_found; i++) {
        if (!is_wanted(o, &found[i]) || is_known(out, *n, &found[i])) {
            continue;
        }
        if (*n == PROBE_ADDRESSES_MAX) {
            error_set(err, "more than %d addresses", PROBE_ADDRESSES_MAX);
            status = RP_FULL;
            break;
        }
        out[(*n)++] = found[i];
    }
    memory_free(found);
    return status;
}

enum rp_status survey_resolve(const struct probe_options *options, struct peer_address *addresses,
                              size_t *n, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    *n = 0;
    for (size_t i = 0; status == RP_OK && i < options->n_at; i++) {
        status = resolve_one(options, &options->at[i], addresses, n, err);
    }
    if (options->n_at == 0) {
        status = resolve_one(options, &options->target, addresses, n, err);
    }
    if (status == RP_OK && *n == 0) {
        error_set(err, "%s has no address of the family that was asked for", options->target.host);
        status = RP_NOT_FOUND;
    }
    return status;
}

struct session_pool *survey_pool(struct survey *s, enum mechanism m, size_t address)
{
    return &s->pools[address * MECHANISMS + m];
}

int64_t survey_now_ms(const struct survey *s)
{
    return (int64_t)((uv_hrtime() - s->began_ns) / 1000000);
}

void survey_fail(struct survey *s, enum rp_status status)
{
    if (s->status == RP_OK) {
        s->status = status;
    }
    runner_stop(s->runner);
}

void survey_order(const struct survey *s, enum mechanism m, size_t address,
                  struct visitor_order *order)
{
    const struct probe_options *o = s->options;

    *order = (struct visitor_order){
        .address = &s->facts->addresses[address].address,
        .ctx = s->contexts.of[m],
        .names.servername = o->servername,
        .names.verify_name = o->servername != NULL ? o->servername : o->target.name,
        .names.verify_is_address = o->servername == NULL && o->target.literal,
        .request = o->request_len != 0 ? o->request : NULL,
        .request_len = o->request_len,
        .is_http = o->starttls == PROBE_STARTTLS_NONE,
        .is_head = o->is_head,
        .starttls = o->starttls == PROBE_STARTTLS_SMTP,
        .patience_ms = &s->habits[address].patience_ms,
        .is_patient = !s->habits[address].is_silent,
        .wants_tickets = o->request_len != 0 || o->issue_only,
        .only_tickets = o->issue_only,
    };
    if (s->habits[address].is_silent && m != MECHANISM_EARLY) {
        order->request = NULL; /* it would only be waited for */
    }
}

static void ticked(uv_timer_t *timer)
{
    const struct run *r = timer->data;

    if (r->survey.observer->progress != NULL && r->survey.runner != NULL) {
        const struct survey_progress progress = {r->survey.doing, runner_n_visits(r->survey.runner),
                                                 runner_n_left(r->survey.runner)};

        r->survey.observer->progress(r->survey.observer->cookie, &progress);
    }
}

static void interrupted(void *cookie)
{
    struct run *r = cookie;
    struct facts *f = r->survey.facts;

    f->interrupted = true;
    for (size_t i = 0; i < f->n; i++) {
        f->addresses[i].awaited = runner_is_active_at(r->survey.runner, i);
    }
    runner_stop(r->survey.runner);
}

static enum rp_status make_state(struct survey *s)
{
    const struct runner_config config = {
        .loop = s->loop,
        .n_addresses = s->facts->n,
        .concurrency = s->options->concurrency,
        .per_address = s->options->per_address,
        .timeout_ms = (uint64_t)s->options->timeout_ms,
        .began_ns = s->began_ns,
    };

    s->pools = memory_new(s->facts->n * MECHANISMS, sizeof *s->pools);
    s->habits = memory_new(s->facts->n, sizeof *s->habits);
    if (s->pools == NULL || s->habits == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < s->facts->n; i++) {
        s->habits[i].patience_ms = (uint64_t)s->options->patience_ms;
    }
    return runner_new(&config, &s->runner);
}

static void free_state(struct survey *s)
{
    for (size_t i = 0; s->pools != NULL && i < s->facts->n * MECHANISMS; i++) {
        session_pool_fini(&s->pools[i]);
    }
    memory_free(s->pools);
    memory_free(s->habits);
    runner_free(&s->runner);
    visit_contexts_fini(&s->contexts);
}

static void go(struct survey *s)
{
    if (s->options->reconnect != 0) {
        survey_reconnect(s);
    } else {
        survey_fill(s);
        if (!s->options->issue_only) {
            survey_experiment(s);
            survey_age(s);
        }
    }
    s->facts->took_ms = survey_now_ms(s);
    s->facts->n_connections = runner_n_visits(s->runner);
}

static void close_all(struct run *r)
{
    uv_close((uv_handle_t *)&r->tick, NULL);
    interrupt_close(&r->interrupt);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
}

static enum rp_status run_on_loop(struct run *r, struct rp_error *err)
{
    struct survey *s = &r->survey;
    enum rp_status status;

    status = visit_contexts_init(&s->contexts, s->options, s->facts->mechanisms, err);
    if (status != RP_OK) {
        return status;
    }
    status = make_state(s);
    if (status == RP_OK && s->observer->catch_signals) {
        status = interrupt_watch(&r->interrupt, &r->loop, r, interrupted);
    }
    if (status == RP_OK) {
        go(s);
        status = s->status;
    }
    if (status != RP_OK) {
        error_set(err, "the survey failed: %s", rp_status_text(status));
    }
    free_state(s);
    return status;
}

enum rp_status survey_run(const struct probe_options *options, const struct peer_address *addresses,
                          size_t n, const struct survey_observer *observer, struct facts **out,
                          struct rp_error *err)
{
    struct run r = {.survey = {.observer = observer, .options = options}};
    struct survey *s = &r.survey;
    struct text name;
    enum rp_status status;

    *out = NULL;
    if (uv_loop_init(&r.loop) != 0) {
        error_set(err, "cannot make an event loop");
        return RP_SYSTEM;
    }
    (void)uv_timer_init(&r.loop, &r.tick);
    r.tick.data = &r;
    (void)uv_timer_start(&r.tick, ticked, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&r.tick);
    s->loop = &r.loop;
    s->began_ns = uv_hrtime();
    status = facts_new(&options->target, addresses, n, options->mechanisms, &s->facts);
    if (status != RP_OK) {
        error_set(err, "out of memory");
        goto done;
    }
    name = text_of(s->facts->servername, sizeof s->facts->servername);
    text_add(&name, options->servername != NULL ? options->servername : "");
    s->facts->n_tries = options->tries;
    s->facts->issue_only = options->issue_only;
    s->facts->began_s = (int64_t)time(NULL);
    status = run_on_loop(&r, err);
    if (status == RP_OK) {
        *out = s->facts; /* transferred */
        s->facts = NULL;
    }

done:
    close_all(&r);
    facts_free(&s->facts);
    return status;
}
