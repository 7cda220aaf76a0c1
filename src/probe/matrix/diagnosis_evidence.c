#include "diagnosis_evidence.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/ssl.h>

#include "diagnosis_hosts.h"
#include "findings_where.h"
#include "report_text.h"

#define SENTENCES_MAX 3

/* "illegal parameter (47)" */
static void add_alert_name(struct text *t, unsigned alert)
{
    text_addf(t, "%s (%u)", SSL_alert_desc_string_long((int)alert), alert);
}

static size_t row_of(const struct view *view, const struct draft *draft)
{
    return draft->cells[0] / view->facts->n;
}

static size_t column_of(const struct view *view, const struct draft *draft)
{
    return draft->cells[0] % view->facts->n;
}

static const struct cell *first_cell(const struct view *view, const struct draft *draft)
{
    return view_cell(view, row_of(view, draft), column_of(view, draft));
}

/* What a connection without a session came to, one sentence for each that is new. */
static void add_failures(struct text *t, const struct view *view, const struct draft *draft)
{
    const char *told[SENTENCES_MAX];
    size_t n = 0;

    for (size_t a = 0; a < view->facts->n && n < SENTENCES_MAX; a++) {
        const struct visit *failure = draft->at[a] ? view_failure(view, a) : NULL;
        const char *why = failure != NULL ? failure->why.text : NULL;
        bool known = false;

        for (size_t i = 0; why != NULL && i < n; i++) {
            known |= strcmp(told[i], why) == 0;
        }
        if (why != NULL && !known) {
            text_add(t, n == 0 ? "" : "; ");
            report_text_add(t, why);
            told[n] = why;
            n++;
        }
    }
}

/* Why the first offer failed, where connections without a session do not. */
static void add_offer_failure(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct visit *v = first_cell(view, draft)->failed;

    if (v != NULL) {
        report_text_add(t, v->why.text);
    }
}

static void add_unstable(struct text *t, const struct view *view, const struct draft *draft)
{
    const char *separator = "";

    for (size_t a = 0; a < view->facts->n && t->len + 100 < t->size; a++) {
        const struct issue_facts *issue = view_issue(view, a);

        if (draft->at[a]) {
            text_add(t, separator);
            text_addf(t, "%u of %u full handshakes failed at ",
                      issue->n_tries - issue->n_established, issue->n_tries);
            where_add_address(t, view->facts, a);
            separator = ", ";
        }
    }
    text_add(t, ": ");
    add_failures(t, view, draft);
}

static void add_not_issued(struct text *t, const struct view *view, const struct draft *draft)
{
    const bool by_id = mechanism_by_session_id(view->mechanism);
    unsigned handshakes = 0;
    unsigned tickets = 0;
    bool id = false;

    for (size_t a = 0; a < view->facts->n; a++) {
        const struct issue_facts *issue = view_issue(view, a);

        for (unsigned i = 0; draft->at[a] && i < issue->n_tries; i++) {
            handshakes += issue->visits[i].established;
            tickets += issue->visits[i].n_tickets;
            id |= issue->visits[i].session_id_len != 0;
        }
    }
    if (by_id) {
        text_addf(t, "%s in %u full handshakes",
                  id ? "no session that can be offered" : "the server's session ID is empty",
                  handshakes);
    } else if (view->mechanism == MECHANISM_EARLY && tickets != 0) {
        text_addf(t, "%u tickets came, none with the early_data extension", tickets);
    } else if (tickets != 0) {
        text_addf(t,
                  "%u tickets came that cannot be offered: empty, with lifetime 0, or too long "
                  "for a ClientHello",
                  tickets);
    } else {
        text_addf(t, "no NewSessionTicket in %u full handshakes", handshakes);
    }
}

/* Resumed of tried where sessions were issued, and in the cells of the draft. */
static void add_here_and_there(struct text *t, const struct view *view, const struct draft *draft)
{
    size_t row = CELL_NOWHERE;
    unsigned here[2] = {0, 0};
    unsigned there[2] = {0, 0};

    for (size_t k = 0; k < draft->n_cells; k++) { /* in the order of the rows */
        const size_t i = draft->cells[k] / view->facts->n;
        const struct cell *c = view_cell(view, i, draft->cells[k] % view->facts->n);

        there[0] += c->n_resumed;
        there[1] += c->n_tries;
        if (i != row) {
            row = i;
            here[0] += view_cell(view, i, i)->n_resumed;
            here[1] += view_cell(view, i, i)->n_tries;
        }
    }
    text_addf(t, "resumed %u of %u times where they were issued, %u of %u elsewhere", here[0],
              here[1], there[0], there[1]);
    (void)evidence_add_site(t, view, row_of(view, draft), column_of(view, draft), "; ");
}

