#include <string.h>

#include "error.h"
#include "memory.h"
#include "survey_state.h"

/* Sessions that are fetched for their own sake, where it is not known whether one may be offered
 * twice; beyond, they are offered again. */
#define OWN_UNKNOWN_MAX 32

/* The errands of a phase. */
struct errands {
    struct errand *items;
    size_t n, room;
};

static bool errands_init(struct errands *list, struct survey *s, size_t room)
{
    list->n = 0;
    list->room = room;
    list->items = memory_new(room != 0 ? room : 1, sizeof *list->items);
    if (list->items == NULL) {
        survey_fail(s, RP_NO_MEMORY);
    }
    return list->items != NULL;
}

/* May still be changed before the runner gets it. */
static struct errand *make(struct errands *list, struct survey *s, enum goal goal, enum mechanism m,
                           size_t issued_at, size_t offered_at, unsigned attempt)
{
    struct errand *e = &list->items[list->n++];

    errand_init(e, s, goal, m, issued_at, offered_at, attempt);
    return e;
}

static struct errand *add(struct errands *list, struct survey *s, enum goal goal, enum mechanism m,
                          size_t issued_at, size_t offered_at, unsigned attempt)
{
    struct errand *e = make(list, s, goal, m, issued_at, offered_at, attempt);

    runner_add(s->runner, &e->task);
    return e;
}

static void issue_at(struct errands *list, struct survey *s, unsigned m, size_t address,
                     bool may_lag)
{
    for (unsigned t = 0; t < s->options->tries; t++) {
        struct errand *e = make(list, s, GOAL_ISSUE, (enum mechanism)m, address, address, t);

        e->task.may_lag = may_lag;
        runner_add(s->runner, &e->task);
    }
}

static void errands_fini(struct errands *list)
{
    for (size_t i = 0; i < list->n; i++) {
        errand_fini(&list->items[i]);
    }
    memory_free(list->items);
}

static bool is_asked(const struct survey *s, unsigned m)
{
    return (s->facts->mechanisms & (1U << m)) != 0;
}

static unsigned first_mechanism(const struct survey *s)
{
    unsigned m = 0;

    while (!is_asked(s, m)) {
        m++;
    }
    return m;
}

/* An address that takes no connection, or takes it and says nothing, would cost a timeout for
 * every try. */
static bool is_worth_while(const struct survey *s, size_t address)
{
    const struct address_facts *a = &s->facts->addresses[address];
    const struct issue_facts *knock = &a->issue[first_mechanism(s)];
    unsigned n_mute = 0;

    for (unsigned i = 0; i < knock->n_tries; i++) {
        n_mute += knock->visits[i].end == VISIT_TIMEOUT;
    }
    return a->reachable && n_mute < knock->n_tries;
}

/*
 * Servers older than TLS 1.3 answer a hello that has nothing but TLS 1.3 by handshake_failure, for
 * they find no cipher suite in it. Where an older version is spoken, that is what it means.
 */
static void read_refusals(struct address_facts *a, enum mechanism m)
{
    struct issue_facts *issue = &a->issue[m];

    if (!a->tls || issue->n_established != 0) {
        return;
    }
    for (unsigned i = 0; i < issue->n_tries; i++) {
        struct visit *v = &issue->visits[i];

        if (v->end == VISIT_ALERT &&
            (v->alert == SSL_AD_HANDSHAKE_FAILURE || v->alert == SSL_AD_INSUFFICIENT_SECURITY)) {
            v->end = VISIT_VERSION;
            error_add(&v->why, ": it does not seem to speak this version of TLS, as it speaks "
                               "another");
        }
    }
}

