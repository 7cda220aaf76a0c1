#include "checks.h"
#include "memory.h"
#include "new_session_ticket.h"
#include "ticket_fields.h"

#define CONNECTIONS 6 /* of each version: full, and then a resumption */

static void keep(struct ticket_fields *f, unsigned connection, const struct trial *t)
{
    for (size_t i = 0; i < t->n_tickets; i++) {
        ticket_fields_add(f, connection, &t->tickets[i]);
    }
}

static void gather_one(struct auditor *a, enum session_kind kind, unsigned *connection,
                       struct ticket_fields *f)
{
    struct raw_config config;
    struct raw_session *s;
    struct trial t;

    auditor_config_for(a, kind, &config);
    auditor_try(a, &config, TRIAL_TICKETS, &t);
    keep(f, (*connection)++, &t);
    s = auditor_pick(&t, kind);
    trial_fini(&t);
    if (s != NULL) {
        auditor_config_for(a, kind, &config);
        auditor_offer(&config, kind, s);
        auditor_try(a, &config, TRIAL_TICKETS, &t);
        keep(f, (*connection)++, &t);
        trial_fini(&t);
    }
    raw_session_free(&s);
}

static void tell(struct auditor *a, const struct ticket_fields *f)
{
    struct ticket_fields_verdict v;

    ticket_fields_judge(f, &v);
    if (v.n_repeats >= 2) {
        auditor_find(a, FINDING_TICKET_REUSED,
                     "%zu of %zu tickets came before, byte for byte, to us over other connections "
                     "or in the same one",
                     v.n_repeats, f->n);
    }
    if (v.n_nonce_repeats >= 2) {
        auditor_find(a, FINDING_NONCE_REUSED,
                     "%zu of %zu tickets had the nonce of another of the same connection",
                     v.n_nonce_repeats, v.n13);
    }
    if (v.n_age_add_repeats >= 2) {
        auditor_find(a, FINDING_AGE_ADD,
                     "%zu of %zu tickets had the ticket_age_add of another: 0x%08x",
                     v.n_age_add_repeats, v.n13, (unsigned)v.age_add);
    } else if (v.age_add_small) {
        auditor_find(a, FINDING_AGE_ADD, "none of %zu values of ticket_age_add is above 65,535",
                     v.n13);
    }
    if (v.longest_s > NEW_SESSION_TICKET_LIFETIME_MAX_S) {
        auditor_find(a, FINDING_LIFETIME_TOO_LONG,
                     "a lifetime of %u s (%u days) was advertised in %s", (unsigned)v.longest_s,
                     (unsigned)v.longest_s / 86400,
                     v.longest_version == RAW_TLS13 ? "TLS 1.3" : "TLS 1.2");
    }
}

void check_ticket_fields(struct auditor *a)
{
    struct ticket_fields *f = memory_new(1, sizeof *f);
    unsigned connection = 0;

    if (f == NULL) {
        return;
    }
    for (enum session_kind kind = KIND_TICKET12; kind <= KIND_PSK13; kind++) {
        if (a->profile.kinds[kind].n_issued == 0) {
            continue;
        }
        for (unsigned i = 0; i < CONNECTIONS && auditor_goes_on(a); i++) {
            gather_one(a, kind, &connection, f);
        }
    }
    tell(a, f);
    if (f->n == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "the server issues no tickets");
    } else if (f->n > 1) {
        auditor_conclude(a, AUDIT_PASSED, "%zu tickets of %u connections compared", f->n,
                         connection);
    }
    memory_free(f);
}
