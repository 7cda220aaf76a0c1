#include <string.h>

#include "memory.h"
#include "survey_state.h"

/* For what a server that does not reply may still have to say: its tickets. */
#define SILENT_PATIENCE_MS 60

static void keep(struct survey *s, struct visit **place, const struct visit *visit)
{
    if (*place != NULL) {
        return;
    }
    *place = memory_new(1, sizeof **place);
    if (*place == NULL) {
        survey_fail(s, RP_NO_MEMORY);
        return;
    }
    **place = *visit;
}

/* A server that does not speak HTTP is not waited for in vain every time, only for its tickets. */
static void learn_patience(struct survey *s, struct host_habits *h, const struct visit *visit)
{
    const uint64_t most_ms = (uint64_t)s->options->patience_ms;
    uint64_t silent_ms;

    if (h->fastest_us == 0 || visit->handshake_us < h->fastest_us) {
        h->fastest_us = visit->handshake_us;
    }
    silent_ms = SILENT_PATIENCE_MS + 2 * h->fastest_us / 1000;
    h->answers = h->answers || visit->http_status != 0;
    h->is_silent = !h->answers && s->options->starttls == PROBE_STARTTLS_NONE;
    h->patience_ms = !h->answers && silent_ms < most_ms ? silent_ms : most_ms;
}

void survey_note_host(struct survey *s, size_t address, const struct visit *visit)
{
    struct address_facts *a = &s->facts->addresses[address];

    a->reachable = a->reachable || visit->connected;
    a->tls = a->tls || visit->established;
    /* Who leaves as soon as there is a ticket has seen nobody be silent. */
    if (visit->established && !s->options->issue_only) {
        learn_patience(s, &s->habits[address], visit);
    }
}

/* What clients offer: the newest that can be. A server may keep no more than the last of several
 * that it gave in one handshake. */
static SSL_SESSION *newest(const struct errand *e, SSL_SESSION *const *sessions, size_t n)
{
    while (n != 0 && !visit_context_accepts(e->m, sessions[n - 1])) {
        n--;
    }
    return n != 0 ? sessions[n - 1] : NULL;
}

/* Puts the session that can be offered into the pool; false if there is none. */
static bool pool_session(struct errand *e, size_t visit, SSL_SESSION *const *sessions, size_t n)
{
    struct survey *s = e->survey;
    SSL_SESSION *session = newest(e, sessions, n);
    enum rp_status status;

    if (session == NULL) {
        return false;
    }
    status = session_pool_add(survey_pool(s, e->m, e->issued_at), session, visit, survey_now_ms(s));
    if (status != RP_OK) {
        survey_fail(s, status);
    }
    return status == RP_OK;
}

static void note_issue(struct errand *e, const struct visit *visit, SSL_SESSION *const *sessions,
                       size_t n)
{
    struct issue_facts *issue = &e->survey->facts->addresses[e->issued_at].issue[e->m];
    struct visit *copy = facts_add_visit(issue);

    if (copy == NULL) {
        survey_fail(e->survey, RP_NO_MEMORY);
        return;
    }
    *copy = *visit;
    issue->n_established += visit->established;
    if (visit->established && pool_session(e, issue->n_tries - 1, sessions, n)) {
        issue->n_issued++;
    }
}

static void note_cell(struct errand *e, const struct visit *visit)
{
    struct survey *s = e->survey;
    struct cell *cell = facts_cell(s->facts, e->m, e->issued_at, e->offered_at);
    const bool green = e->m == MECHANISM_EARLY ? visit->early_accepted : visit->resumed;

    cell->n_tries++;
    if (!green && cell->full == NULL && cell->failed == NULL) {
        cell->offered = (unsigned)survey_pool(s, e->m, e->issued_at)->items[e->session].visit;
    }
    if (!visit->established) {
        cell->n_failed++;
        keep(s, &cell->failed, visit);
    } else if (visit->resumed) {
        cell->n_resumed++;
        cell->n_new_tickets += visit->n_tickets != 0;
        cell->n_early += visit->early_accepted;
        keep(s, &cell->resumed, visit);
    } else {
        cell->n_full++;
        keep(s, &cell->full, visit);
    }
}

static void count(int *tries, int *n, bool resumed)
{
    *tries = *tries < 0 ? 1 : *tries + 1;
    *n = (*n < 0 ? 0 : *n) + resumed;
}

static void note_aged(struct errand *e, bool resumed)
{
    struct aged_facts *aged = &e->survey->facts->aged[e->aged];

    aged->n_tries++;
    aged->n_resumed += resumed;
}