/* The rest of the full handshakes, at the addresses of this round. */
static void issue(struct survey *s)
{
    const size_t n = s->facts->n;
    const unsigned first = first_mechanism(s);
    struct errands list;

    s->doing = "full handshakes";
    if (!errands_init(&list, s, n * MECHANISMS * s->options->tries)) {
        return;
    }
    for (unsigned m = first + 1; m < MECHANISMS; m++) {
        for (size_t i = 0; i < n && is_asked(s, m); i++) {
            if (s->habits[i].is_new && is_worth_while(s, i)) {
                issue_at(&list, s, m, i, false);
            }
        }
    }
    runner_run_prompt(s->runner);
    for (size_t i = 0; i < n; i++) {
        for (unsigned m = 0; s->habits[i].is_new && m < MECHANISMS; m++) {
            read_refusals(&s->facts->addresses[i], (enum mechanism)m);
        }
    }
    errands_fini(&list);
}

static bool has_issued(const struct survey *s, unsigned m, size_t address)
{
    return s->facts->addresses[address].issue[m].n_issued != 0;
}

static bool has_spoken(const struct survey *s, unsigned m, size_t address)
{
    return s->facts->addresses[address].issue[m].n_established != 0;
}

/* A resumed session is offered once more where it was resumed: does that work? */
static void offer_twice(struct survey *s, struct errands *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct errand *e = &list->items[i];

        if (e->resumed && e->m != MECHANISM_EARLY) {
            e->goal = GOAL_TWICE;
            runner_add(s->runner, &e->task);
        }
    }
    runner_run_prompt(s->runner);
}

/* Where a session seems to be good for one time only, and for early data, which must never come
 * twice, each try has a session of its own. */
static void judge_reuse(struct survey *s, unsigned m)
{
    bool any = false;

    s->needs_own[m] = m == MECHANISM_EARLY;
    for (size_t i = 0; i < s->facts->n; i++) {
        const int n_tries = s->facts->addresses[i].own[m].n_twice_tries;

        any = any || n_tries > 0;
        if (n_tries > 0 && s->facts->addresses[i].own[m].n_twice < n_tries) {
            s->needs_own[m] = true;
        }
    }
    if (!any && s->facts->n * s->options->tries <= OWN_UNKNOWN_MAX) {
        s->needs_own[m] = true;
    }
}

static void offer_self_at(struct survey *s, struct errands *list, unsigned m, size_t address)
{
    for (unsigned t = 0; has_issued(s, m, address) && t < s->options->tries; t++) {
        (void)add(list, s, GOAL_CELL, (enum mechanism)m, address, address, t);
    }
}

static void offer_self(struct survey *s, struct errands *list)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        s->needs_own[m] = true;
        for (size_t i = 0; is_asked(s, m) && i < s->facts->n; i++) {
            if (s->habits[i].is_new) {
                offer_self_at(s, list, m, i);
            }
        }
    }
    runner_run_prompt(s->runner);
    offer_twice(s, list);
    for (unsigned m = 0; m < MECHANISMS; m++) {
        judge_reuse(s, m);
    }
}

/* Both are known well enough by now, and at least one of them was not before. */
static bool is_pair_of_round(const struct survey *s, size_t i, size_t j)
{
    const struct host_habits *a = &s->habits[i];
    const struct host_habits *b = &s->habits[j];

    return (a->is_new && (b->is_new || b->is_surveyed)) || (a->is_surveyed && b->is_new);
}

static void offer_at(struct survey *s, struct errands *list, size_t i, size_t j, unsigned attempt)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (is_asked(s, m) && has_issued(s, m, i) && has_spoken(s, m, j)) {
            (void)add(list, s, GOAL_CELL, (enum mechanism)m, i, j, attempt);
        }
    }
}

/* Tries of one cell are far apart, so that they do not all meet the same instant. */
static void offer_others(struct survey *s, struct errands *list)
{
    const size_t n = s->facts->n;

    for (unsigned t = 0; t < s->options->tries; t++) {
        for (size_t step = 1; step < n; step++) {
            for (size_t i = 0; i < n; i++) {
                const size_t j = (i + step) % n;

                if (is_pair_of_round(s, i, j)) {
                    offer_at(s, list, i, j, t);
                }
            }
        }
    }
    runner_run_prompt(s->runner);
}

static size_t n_asked(const struct survey *s)
{
    size_t n = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        n += is_asked(s, m);
    }
    return n;
}