static void add_own(struct text *t, const struct view *view, const struct draft *draft)
{
    const char *separator = "";

    for (size_t a = 0, told = 0; a < view->facts->n && told < SENTENCES_MAX; a++) {
        const struct cell *c = view_cell(view, a, a);

        if (draft->at[a]) {
            text_add(t, separator);
            where_add_address(t, view->facts, a);
            text_addf(t, " resumed %u of %u of its own sessions", c->n_resumed, c->n_tries);
            separator = ", ";
            told++;
        }
    }
}

static void add_experiment(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct address_facts *address = NULL;

    for (size_t a = 0; a < view->facts->n && address == NULL; a++) {
        address = draft->at[a] ? &view->facts->addresses[a] : NULL;
    }
    if (address == NULL) {
        return;
    }
    if (draft->cause == CAUSE_SNI) {
        text_addf(t, "under the name \"");
        report_text_add(t, view->facts->servername);
        text_addf(t, "\" none is resumed, without a name %d of %d",
                  address->own[view->mechanism].n_no_sni,
                  address->own[view->mechanism].n_no_sni_tries);
    } else {
        text_addf(t, "a session that was resumed once was resumed again in %d of %d tries",
                  address->own[view->mechanism].n_twice,
                  address->own[view->mechanism].n_twice_tries);
    }
}

static void add_expired(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct cell *c = first_cell(view, draft);
    const struct issue_facts *issue = view_issue(view, row_of(view, draft));
    const struct visit *issued = &issue->visits[c->offered];

    text_addf(t, "the lifetime is %" PRIu32 " s, and the session was %" PRId64 " ms old",
              issued->tickets[0].lifetime_s, c->full->at_ms - issued->at_ms);
}

static void add_expired_early(struct text *t, const struct view *view, const struct draft *draft)
{
    for (size_t k = 0; k < view->facts->n_aged; k++) {
        const struct aged_facts *aged = &view->facts->aged[k];

        if (aged->mechanism == view->mechanism && draft->at[aged->address] &&
            aged->n_resumed == 0 && aged->age_ms < (int64_t)aged->lifetime_s * 1000) {
            text_addf(t, "after %" PRId64 ".%03" PRId64 " s none of %u was resumed at ",
                      aged->age_ms / 1000, aged->age_ms % 1000, aged->n_tries);
            where_add_address(t, view->facts, aged->address);
            text_addf(t, ", though the lifetime is %" PRIu32 " s", aged->lifetime_s);
            return;
        }
    }
}

static void add_alert(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct cell *c = first_cell(view, draft);
    const struct issue_facts *issue = view_issue(view, column_of(view, draft));

    text_addf(t, "%u of %u offers were answered with the alert ", c->n_failed, c->n_tries);
    add_alert_name(t, draft->detail);
    text_addf(t, "; %u of %u full handshakes are well", issue->n_established, issue->n_tries);
}

static void add_cut(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct cell *c = first_cell(view, draft);
    const struct issue_facts *issue = view_issue(view, column_of(view, draft));

    text_addf(t, "%u of %u offers failed, %u of %u full handshakes are well: ", c->n_failed,
              c->n_tries, issue->n_established, issue->n_tries);
    add_offer_failure(t, view, draft);
}

static void add_early(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct cell *c = first_cell(view, draft);

    text_addf(t, "resumed %u of %u times, early data accepted %u times", c->n_resumed, c->n_tries,
              c->n_early);
}

static void add_lagging(struct text *t, const struct view *view, const struct draft *draft)
{
    const size_t i = row_of(view, draft);
    const size_t j = column_of(view, draft);
    const struct cell *back = view_cell(view, j, i);

    evidence_add_keys(t, view, draft);
    text_add(t, t->len != 0 ? "; " : "");
    where_add_address(t, view->facts, i);
    text_addf(t, " resumes %u of %u sessions of ", back->n_resumed, back->n_tries);
    where_add_address(t, view->facts, j);
    text_addf(t, ", but not the reverse");
}

static void add_key_not_shared(struct text *t, const struct view *view, const struct draft *draft)
{
    evidence_add_keys(t, view, draft);
    if (t->len == 0) {
        text_add(t, "the tickets show no key name; they are resumed where they were issued and not "
                    "elsewhere");
    }
    if (evidence_add_site(t, view, row_of(view, draft), column_of(view, draft), "; ")) {
        text_add(t, ": is it the same site?");
    }
}