static void note_offer(struct errand *e, const struct visit *visit)
{
    struct address_facts *a = &e->survey->facts->addresses[e->issued_at];

    e->resumed = visit->established && visit->resumed;
    switch (e->goal) {
    case GOAL_ISSUE:
        break;
    case GOAL_CELL:
        note_cell(e, visit);
        break;
    case GOAL_TWICE:
        count(&a->own[e->m].n_twice_tries, &a->own[e->m].n_twice, e->resumed);
        break;
    case GOAL_AGAIN:
        count(&a->own[e->m].n_again_tries, &a->own[e->m].n_again, e->resumed);
        break;
    case GOAL_NO_SNI:
        count(&a->own[e->m].n_no_sni_tries, &a->own[e->m].n_no_sni, e->resumed);
        break;
    case GOAL_AGED:
        note_aged(e, e->resumed);
        break;
    }
}

static bool in_no_pool(const struct errand *e)
{
    return e->goal == GOAL_NO_SNI || e->goal == GOAL_AGED;
}

static void take_own(struct errand *e, SSL_SESSION *const *sessions, size_t n)
{
    SSL_SESSION *session = newest(e, sessions, n);

    if (session != NULL && SSL_SESSION_up_ref(session) == 1) {
        e->own = session;
        e->own_at_ms = survey_now_ms(e->survey);
    }
}

static bool pick(struct errand *e)
{
    struct survey *s = e->survey;
    const struct session_wish wish = {.unused = s->needs_own[e->m],
                                      .by_visit = e->goal == GOAL_CELL,
                                      .visit = e->attempt,
                                      .n_visits = s->options->tries,
                                      .now_ms = survey_now_ms(s)};

    e->has_session = session_pool_pick(survey_pool(s, e->m, e->issued_at), &wish, &e->session);
    return e->has_session;
}

static void go_offer(struct errand *e)
{
    e->fetching = false;
    e->task.address = e->offered_at;
    runner_add(e->survey->runner, &e->task);
}

/* A full handshake is done: where it was a step only, the offer is next. */
static void fetched(struct errand *e, const struct visit *visit, SSL_SESSION *const *sessions,
                    size_t n)
{
    if (in_no_pool(e)) {
        take_own(e, sessions, n);
        if (e->own != NULL && e->goal == GOAL_NO_SNI) {
            go_offer(e);
        }
        return;
    }
    note_issue(e, visit, sessions, n);
    if (e->goal != GOAL_ISSUE && pick(e)) {
        go_offer(e);
    }
}

static void errand_ended(struct task *task, const struct visit *visit, SSL_SESSION *const *sessions,
                         size_t n_sessions)
{
    struct errand *e = (struct errand *)(void *)task;
    struct survey *s = e->survey;

    if (visit->end == VISIT_LOCAL) { /* says nothing of the server */
        if (!s->facts->interrupted) {
            s->facts->trouble = visit->why;
        }
        return;
    }
    survey_note_host(s, task->address, visit);
    if (e->fetching) {
        fetched(e, visit, sessions, n_sessions);
    } else {
        note_offer(e, visit);
    }
}

static SSL_SESSION *session_of(struct errand *e)
{
    return in_no_pool(e) ? e->own
                         : survey_pool(e->survey, e->m, e->issued_at)->items[e->session].session;
}

/* Whether there is something to offer; if not, it is to be fetched first. */
static bool is_ready(struct errand *e)
{
    if (in_no_pool(e)) {
        return e->own != NULL;
    }
    return e->has_session || pick(e);
}

static enum task_begin errand_begin(struct task *task, struct visitor_order *order)
{
    struct errand *e = (struct errand *)(void *)task;
    struct survey *s = e->survey;

    if (!e->fetching && !is_ready(e)) {
        e->fetching = true;
        if (task->address != e->issued_at) {
            task->address = e->issued_at;
            return TASK_ELSEWHERE;
        }
    }
    survey_order(s, e->m, task->address, order);
    if (e->goal == GOAL_NO_SNI) {
        order->names.servername = NULL;
    }
    if (e->fetching) {
        order->wants_tickets = true;
    } else {
        order->offer = session_of(e);
        order->early = e->m == MECHANISM_EARLY &&
                       SSL_SESSION_get_max_early_data(order->offer) >= order->request_len;
    }
    return TASK_GO;
}

void errand_init(struct errand *e, struct survey *s, enum goal goal, enum mechanism m,
                 size_t issued_at, size_t offered_at, unsigned attempt)
{
    memset(e, 0, sizeof *e);
    e->task.begin = errand_begin;
    e->task.ended = errand_ended;
    e->survey = s;
    e->goal = goal;
    e->m = m;
    e->issued_at = issued_at;
    e->offered_at = offered_at;
    e->attempt = attempt;
    e->fetching = goal == GOAL_ISSUE;
    e->task.address = e->fetching ? issued_at : offered_at;
}

void errand_fini(struct errand *e)
{
    SSL_SESSION_free(e->own);
    e->own = NULL;
}
