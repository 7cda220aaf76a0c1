#include "checks.h"
#include "memory.h"
#include "resumption.h"
#include "text.h"
#include "ticket_answers.h"
#include "ticket_offer.h"
#include "ticket_timing.h"

#define REUSE 12        /* offers of a session before there is a fresh one */
#define CONTROLS 6      /* unchanged tickets among the changed ones */
#define PASSES 3        /* over all changes, where they are cheap */
#define CHEAP_US 700000 /* of all passes of a kind */
#define ORACLE_TRIES 6
#define ORACLE_CANDIDATES 4
#define EXTENDED_FOUND 2
#define ANSWERS_MAX ((size_t)PASSES * (TICKET_CHANGES_MAX + CONTROLS))

struct bench {
    struct ticket_supply supply;
    struct ticket_answer *answers; /* ANSWERS_MAX of them */
    size_t n_answers;
};

static bool refresh(struct bench *b)
{
    return ticket_supply_renew(&b->supply, REUSE) &&
           b->supply.session->ticket_len <= TICKET_OFFER_LEN_MAX;
}

static void understand(const struct trial *t, struct ticket_answer *out)
{
    const struct raw_result *r = &t->result;
    struct text text = text_of(out->text, sizeof out->text);

    if (trial_resumed(t)) {
        out->kind = ANSWER_ACCEPTED;
    } else if (trial_full(t)) {
        out->kind = ANSWER_FULL;
        ticket_answer_shape(r->fingerprint, out->text, sizeof out->text);
    } else if (r->end == RAW_END_ALERT) {
        out->kind = ANSWER_ENDED;
        text_addf(&text, "alert %u %s", (unsigned)r->alert.description,
                  raw_alert_word(r->alert.description));
    } else if (r->end == RAW_END_CLOSED || r->end == RAW_END_RESET) {
        out->kind = ANSWER_ENDED;
        text_add(&text, "closed without an alert");
    } else {
        out->kind = ANSWER_NONE;
    }
}

static void offer(struct bench *b, const struct ticket_change *change, struct ticket_answer *out)
{
    struct trial t;

    out->change = *change;
    out->kind = ANSWER_NONE;
    if (ticket_offer(&b->supply, change, &t)) {
        understand(&t, out);
        trial_fini(&t);
        b->supply.n_used++;
    }
}

static void ask(struct bench *b, const struct ticket_change *change)
{
    if (b->n_answers < ANSWERS_MAX && refresh(b)) {
        offer(b, change, &b->answers[b->n_answers++]);
    }
}

static void ask_all(struct bench *b)
{
    static const struct ticket_change none = {.kind = CHANGE_NONE};
    struct ticket_change changes[TICKET_CHANGES_MAX];
    const int64_t began_us = raw_now_us();
    size_t n;

    if (!refresh(b)) {
        return;
    }
    n = ticket_changes(b->supply.session->ticket_len, changes);
    for (unsigned pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < n && auditor_goes_on(b->supply.a); i++) {
            if (i % (n / CONTROLS + 1) == 0) {
                ask(b, &none);
            }
            ask(b, &changes[i]);
        }
        if (raw_now_us() - began_us > CHEAP_US) {
            break;
        }
    }
}

/* In turn, so that what changes with time or with the host behind the address shows in both. */
static bool is_oracle(struct bench *b, const struct ticket_answer *first,
                      const struct ticket_answer *second)
{
    struct ticket_answer one[ORACLE_TRIES];
    struct ticket_answer other[ORACLE_TRIES];
    size_t n = 0;

    while (n < ORACLE_TRIES && auditor_goes_on(b->supply.a) && refresh(b)) {
        offer(b, &first->change, &one[n]);
        offer(b, &second->change, &other[n]);
        n++;
    }
    return n == ORACLE_TRIES && ticket_answers_oracle(one, other, n);
}

static void tell_oracle(struct bench *b, const struct ticket_answer *first,
                        const struct ticket_answer *second)
{
    char one[64];
    char other[64];

    ticket_change_text(&first->change, one, sizeof one);
    ticket_change_text(&second->change, other, sizeof other);
    auditor_find(b->supply.a, FINDING_TICKET_ORACLE,
                 "%s of %zu bytes, %u times in turn: with %s always %s%s, with %s always %s%s",
                 session_kind_text(b->supply.kind), b->supply.ticket_len, ORACLE_TRIES, one,
                 first->kind == ANSWER_FULL ? "a full handshake: " : "", first->text, other,
                 second->kind == ANSWER_FULL ? "a full handshake: " : "", second->text);
}

