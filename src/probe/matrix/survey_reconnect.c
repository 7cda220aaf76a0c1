#include "survey_state.h"

/* One connection, and then as many as were asked for, each with the newest session that came. */
struct chain {
    struct task task;
    struct survey *survey;
    enum mechanism m;
    unsigned n_done;
    SSL_SESSION *session; /* NULL: none came yet */
};

static enum task_begin chain_begin(struct task *task, struct visitor_order *order)
{
    struct chain *c = (struct chain *)(void *)task;

    survey_order(c->survey, c->m, task->address, order);
    order->wants_tickets = true;
    order->offer = c->session;
    order->early = c->m == MECHANISM_EARLY && c->session != NULL &&
                   SSL_SESSION_get_max_early_data(c->session) >= order->request_len;
    return TASK_GO;
}

static void take_newest(struct chain *c, SSL_SESSION *const *sessions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (visit_context_accepts(c->m, sessions[i]) && SSL_SESSION_up_ref(sessions[i]) == 1) {
            SSL_SESSION_free(c->session);
            c->session = sessions[i];
        }
    }
}

static void chain_ended(struct task *task, const struct visit *visit, SSL_SESSION *const *sessions,
                        size_t n_sessions)
{
    struct chain *c = (struct chain *)(void *)task;
    struct survey *s = c->survey;
    const struct survey_connection told = {
        .address = &s->facts->addresses[task->address].address,
        .mechanism = c->m,
        .index = c->n_done,
        .visit = visit,
    };

    if (s->observer->connected != NULL) {
        s->observer->connected(s->observer->cookie, &told);
    }
    survey_note_host(s, task->address, visit);
    take_newest(c, sessions, n_sessions);
    if (c->n_done++ < s->options->reconnect) {
        runner_add(s->runner, task);
    }
}

void survey_reconnect(struct survey *s)
{
    s->doing = "reconnecting";
    for (size_t i = 0; i < s->facts->n; i++) {
        for (unsigned m = 0; m < MECHANISMS; m++) {
            struct chain c = {.task = {.address = i, .begin = chain_begin, .ended = chain_ended},
                              .survey = s,
                              .m = (enum mechanism)m};

            if ((s->facts->mechanisms & (1U << m)) != 0) {
                runner_add(s->runner, &c.task);
                runner_run(s->runner);
                SSL_SESSION_free(c.session);
            }
        }
    }
}
