#include "fleet_findings.h"

#define SILENT_PACES 2.5
#define SILENT_SLACK_S 1
#define FOREIGN_LATELY_S 600
#define EXACT_S 0.0005 /* milliseconds are compared */
#define CLOCK_SHARE 4  /* of rotate */

struct sentence {
    const char *word;
    const char *text;
    const char *advice;
};

static const struct sentence sentences[] = {
    [FLEET_FINDING_STORE_DOWN] =
        {"store-down", "the store cannot be reached",
         "the log of reprised says why; hosts go on in step without it, but one that starts "
         "meanwhile serves on its own"},
    [FLEET_FINDING_NOT_JOINED] =
        {"not-joined", "this host is not in the fleet yet, and serves on its own",
         "it goes on looking; if that lasts, compare name, store and secret with those of another "
         "host"},
    [FLEET_FINDING_FOREIGN] =
        {"foreign-secret", "messages under another fleet secret are in the store",
         "somebody has this fleet's name and another secret: compare the file on each host that is "
         "missing here"},
    [FLEET_FINDING_MISMATCH] =
        {"mismatch", "another rotate or accept: no session of one resumes at the other",
         "give all hosts of the fleet the same in their configuration, and restart those that "
         "differ"},
    [FLEET_FINDING_OTHER_RING] = {"other-ring", "seals by another ring than this host",
                                  "for a moment that is so after a join or a split; if it lasts, "
                                  "look at that host's log and "
                                  "at its own \"reprise fleet status\""},
    [FLEET_FINDING_JOINING] = {"joining", "has not joined yet",
                               "its log says what it waits for, if it lasts"},
    [FLEET_FINDING_SILENT] =
        {"silent", "has not been heard of for too long",
         "it is stopped, cut off from the store or paused; it leaves this list by itself, and "
         "\"reprise fleet forget\" takes it out of the store"},
    [FLEET_FINDING_CLOCK] =
        {"clock", "its time differs from this host's by more than a quarter of an epoch",
         "it follows the others slowly; if that does not shrink, something holds its letters up, "
         "or its machine is paused now and then"},
    [FLEET_FINDING_UNCERTAIN] =
        {"uncertain", "its time may be behind by more than an epoch",
         "answers reach it late: is the store slow, or the host overloaded?"},
    [FLEET_FINDING_RELOAD] = {"reload-failed",
                              "its last reload failed; it runs as configured before",
                              "its log says what is wrong with the files"},
    [FLEET_FINDING_SECRETS] =
        {"two-secrets", "understands two fleet secrets",
         "the fleet is being rekeyed: go on (reprise fleet rekey), or see to it that no file was "
         "left behind"},
};

_Static_assert(sizeof sentences / sizeof sentences[0] == FLEET_N_FINDINGS, "one each");

static void find(struct fleet_findings *out, enum fleet_finding finding,
                 const struct fleet_facts_member *who)
{
    size_t *const n = &out->of[finding].n;

    out->n++;
    out->of[finding].is_so = true;
    if (who == NULL) {
        return;
    }
    if (*n < FLEET_FINDINGS_SHOWN) {
        out->of[finding].who[*n] = who;
    }
    (*n)++;
}

static double magnitude(double s)
{
    return s < 0 ? -s : s;
}

static bool is_silent(const struct fleet_facts *facts, const struct fleet_facts_member *m)
{
    return facts->store_is_up && m->seen_age_s > SILENT_PACES * facts->pace_s + SILENT_SLACK_S;
}

static bool is_mismatch(const struct fleet_facts *facts, const struct fleet_facts_member *m)
{
    const struct fleet_facts_member *const self = &facts->members[0];

    return magnitude(m->rotate_s - self->rotate_s) > EXACT_S ||
           magnitude(m->accept_s - self->accept_s) > EXACT_S;
}

/* Of one that has no ring in common with us nothing more is to be said. */
static void judge(const struct fleet_facts *facts, const struct fleet_facts_member *m,
                  struct fleet_findings *out)
{
    if (is_mismatch(facts, m)) {
        find(out, FLEET_FINDING_MISMATCH, m);
    } else if (m->is_joining && !m->is_self) {
        find(out, FLEET_FINDING_JOINING, m);
    } else if (!m->in_step && !m->is_joining) {
        find(out, FLEET_FINDING_OTHER_RING, m);
    }
    if (is_silent(facts, m)) {
        find(out, FLEET_FINDING_SILENT, m);
    }
    if (m->is_measured &&
        magnitude(m->clock_ahead_s) - m->clock_bound_s > m->rotate_s / CLOCK_SHARE) {
        find(out, FLEET_FINDING_CLOCK, m);
    }
    if (m->uncertainty_s > m->rotate_s) {
        find(out, FLEET_FINDING_UNCERTAIN, m);
    }
    if (m->has_two_secrets) {
        find(out, FLEET_FINDING_SECRETS, m);
    }
    if (m->has_reload_failed) {
        find(out, FLEET_FINDING_RELOAD, m);
    }
}

void fleet_findings(const struct fleet_facts *facts, struct fleet_findings *out)
{
    *out = (struct fleet_findings){0};
    if (!facts->store_is_up) {
        find(out, FLEET_FINDING_STORE_DOWN, NULL);
    }
    if (!facts->is_joined) {
        find(out, FLEET_FINDING_NOT_JOINED, NULL);
    }
    if (facts->foreign_age_s >= 0 && facts->foreign_age_s < FOREIGN_LATELY_S) {
        find(out, FLEET_FINDING_FOREIGN, NULL);
    }
    for (size_t i = 0; i < facts->n; i++) {
        judge(facts, &facts->members[i], out);
    }
}

const char *fleet_finding_word(enum fleet_finding finding)
{
    return sentences[finding].word;
}

const char *fleet_finding_text(enum fleet_finding finding)
{
    return sentences[finding].text;
}

const char *fleet_finding_advice(enum fleet_finding finding)
{
    return sentences[finding].advice;
}
