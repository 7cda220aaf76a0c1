/* What the parts of a survey share. */
#ifndef SURVEY_STATE_H
#define SURVEY_STATE_H

#include <uv.h>

#include "runner.h"
#include "session_pool.h"
#include "survey.h"
#include "visit_context.h"

/* What is known of an address beyond the facts. */
struct host_habits {
    bool answers;         /* a request was replied to */
    bool is_silent;       /* one was sent, and none was ever replied to */
    uint64_t fastest_us;  /* handshake; 0: none yet */
    uint64_t patience_ms; /* how long to wait for a reply, from what is known so far */
    bool is_new;          /* its first full handshakes are done, the rest is this round's */
    bool is_surveyed;     /* the rest is done, too */
};

struct survey {
    const struct probe_options *options;
    struct facts *facts;
    struct visit_contexts contexts;
    uv_loop_t *loop;
    struct runner *runner;
    const struct survey_observer *observer;
    uint64_t began_ns;
    struct session_pool *pools; /* MECHANISMS for each address */
    struct host_habits *habits; /* one for each address */
    bool needs_own[MECHANISMS]; /* each try a session of its own */
    enum rp_status status;      /* the first failure of ours */
    const char *doing;
};

/* What a visit, or two, is made for. */
enum goal {
    GOAL_ISSUE,  /* a full handshake at issued_at */
    GOAL_CELL,   /* a session of issued_at's, offered at offered_at */
    GOAL_TWICE,  /* the session that was resumed, at its own address again */
    GOAL_AGAIN,  /* the session that was refused, at its own address again */
    GOAL_NO_SNI, /* issued and offered without SNI, at one address */
    GOAL_AGED,   /* fetched for later, then offered at its own address */
};

struct errand {
    struct task task;
    struct survey *survey;
    enum goal goal;
    enum mechanism m;
    size_t issued_at, offered_at;
    unsigned attempt; /* 0, 1, ... of its cell */
    bool fetching;    /* it is on its way to issued_at, for there was no session */
    bool has_session;
    size_t session;    /* in the pool of issued_at */
    SSL_SESSION *own;  /* NO_SNI, AGED: a session that is in no pool */
    int64_t own_at_ms; /* when it came */
    size_t aged;       /* AGED: index in the facts */
    bool resumed;      /* how the last offer went */
};

struct session_pool *survey_pool(struct survey *s, enum mechanism m, size_t address);
int64_t survey_now_ms(const struct survey *s);

/* Ends the survey for want of memory or the like. */
void survey_fail(struct survey *s, enum rp_status status);

/* What all visits for a mechanism at an address have in common. */
void survey_order(const struct survey *s, enum mechanism m, size_t address,
                  struct visitor_order *order);

/* What a visit tells of an address, whatever it was made for. */
void survey_note_host(struct survey *s, size_t address, const struct visit *visit);

/* Ready for runner_add; the errand stays where it is until it has ended. */
void errand_init(struct errand *e, struct survey *s, enum goal goal, enum mechanism m,
                 size_t issued_at, size_t offered_at, unsigned attempt);
void errand_fini(struct errand *e);

/* The phases, each of which runs the runner until it is done. */
void survey_fill(struct survey *s);
void survey_experiment(struct survey *s);
void survey_age(struct survey *s);
void survey_reconnect(struct survey *s);

#endif
