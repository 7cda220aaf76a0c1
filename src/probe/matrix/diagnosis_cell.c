#include "diagnosis_cell.h"

#include <string.h>

#define ALERT_PROTOCOL_VERSION 70
#define SINGLE_USE_TRIES 3 /* fewer may be chance: processes with a cache each */

static struct judged nothing(void)
{
    return (struct judged){.any = false};
}

static struct judged because(enum cause cause, unsigned detail, size_t at)
{
    return (struct judged){true, cause, detail, at};
}

static bool says_version(const struct visit *v)
{
    return v->end == VISIT_VERSION ||
           (v->end == VISIT_ALERT && !v->alert_is_ours && v->alert == ALERT_PROTOCOL_VERSION);
}

static bool speaks_other_versions(const struct facts *facts, size_t a, enum mechanism m)
{
    for (unsigned other = 0; other < MECHANISMS; other++) {
        if (facts->addresses[a].issue[other].n_established != 0 &&
            mechanism_version((enum mechanism)other) != mechanism_version(m)) {
            return true;
        }
    }
    return false;
}

/* No full handshake of this mechanism is to be had at the address. */
static struct judged judge_handshakes(const struct view *view, size_t a)
{
    const struct address_facts *address = &view->facts->addresses[a];
    const struct issue_facts *issue = view_issue(view, a);
    const struct visit *failure = view_failure(view, a);

    if (issue->n_established != 0 || failure == NULL) {
        return nothing();
    }
    if (!address->reachable) {
        return because(CAUSE_UNREACHABLE, failure->end, a);
    }
    if (address->tls &&
        (says_version(failure) ||
         (failure->end == VISIT_ALERT && speaks_other_versions(view->facts, a, view->mechanism)))) {
        return because(CAUSE_VERSION, 0, a);
    }
    return because(failure->connected ? CAUSE_NO_TLS : CAUSE_UNREACHABLE, failure->end, a);
}

static struct judged judge_issuing(const struct view *view, size_t a)
{
    const struct issue_facts *issue = view_issue(view, a);

    return issue->n_established != 0 && issue->n_issued == 0 ? because(CAUSE_NOT_ISSUED, 0, a)
                                                             : nothing();
}

static bool ems_differs(const struct view *view, size_t i, size_t j)
{
    const struct host_view *a = &view->hosts[i];
    const struct host_view *b = &view->hosts[j];

    return mechanism_version(view->mechanism) < 0x0304 &&
           ((a->ems && !a->no_ems && b->no_ems && !b->ems) ||
            (b->ems && !b->no_ems && a->no_ems && !a->ems));
}

static struct judged judge_failure(const struct view *view, size_t i, size_t j)
{
    const struct visit *v = view_cell(view, i, j)->failed;
    const struct issue_facts *there = view_issue(view, j);

    if (v == NULL) {
        return because(CAUSE_CUT, VISIT_CLOSED, CELL_NOWHERE);
    }
    if (!v->connected || v->end == VISIT_LOCAL) {
        return because(CAUSE_UNREACHABLE, v->end, j);
    }
    if (there->n_established < there->n_tries) {
        return because(CAUSE_UNSTABLE, v->end, j);
    }
    if (v->end == VISIT_REJECTED || (v->end == VISIT_ALERT && v->alert_is_ours)) {
        return ems_differs(view, i, j) ? because(CAUSE_EMS, 0, CELL_NOWHERE)
                                       : because(CAUSE_INVALID, v->end, CELL_NOWHERE);
    }
    if (v->alert != VISIT_NO_ALERT && !v->alert_is_ours &&
        (v->end == VISIT_ALERT || v->end == VISIT_VERSION)) {
        return because(CAUSE_ALERT, v->alert, CELL_NOWHERE);
    }
    return because(CAUSE_CUT, v->end, CELL_NOWHERE);
}

/* The visit whose session was declined, and its ticket. */
static const struct visit *offered_visit(const struct view *view, size_t i, size_t j)
{
    const struct issue_facts *issue = view_issue(view, i);
    const unsigned offered = view_cell(view, i, j)->offered;

    return offered < issue->n_tries ? &issue->visits[offered] : NULL;
}

static bool was_expired(const struct view *view, size_t i, size_t j)
{
    const struct visit *issued = offered_visit(view, i, j);
    const struct visit *declined = view_cell(view, i, j)->full;

    return issued != NULL && declined != NULL && issued->n_tickets != 0 &&
           issued->tickets[0].lifetime_s != 0 &&
           declined->at_ms - issued->at_ms > (int64_t)issued->tickets[0].lifetime_s * 1000;
}