static void offer(struct survey *s)
{
    const size_t n = s->facts->n;
    struct errands list;

    s->doing = "offering sessions where they are from";
    if (!errands_init(&list, s, n * n_asked(s) * s->options->tries)) {
        return;
    }
    offer_self(s, &list);
    errands_fini(&list);
    s->doing = "offering sessions elsewhere";
    if (!errands_init(&list, s, n * (n - 1) * n_asked(s) * s->options->tries)) {
        return;
    }
    offer_others(s, &list);
    errands_fini(&list);
}

/* Those that were not surveyed yet, and whose first full handshakes have ended. */
static bool gather(struct survey *s)
{
    bool any = false;

    for (size_t i = 0; !runner_is_stopped(s->runner) && i < s->facts->n; i++) {
        s->habits[i].is_new = !s->habits[i].is_surveyed && runner_is_done_at(s->runner, i);
        any = any || s->habits[i].is_new;
    }
    return any;
}

static void survey_gathered(struct survey *s)
{
    while (gather(s)) {
        issue(s);
        if (!s->options->issue_only) {
            offer(s);
        }
        for (size_t i = 0; i < s->facts->n; i++) {
            s->habits[i].is_surveyed = s->habits[i].is_surveyed || s->habits[i].is_new;
        }
    }
}

/* Addresses that do not answer hold up no other: the rest goes on while they are waited for. */
void survey_fill(struct survey *s)
{
    struct errands first;

    s->doing = "full handshakes";
    if (!errands_init(&first, s, s->facts->n * s->options->tries)) {
        return;
    }
    for (size_t i = 0; i < s->facts->n; i++) {
        issue_at(&first, s, first_mechanism(s), i, true);
    }
    runner_run_prompt(s->runner);
    survey_gathered(s);
    s->doing = "waiting for addresses that do not answer";
    runner_run(s->runner);
    survey_gathered(s);
    errands_fini(&first);
}

static bool is_red(const struct survey *s, unsigned m, size_t address)
{
    const struct cell *c = facts_cell_of(s->facts, (enum mechanism)m, address, address);

    return c != NULL && c->n_tries != 0 && c->n_resumed < c->n_tries;
}

/* The session that its own address refused; sessions are told apart by their visits. */
static bool find_refused(struct survey *s, unsigned m, size_t address, size_t *out)
{
    const struct cell *c = facts_cell_of(s->facts, (enum mechanism)m, address, address);
    const struct session_pool *pool = survey_pool(s, (enum mechanism)m, address);

    for (size_t i = 0; c->full != NULL && i < pool->n; i++) {
        if (pool->items[i].visit == c->offered) {
            *out = i;
            return true;
        }
    }
    return false;
}

static void experiment_at(struct survey *s, struct errands *list, enum mechanism m, size_t address)
{
    size_t refused = 0;
    const bool again = m != MECHANISM_EARLY && find_refused(s, m, address, &refused);

    for (unsigned t = 0; t < s->options->tries; t++) {
        if (again) {
            struct errand *e = add(list, s, GOAL_AGAIN, m, address, address, t);

            e->has_session = true;
            e->session = refused;
        }
        if (s->options->servername != NULL) {
            (void)add(list, s, GOAL_NO_SNI, m, address, address, t);
        }
    }
}

void survey_experiment(struct survey *s)
{
    struct errands list;

    s->doing = "looking for causes";
    if (!errands_init(&list, s, s->facts->n * n_asked(s) * s->options->tries * 2)) {
        return;
    }
    for (unsigned m = 0; m < MECHANISMS; m++) {
        for (size_t i = 0; is_asked(s, m) && i < s->facts->n; i++) {
            if (is_red(s, m, i)) {
                experiment_at(s, &list, (enum mechanism)m, i);
            }
        }
    }
    runner_run(s->runner);
    errands_fini(&list);
}

/* The lifetime that came with the session, as the server said it. */
static uint32_t lifetime_of(const struct errand *e)
{
    return e->own != NULL ? (uint32_t)SSL_SESSION_get_ticket_lifetime_hint(e->own) : 0;
}