static void add_same_key(struct text *t, const struct view *view, const struct draft *draft)
{
    const size_t i = row_of(view, draft);
    const size_t j = column_of(view, draft);
    const size_t len = t->len;

    evidence_add_keys(t, view, draft);
    text_add(t, t->len != len ? "; " : "");
    if (i == j) {
        add_own(t, view, draft);
        text_add(t, view->hosts[i].asked ? "; it asks for a client certificate" : "");
    } else if (!evidence_add_difference(t, view, i, j, "")) {
        text_add(t, "nothing else that can be seen differs");
    }
}

static void add_mixed(struct text *t, const struct view *view, const struct draft *draft)
{
    if (draft->detail == 1) {
        for (size_t a = 0; a < view->facts->n; a++) {
            const struct issue_facts *issue = view_issue(view, a);

            if (draft->at[a]) {
                where_add_address(t, view->facts, a);
                text_addf(t, " issued a session in %u of %u full handshakes", issue->n_issued,
                          issue->n_established);
                return;
            }
        }
    }
    add_own(t, view, draft);
    evidence_add_mixture(t, view, draft);
}

static void add_per_process(struct text *t, const struct view *view, const struct draft *draft)
{
    const char *separator = "";

    for (size_t a = 0, told = 0; a < view->facts->n && told < SENTENCES_MAX; a++) {
        const struct host_view *host = &view->hosts[a];
        const struct cell *c = view_cell(view, a, a);

        if (draft->at[a]) {
            text_add(t, separator);
            where_add_address(t, view->facts, a);
            text_addf(t, " gave %zu tickets under %zu%s keys and resumed %u of %u of its own",
                      host->n_tickets, host->n_keys,
                      host->n_keys == VIEW_KEYS_MAX ? " or more" : "", c->n_resumed, c->n_tries);
            separator = "; ";
            told++;
        }
    }
}

static void add_unknown(struct text *t, const struct view *view, const struct draft *draft)
{
    const struct cell *c = first_cell(view, draft);

    text_addf(t, "%u of %u offers were declined to a full handshake", c->n_full, c->n_tries);
}

static void add_ems(struct text *t, const struct view *view, const struct draft *draft)
{
    const size_t i = row_of(view, draft);
    const size_t j = column_of(view, draft);

    where_add_address(t, view->facts, view->hosts[i].ems ? i : j);
    text_add(t, " negotiates it, ");
    where_add_address(t, view->facts, view->hosts[i].ems ? j : i);
    text_add(t, " does not");
}

static void add_cipher(struct text *t, const struct view *view, const struct draft *draft)
{
    const bool by_hash = mechanism_version(view->mechanism) >= 0x0304;

    evidence_add_ciphers(t, view, row_of(view, draft), column_of(view, draft));
    text_add(t, by_hash ? ": a session resumes under its own hash alone" : "");
}

void evidence_add(struct text *t, const struct view *view, const struct draft *draft)
{
    static void (*const adders[])(struct text *, const struct view *, const struct draft *) = {
        [CAUSE_UNREACHABLE] = add_failures,
        [CAUSE_NO_TLS] = add_failures,
        [CAUSE_VERSION] = add_failures,
        [CAUSE_UNSTABLE] = add_unstable,
        [CAUSE_NOT_ISSUED] = add_not_issued,
        [CAUSE_NOT_KEPT] = add_own,
        [CAUSE_KEY_NOT_SHARED] = add_key_not_shared,
        [CAUSE_KEY_LAGGING] = add_lagging,
        [CAUSE_KEY_PER_PROCESS] = add_per_process,
        [CAUSE_MIXED] = add_mixed,
        [CAUSE_SAME_KEY_REFUSED] = add_same_key,
        [CAUSE_CACHE_NOT_SHARED] = add_here_and_there,
        [CAUSE_CACHE_PER_PROCESS] = add_own,
        [CAUSE_EMS] = add_ems,
        [CAUSE_CIPHER] = add_cipher,
        [CAUSE_SNI] = add_experiment,
        [CAUSE_SINGLE_USE] = add_experiment,
        [CAUSE_EXPIRED] = add_expired,
        [CAUSE_EXPIRED_EARLY] = add_expired_early,
        [CAUSE_ALERT] = add_alert,
        [CAUSE_CUT] = add_cut,
        [CAUSE_INVALID] = add_cut,
        [CAUSE_EARLY_REFUSED] = add_early,
        [CAUSE_UNKNOWN] = add_unknown,
    };

    adders[draft->cause](t, view, draft);
}