static bool by_state(const struct view *view, size_t a)
{
    return mechanism_by_session_id(view->mechanism) || view->hosts[a].stateful;
}

/* Sometimes resumed, sometimes not, at the address that issued it. Not single use: the survey gives
 * each cell sessions of its own then. */
static struct judged judge_own_sometimes(const struct view *view, size_t a)
{
    const struct host_view *host = &view->hosts[a];

    if (view_is_mixed(host)) {
        return because(CAUSE_MIXED, 0, a);
    }
    if (host->n_keys > 1) {
        return because(CAUSE_KEY_PER_PROCESS, 0, a);
    }
    return because(by_state(view, a) ? CAUSE_CACHE_PER_PROCESS : CAUSE_MIXED, 0, a);
}

/* Declined by the address that issued it. */
static struct judged judge_own(const struct view *view, size_t a)
{
    const struct host_view *host = &view->hosts[a];
    const struct cell *c = view_cell(view, a, a);
    const struct address_facts *address = &view->facts->addresses[a];
    const int n_no_sni_tries = address->own[view->mechanism].n_no_sni_tries;
    const int n_no_sni = address->own[view->mechanism].n_no_sni;

    if (was_expired(view, a, a)) {
        return because(CAUSE_EXPIRED, 0, CELL_NOWHERE);
    }
    if (c->n_resumed != 0 || address->own[view->mechanism].n_again > 0) {
        return judge_own_sometimes(view, a);
    }
    if (n_no_sni_tries > 0 && n_no_sni == n_no_sni_tries) {
        return because(CAUSE_SNI, 0, a);
    }
    if (view_is_mixed(host)) {
        return because(CAUSE_MIXED, 0, a);
    }
    if (host->n_keys > 1) {
        return because(CAUSE_KEY_PER_PROCESS, 0, a);
    }
    if (by_state(view, a)) {
        return because(CAUSE_NOT_KEPT, 0, a);
    }
    return because(host->n_keys == 1 ? CAUSE_SAME_KEY_REFUSED : CAUSE_UNKNOWN, 0, a);
}

/* One that each names is the only one, and not the same. */
static bool texts_disagree(const struct view_texts *a, const struct view_texts *b)
{
    return a->n == 1 && b->n == 1 && strcmp(a->items[0], b->items[0]) != 0;
}

/* In TLS 1.3 the hash must be the session's; before, the cipher suite. */
static bool cipher_differs(const struct view *view, size_t i, size_t j)
{
    const struct host_view *a = &view->hosts[i];
    const struct host_view *b = &view->hosts[j];

    return mechanism_version(view->mechanism) >= 0x0304 ? texts_disagree(&a->hashes, &b->hashes)
                                                        : texts_disagree(&a->ciphers, &b->ciphers);
}

static struct judged judge_state(const struct view *view, size_t i, size_t j)
{
    const struct cell *c = view_cell(view, i, j);

    if (c->n_resumed != 0 && view_is_mixed(&view->hosts[j])) {
        return because(CAUSE_MIXED, 0, j);
    }
    return because(CAUSE_CACHE_NOT_SHARED, 0, CELL_NOWHERE);
}

/* The key that the declined session was sealed under is one that j issues under, too. */
static bool offered_key_is_known(const struct view *view, size_t i, size_t j)
{
    const struct visit *v = offered_visit(view, i, j);
    struct key_name key;

    if (v != NULL && v->n_tickets != 0 && view_key_of(&view->hosts[i], &v->tickets[0], &key)) {
        return view_has_key(&view->hosts[j], &key);
    }
    for (size_t k = 0; k < view->hosts[i].n_keys; k++) {
        if (view_has_key(&view->hosts[j], &view->hosts[i].keys[k])) {
            return true;
        }
    }
    return false;
}

static struct judged judge_other_key(const struct view *view, size_t i, size_t j)
{
    const struct cell *c = view_cell(view, i, j);

    if (view_is_green(view, j, i)) {
        return because(CAUSE_KEY_LAGGING, 0, j);
    }
    if (c->n_resumed != 0) {
        return view->hosts[i].n_keys > 1 ? because(CAUSE_KEY_LAGGING, 0, j)
                                         : because(CAUSE_MIXED, 0, j);
    }
    return because(CAUSE_KEY_NOT_SHARED, 0, CELL_NOWHERE);
}

static struct judged judge_ticket(const struct view *view, size_t i, size_t j)
{
    const bool named = view->hosts[i].n_keys != 0 && view->hosts[j].n_keys != 0;