/* libssl does not offer what is older than its lifetime; here that is the point. */
static void rejuvenate(struct errand *e, int64_t age_ms)
{
    const uint32_t lifetime_s = lifetime_of(e);

    if (lifetime_s != 0 && age_ms / 1000 >= lifetime_s) {
        const long kept_s = (long)(lifetime_s > 1 ? lifetime_s - 1 : 0);
        const long spent_s = (long)(age_ms / 1000) + 1;

        (void)SSL_SESSION_set_time(e->own, SSL_SESSION_get_time(e->own) + spent_s - kept_s);
    }
}

static void offer_aged(struct survey *s, struct errands *list, unsigned age)
{
    const int64_t age_ms = s->options->aged_ms[age];

    for (size_t i = 0; i < list->n; i++) {
        struct errand *e = &list->items[i];
        struct aged_facts *aged = &s->facts->aged[e->aged];

        if (e->attempt == age && e->own != NULL) {
            aged->lifetime_s = lifetime_of(e);
            aged->age_ms = survey_now_ms(s) - e->own_at_ms;
            rejuvenate(e, age_ms);
            e->fetching = false;
            runner_add(s->runner, &e->task);
        }
    }
    runner_run(s->runner);
}

/* What was refused or accepted past its lifetime, also beside the other experiments. */
static void count_cut(struct facts *f)
{
    for (size_t i = 0; i < f->n_aged; i++) {
        const struct aged_facts *aged = &f->aged[i];
        struct address_facts *a = &f->addresses[aged->address];
        int *tries = &a->own[aged->mechanism].n_cut_tries;
        int *n = &a->own[aged->mechanism].n_cut;

        if (aged->lifetime_s != 0 && aged->age_ms > (int64_t)aged->lifetime_s * 1000 &&
            aged->n_tries != 0) {
            *tries = (*tries < 0 ? 0 : *tries) + (int)aged->n_tries;
            *n = (*n < 0 ? 0 : *n) + (int)aged->n_resumed;
        }
    }
}

/* One session for each try at each age: none is offered twice. */
static void fetch_aged(struct survey *s, struct errands *list, unsigned m, size_t address)
{
    struct facts *f = s->facts;

    for (unsigned age = 0; age < s->options->n_aged; age++) {
        struct aged_facts *aged = &f->aged[f->n_aged];

        *aged = (struct aged_facts){
            .address = address, .mechanism = (enum mechanism)m, .age_ms = s->options->aged_ms[age]};
        for (unsigned t = 0; t < s->options->tries; t++) {
            struct errand *e = add(list, s, GOAL_AGED, (enum mechanism)m, address, address, age);

            e->aged = f->n_aged;
        }
        f->n_aged++;
    }
}

void survey_age(struct survey *s)
{
    const size_t n_series = s->facts->n * n_asked(s) * s->options->n_aged;
    int64_t began_ms;
    struct errands list;

    if (n_series == 0) {
        return;
    }
    s->doing = "waiting for sessions to age";
    s->facts->aged = memory_new(n_series, sizeof *s->facts->aged);
    if (s->facts->aged == NULL) {
        survey_fail(s, RP_NO_MEMORY);
        return;
    }
    if (!errands_init(&list, s, n_series * s->options->tries)) {
        return;
    }
    for (unsigned m = 0; m < MECHANISMS; m++) {
        for (size_t i = 0; is_asked(s, m) && i < s->facts->n; i++) {
            if (has_issued(s, m, i)) {
                fetch_aged(s, &list, m, i);
            }
        }
    }
    runner_run(s->runner);
    began_ms = survey_now_ms(s);
    for (unsigned age = 0; age < s->options->n_aged; age++) {
        const int64_t due_ms = began_ms + s->options->aged_ms[age];
        int64_t left_ms;

        /* The loop counts whole milliseconds from another instant: it may be early by one. */
        while (s->status == RP_OK && !s->facts->interrupted &&
               (left_ms = due_ms - survey_now_ms(s)) > 0) {
            runner_wait(s->runner, (uint64_t)left_ms);
        }
        offer_aged(s, &list, age);
    }
    count_cut(s->facts);
    errands_fini(&list);
}
