#include "checks.h"
#include "memory.h"
#include "ticket_audit.h"

#define TICKETS_EACH 8
#define TICKETS_MAX ((size_t)2 * TICKETS_EACH)

static size_t gather(struct auditor *a, struct raw_session **sessions)
{
    size_t n = 0;

    for (enum session_kind kind = KIND_TICKET12; kind <= KIND_PSK13; kind++) {
        if (a->profile.kinds[kind].n_issued == 0) {
            continue;
        }
        for (unsigned i = 0; i < TICKETS_EACH && auditor_goes_on(a); i++) {
            sessions[n] = auditor_session(a, kind);
            n += sessions[n] != NULL ? 1 : 0;
        }
    }
    return n;
}

/* Two tickets in clear share their keystream of zeroes, too: that says nothing more. */
static bool is_plain(const struct ticket_audit *audit)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        if (audit->findings[i].kind == TICKET_FINDING_PLAIN) {
            return true;
        }
    }
    return false;
}

static void tell(struct auditor *a, const struct ticket_audit *audit)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        const struct ticket_finding *f = &audit->findings[i];

        switch (f->kind) {
        case TICKET_FINDING_WEAK_KEY:
            auditor_find(a, FINDING_WEAK_KEY, "%s", f->evidence);
            break;
        case TICKET_FINDING_PLAIN:
            auditor_find(a, FINDING_PLAIN_TICKET, "%s", f->evidence);
            break;
        case TICKET_FINDING_KEYSTREAM:
            if (!is_plain(audit)) {
                auditor_find(a, FINDING_KEYSTREAM_REUSED, "%s", f->evidence);
            }
            break;
        case TICKET_FINDING_REPEATED: /* another check looks for it, with more to go by */
        case TICKET_FINDING_BLANK_NAME:
        case TICKET_FINDING_NOT_RANDOM:
            break;
        }
    }
}

static void audit_tickets(struct auditor *a, struct raw_session *const *sessions, size_t n)
{
    struct ticket_sample samples[TICKETS_MAX] = {{{0}, {{0}}}};
    struct ticket_audit *audit = NULL;

    for (size_t i = 0; i < n; i++) {
        samples[i].ticket = (struct ticket_bytes){sessions[i]->ticket, sessions[i]->ticket_len};
        samples[i].secrets[0] = (struct ticket_bytes){sessions[i]->secret, sessions[i]->secret_len};
    }
    if (ticket_audit_run(samples, n, NULL, &audit) != RP_OK) {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "this host has not the means");
        return;
    }
    tell(a, audit);
    auditor_conclude(
        a, AUDIT_PASSED,
        "%zu tickets: %zu known cipher keys and %zu MAC keys tried, secrets looked for", n,
        audit->n_cipher_keys, audit->n_mac_keys);
    ticket_audit_free(&audit);
}

void check_keys(struct auditor *a)
{
    struct raw_session *sessions[TICKETS_MAX + 1] = {NULL};
    const size_t n = gather(a, sessions);

    if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "the server issues no tickets");
    } else {
        audit_tickets(a, sessions, n);
    }
    for (size_t i = 0; i < n; i++) {
        raw_session_free(&sessions[i]);
    }
}