    if (named && !offered_key_is_known(view, i, j)) {
        return judge_other_key(view, i, j);
    }
    if (cipher_differs(view, i, j)) {
        return because(CAUSE_CIPHER, 0, CELL_NOWHERE);
    }
    if (!named) {
        return judge_other_key(view, i, j);
    }
    if (view_cell(view, i, j)->n_resumed != 0) {
        return because(CAUSE_MIXED, 0, j);
    }
    return because(CAUSE_SAME_KEY_REFUSED, 0, CELL_NOWHERE);
}

static bool was_tried(const struct view *view, size_t a)
{
    return view_cell(view, a, a)->n_tries != 0;
}

/* What is the matter at one of the two, if that is enough to explain what is between them. */
static struct judged inherit(const struct view *view, size_t i, size_t j)
{
    struct judged own;

    if (was_tried(view, i) && view_cell(view, i, i)->n_full != 0 && !view_is_green(view, i, i)) {
        own = judge_own(view, i);
        if (own.cause != CAUSE_UNKNOWN && own.cause != CAUSE_EXPIRED) {
            return own;
        }
    }
    if (was_tried(view, j) && view_cell(view, j, j)->n_full != 0 && !view_is_green(view, j, j)) {
        own = judge_own(view, j);
        if (own.cause == CAUSE_KEY_PER_PROCESS || own.cause == CAUSE_MIXED ||
            own.cause == CAUSE_CACHE_PER_PROCESS || own.cause == CAUSE_NOT_KEPT ||
            own.cause == CAUSE_SNI) {
            return own;
        }
    }
    return nothing();
}

static struct judged judge_pair(const struct view *view, size_t i, size_t j)
{
    struct judged inherited;

    if (was_expired(view, i, j)) {
        return because(CAUSE_EXPIRED, 0, CELL_NOWHERE);
    }
    if (ems_differs(view, i, j)) {
        return because(CAUSE_EMS, 0, CELL_NOWHERE);
    }
    inherited = judge_issuing(view, j); /* who gives none takes none */
    if (!inherited.any) {
        inherited = inherit(view, i, j);
    }
    if (inherited.any) {
        return inherited;
    }
    return by_state(view, i) || by_state(view, j) ? judge_state(view, i, j)
                                                  : judge_ticket(view, i, j);
}

struct judged cell_judge(const struct view *view, size_t issued_at, size_t offered_at)
{
    const struct cell *c = view_cell(view, issued_at, offered_at);
    struct judged j;

    if (c == NULL || view_is_green(view, issued_at, offered_at)) {
        return nothing();
    }
    j = judge_handshakes(view, issued_at);
    if (!j.any) {
        j = judge_handshakes(view, offered_at);
    }
    if (!j.any) {
        j = judge_issuing(view, issued_at);
    }
    if (j.any || c->n_tries == 0) {
        return j;
    }
    if (c->n_failed != 0 && c->n_failed >= c->n_full) {
        return judge_failure(view, issued_at, offered_at);
    }
    if (c->n_full == 0) { /* all resumed: it is early data that was not taken */
        return because(CAUSE_EARLY_REFUSED, 0, CELL_NOWHERE);
    }
    return issued_at == offered_at ? judge_own(view, issued_at)
                                   : judge_pair(view, issued_at, offered_at);
}

/* Sessions that were resumed once were refused the second time, everywhere. */
static bool is_single_use(const struct view *view)
{
    int tries = 0;
    int resumed = 0;

    for (size_t a = 0; a < view->facts->n; a++) {
        const struct address_facts *address = &view->facts->addresses[a];

        if (address->own[view->mechanism].n_twice_tries > 0) {
            tries += address->own[view->mechanism].n_twice_tries;
            resumed += address->own[view->mechanism].n_twice;
        }
    }
    return tries >= SINGLE_USE_TRIES && resumed == 0;
}

struct judged address_judge(const struct view *view, size_t address)
{
    const struct issue_facts *issue = view_issue(view, address);
    const struct visit *failure = view_failure(view, address);

    if (issue->n_established == 0) {
        return nothing();
    }
    if (failure != NULL) {
        return because(CAUSE_UNSTABLE, failure->end, address);
    }
    if (issue->n_issued != 0 && issue->n_issued < issue->n_established) {
        return because(CAUSE_MIXED, 1, address);
    }
    if (view->mechanism != MECHANISM_EARLY && view_is_green(view, address, address) &&
        is_single_use(view)) {
        return because(CAUSE_SINGLE_USE, 0, address);
    }
    return nothing();
}