static bool find_oracle(struct bench *b)
{
    const struct ticket_answer *first = ticket_answers_reference(b->answers, b->n_answers);
    size_t i = 0;

    for (unsigned n = 0; first != NULL && n < ORACLE_CANDIDATES; n++) {
        i = ticket_answers_differ(b->answers, b->n_answers, i, first);
        if (i == b->n_answers) {
            return false;
        }
        if (is_oracle(b, first, &b->answers[i])) {
            tell_oracle(b, first, &b->answers[i]);
            return true;
        }
        i++;
    }
    return false;
}

static void judge(struct bench *b, struct ticket_verdict *v)
{
    char what[64];

    ticket_answers_judge(b->answers, b->n_answers, v);
    if (v->n_accepted >= 2) {
        ticket_change_text(&v->accepted->change, what, sizeof what);
        auditor_find(b->supply.a, FINDING_MODIFIED_TICKET_ACCEPTED,
                     "%s: %u of %u changed tickets of %zu bytes resumed; for one, %s",
                     session_kind_text(b->supply.kind), v->n_accepted, v->n, b->supply.ticket_len,
                     what);
    }
    if (v->n_extended >= EXTENDED_FOUND) {
        ticket_change_text(&v->extended->change, what, sizeof what);
        auditor_find(b->supply.a, FINDING_TICKET_EXTENDED,
                     "%s of %zu bytes: it resumed %u times with bytes behind it; for one, %s",
                     session_kind_text(b->supply.kind), b->supply.ticket_len, v->n_extended, what);
    }
    if (!find_oracle(b) && v->n_ended >= 3 && v->n_controls_ended == 0 &&
        v->n_controls_resumed != 0 &&
        !resumption_ends_anyway(b->supply.a, b->supply.kind, v->n, v->n_ended)) {
        ticket_change_text(&v->ended->change, what, sizeof what);
        auditor_find(b->supply.a, FINDING_TICKET_ALERT,
                     "%s: %u of %u changed tickets ended the connection; for one, %s: %s",
                     session_kind_text(b->supply.kind), v->n_ended, v->n, what, v->ended->text);
    }
}

static void note_timing(const struct ticket_timing *timing, enum session_kind kind,
                        struct text *out)
{
    text_addf(out, "; %s: ", session_kind_text(kind));
    if (timing->least_us != 0) {
        text_addf(out, "where does not show in time, by %lld us or more in %zu rounds",
                  (long long)timing->least_us, timing->n_rounds);
    } else {
        text_add(out, "time is not judged, it varies too much or takes too long");
    }
}

/* How many changed tickets were answered; what is to be said of the time they took. */
static unsigned try_kind(struct auditor *a, enum session_kind kind, struct text *timed)
{
    size_t n_findings = a->n_findings;
    struct bench b = {.supply = {.a = a, .kind = kind}};
    struct ticket_verdict v = {0};
    struct ticket_timing timing;

    b.answers = memory_new(ANSWERS_MAX, sizeof *b.answers);
    if (b.answers != NULL) {
        ask_all(&b);
        judge(&b, &v);
    }
    raw_session_free(&b.supply.session);
    memory_free(b.answers);
    n_findings = a->n_findings - n_findings;
    if (v.n != 0 && n_findings == (v.n_extended >= EXTENDED_FOUND ? 1 : 0)) {
        ticket_timing(a, kind, &timing);
        note_timing(&timing, kind, timed);
    }
    return v.n;
}

void check_tickets(struct auditor *a)
{
    char buffer[AUDIT_NOTE_SIZE];
    struct text timed = text_of(buffer, sizeof buffer);
    bool any = false;
    unsigned n = 0;

    for (enum session_kind kind = KIND_TICKET12; kind <= KIND_PSK13; kind++) {
        if (profile_resumes(&a->profile, kind)) {
            any = true;
            n += try_kind(a, kind, &timed);
        }
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no ticket resumes here");
    } else if (n != 0) {
        auditor_conclude(a, AUDIT_PASSED, "%u changed tickets: each got a full handshake%s", n,
                         buffer);
    }
}
