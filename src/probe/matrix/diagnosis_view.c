#include "diagnosis_view.h"

#include <string.h>

#include "memory.h"

#define TICKETS_JUDGED_MAX 24 /* of one address: more say nothing new */
#define NAME_LONG 16
#define NAME_SHORT 4

static void texts_add(struct view_texts *t, const char *s)
{
    const size_t kept = t->n < VIEW_KINDS_MAX ? t->n : VIEW_KINDS_MAX;

    if (s == NULL || s[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < kept; i++) {
        if (strcmp(t->items[i], s) == 0) {
            return;
        }
    }
    if (t->n < VIEW_KINDS_MAX) {
        t->items[t->n] = s;
        t->n++;
    }
}

static void add_certificate(struct host_view *host, const struct visit_certificate *c)
{
    if (!c->present) {
        return;
    }
    for (size_t i = 0; i < host->n_certificates; i++) {
        if (memcmp(host->certificates[i]->digest, c->digest, sizeof c->digest) == 0) {
            return;
        }
    }
    if (host->n_certificates < VIEW_KINDS_MAX) {
        host->certificates[host->n_certificates] = c;
        host->n_certificates++;
    }
}

static void add_visit(struct host_view *host, const struct visit *v)
{
    if (v == NULL || !v->established) {
        return;
    }
    texts_add(&host->servers, v->http_server);
    if (v->resumed) {
        return;
    }
    texts_add(&host->ciphers, v->cipher);
    texts_add(&host->hashes, v->cipher_hash);
    texts_add(&host->alpns, v->alpn);
    add_certificate(host, &v->certificate);
    host->ems |= v->ems;
    host->no_ems |= !v->ems;
    host->asked |= v->asked_certificate;
    host->not_asked |= !v->asked_certificate;
    host->id |= v->session_id_len != 0;
    host->no_id |= v->session_id_len == 0;
}

/* Calls back for every visit to the address that is kept. */
static void each_visit(const struct view *view, size_t address,
                       void (*call)(void *cookie, const struct visit *v), void *cookie)
{
    const struct issue_facts *issue = view_issue(view, address);

    for (unsigned t = 0; t < issue->n_tries; t++) {
        call(cookie, &issue->visits[t]);
    }
    for (size_t i = 0; i < view->facts->n && view->facts->cells[view->mechanism] != NULL; i++) {
        const struct cell *c = view_cell(view, i, address);

        if (c->full != NULL) {
            call(cookie, c->full);
        }
        if (c->resumed != NULL) {
            call(cookie, c->resumed);
        }
    }
}

static void note_visit(void *cookie, const struct visit *v)
{
    add_visit(cookie, v);
}

struct tickets {
    const struct visit_ticket *items[TICKETS_JUDGED_MAX];
    size_t n;
};

static void note_tickets(void *cookie, const struct visit *v)
{
    struct tickets *t = cookie;
    const unsigned kept = v->n_tickets < VISIT_TICKETS_MAX ? v->n_tickets : VISIT_TICKETS_MAX;

    for (unsigned i = 0; i < kept && t->n < TICKETS_JUDGED_MAX; i++) {
        if (v->tickets[i].len != 0) {
            t->items[t->n] = &v->tickets[i];
            t->n++;
        }
    }
}

/* Layouts are told by a ticket's first bytes and its length; what was not kept is made up. */
static void fill(uint8_t *p, const struct visit_ticket *t)
{
    for (size_t i = 0; i < t->len; i++) {
        p[i] = i < sizeof t->start ? t->start[i] : t->digest[i % sizeof t->digest];
    }
}

struct guess {
    bool any;
    struct ticket_candidate best;
    size_t name_at, name_len;
    size_t shared_prefix;
};

/* Key names that begin alike and then differ are no short ones: stunnel's are bytes of its memory.
 */
static bool is_long_after_all(const struct guess *guess, const struct ticket_bytes *bytes, size_t n)
{
    struct ticket_view view;
    bool fits = guess->best.fit < TICKET_FIT_CERTAIN && guess->name_len == NAME_SHORT &&
                guess->shared_prefix > NAME_SHORT + 1;

    for (size_t i = 0; i < n && fits; i++) {
        fits = ticket_layout_split(TICKET_LAYOUT_OPENSSL, bytes[i], &view);
    }
    return fits;
}

static void take_guess(struct guess *guess, const struct ticket_bytes *bytes, size_t n)
{
    struct ticket_judgement judgement;
    struct ticket_view view;

    ticket_layout_judge(bytes, n, &judgement);
    *guess = (struct guess){.any = judgement.n_candidates != 0,
                            .best = judgement.candidates[0],
                            .shared_prefix = judgement.shared_prefix};
    if (guess->any && ticket_layout_split(guess->best.layout, bytes[0], &view) &&
        view.name.n != 0) {
        guess->name_at = (size_t)(view.name.p - bytes[0].p);
        guess->name_len = view.name.n;
    }
    if (is_long_after_all(guess, bytes, n)) {
        guess->best = (struct ticket_candidate){TICKET_LAYOUT_OPENSSL, TICKET_FIT_LIKELY};
        guess->name_at = 0;
        guess->name_len = NAME_LONG;
    }
}

static enum rp_status judge_tickets(const struct tickets *tickets, struct guess *guess)
{
    struct ticket_bytes bytes[TICKETS_JUDGED_MAX];
    size_t total = 0;
    size_t at = 0;
    uint8_t *buffer;

    for (size_t i = 0; i < tickets->n; i++) {
        total += tickets->items[i]->len;
    }
    buffer = memory_new(total, 1);
    if (buffer == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < tickets->n; i++) {
        fill(buffer + at, tickets->items[i]);
        bytes[i] = (struct ticket_bytes){buffer + at, tickets->items[i]->len};
        at += tickets->items[i]->len;
    }
    take_guess(guess, bytes, tickets->n);
    memory_free(buffer);
    return RP_OK;
}

/* A layout that is merely possible names a key only where tickets share that name. */
static void place_name(struct host_view *host, const struct guess *guess)
{
    const bool likely = guess->any && guess->best.fit >= TICKET_FIT_LIKELY;

    host->stateful = guess->any && guess->best.layout == TICKET_LAYOUT_STATEFUL;
    host->layout = guess->any ? guess->best.layout : TICKET_LAYOUTS;
    host->stack = likely ? ticket_layout_stacks(guess->best.layout) : NULL;
    if (host->stateful) {
        return;
    }
    if (guess->name_len != 0 &&
        (likely || guess->shared_prefix >= guess->name_at + guess->name_len)) {
        host->name_at = guess->name_at;
        host->name_len = guess->name_len;
    } else if (guess->shared_prefix >= NAME_LONG) {
        host->name_len = NAME_LONG;
    }
}

static void collect_keys(struct host_view *host, const struct tickets *tickets)
{
    for (size_t i = 0; i < tickets->n; i++) {
        struct key_name key;

        if (host->n_keys < VIEW_KEYS_MAX && view_key_of(host, tickets->items[i], &key) &&
            !view_has_key(host, &key)) {
            host->keys[host->n_keys] = key;
            host->n_keys++;
        }
    }
}

static enum rp_status look_at_tickets(struct view *view, size_t address)
{
    struct host_view *host = &view->hosts[address];
    struct tickets tickets = {.n = 0};
    struct guess guess;
    enum rp_status status;

    each_visit(view, address, note_tickets, &tickets);
    host->n_tickets = tickets.n;
    if (tickets.n == 0) {
        return RP_OK;
    }
    status = judge_tickets(&tickets, &guess);
    if (status != RP_OK) {
        return status;
    }
    place_name(host, &guess);
    collect_keys(host, &tickets);
    if (host->n_keys > 2 && host->n_keys == host->n_tickets &&
        view_is_green(view, address, address)) {
        /* What is another in each ticket, and yet resumes every time, names no key. */
        host->n_keys = 0;
        host->name_len = 0;
        host->stack = NULL;
    }
    return RP_OK;
}

enum rp_status view_new(const struct facts *facts, enum mechanism m, struct view **out)
{
    struct view *view = memory_new(1, sizeof *view);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (view == NULL) {
        return RP_NO_MEMORY;
    }
    view->facts = facts;
    view->mechanism = m;
    view->hosts = memory_new(facts->n, sizeof *view->hosts);
    if (view->hosts == NULL) {
        goto done;
    }
    for (size_t i = 0; i < facts->n; i++) {
        each_visit(view, i, note_visit, &view->hosts[i]);
        if (mechanism_by_session_id(m)) {
            continue;
        }
        status = look_at_tickets(view, i);
        if (status != RP_OK) {
            goto done;
        }
    }
    status = RP_OK;
    *out = view;
    view = NULL; /* transferred */

done:
    view_free(&view);
    return status;
}

void view_free(struct view **view)
{
    if (*view != NULL) {
        memory_free((*view)->hosts);
        memory_free(*view);
        *view = NULL;
    }
}

bool view_key_of(const struct host_view *host, const struct visit_ticket *ticket,
                 struct key_name *out)
{
    const size_t end = host->name_at + host->name_len;

    *out = (struct key_name){.len = 0};
    if (host->name_len == 0 || host->name_len > KEY_NAME_MAX || end > sizeof ticket->start ||
        end > ticket->len) {
        return false;
    }
    memcpy(out->bytes, ticket->start + host->name_at, host->name_len);
    out->len = host->name_len;
    return true;
}

bool key_name_equal(const struct key_name *a, const struct key_name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool view_has_key(const struct host_view *host, const struct key_name *key)
{
    for (size_t i = 0; i < host->n_keys; i++) {
        if (key_name_equal(&host->keys[i], key)) {
            return true;
        }
    }
    return false;
}

bool view_is_mixed(const struct host_view *host)
{
    return host->n_certificates > 1 || host->servers.n > 1 || host->ciphers.n > 1 ||
           host->alpns.n > 1 || (host->asked && host->not_asked) || (host->ems && host->no_ems);
}

const struct cell *view_cell(const struct view *view, size_t issued_at, size_t offered_at)
{
    return facts_cell_of(view->facts, view->mechanism, issued_at, offered_at);
}

const struct issue_facts *view_issue(const struct view *view, size_t address)
{
    return &view->facts->addresses[address].issue[view->mechanism];
}

bool view_is_green(const struct view *view, size_t issued_at, size_t offered_at)
{
    const struct cell *c = view_cell(view, issued_at, offered_at);

    if (c == NULL || c->n_tries == 0) {
        return false;
    }
    return (view->mechanism == MECHANISM_EARLY ? c->n_early : c->n_resumed) == c->n_tries;
}

static const struct visit *first_failure(const struct issue_facts *issue)
{
    for (unsigned i = 0; i < issue->n_tries; i++) {
        if (!issue->visits[i].established) {
            return &issue->visits[i];
        }
    }
    return NULL;
}

const struct visit *view_failure(const struct view *view, size_t address)
{
    const struct address_facts *a = &view->facts->addresses[address];
    const struct visit *failure = first_failure(view_issue(view, address));

    for (unsigned m = 0; m < MECHANISMS && failure == NULL && !a->tls; m++) {
        failure = first_failure(&a->issue[m]);
    }
    return failure;
}
