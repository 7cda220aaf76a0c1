#include "report_lines.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "diagnosis_view.h"
#include "findings_where.h"
#include "memory.h"
#include "report_text.h"
#include "text.h"

#define LINE_SIZE 1024
#define DAY_S 86400
#define SOON_DAYS 14
#define KEYS_SHOWN 6
#define GROUPS_SHOWN 6
#define DIGEST_SHOWN 4
#define NAME_SHOWN 4

static enum rp_status append(struct report_lines *lines, size_t n, size_t address, const char *text,
                             bool bad)
{
    struct report_line *items = memory_resize(lines->items, lines->n, lines->n + 1, sizeof *items);
    struct report_line *line;

    if (items == NULL) {
        return RP_NO_MEMORY;
    }
    lines->items = items;
    line = &items[lines->n];
    lines->n++;
    *line = (struct report_line){.bad = bad};
    line->members = memory_new(n, sizeof *line->members);
    line->text = memory_string(text);
    if (line->members == NULL || line->text == NULL) {
        return RP_NO_MEMORY;
    }
    line->members[address] = true;
    return RP_OK;
}

static enum rp_status add(struct report_lines *lines, size_t n, size_t address, const char *text,
                          bool bad)
{
    if (text[0] == '\0') {
        return RP_OK;
    }
    for (size_t i = 0; i < lines->n; i++) {
        if (strcmp(lines->items[i].text, text) == 0) {
            lines->items[i].members[address] = true;
            return RP_OK;
        }
    }
    return append(lines, n, address, text, bad);
}

enum rp_status report_about(const struct facts *facts, const struct findings *findings,
                            enum mechanism m, struct report_about *out)
{
    struct text keys = text_of(out->keys, sizeof out->keys);
    struct text groups = text_of(out->groups, sizeof out->groups);
    enum rp_status status = report_lines_issued(facts, m, &out->lines);

    if (status != RP_OK) {
        return status;
    }
    status = report_keys_add(&keys, facts, findings, m);
    if (status == RP_OK) {
        status = report_groups_add(&groups, facts, findings, m);
    }
    if (status != RP_OK) {
        report_lines_fini(&out->lines);
    }
    return status;
}

void report_lines_fini(struct report_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        memory_free(lines->items[i].members);
        memory_free(lines->items[i].text);
    }
    memory_free(lines->items);
    *lines = (struct report_lines){.n = 0};
}

static void add_duration(struct text *t, uint32_t seconds)
{
    if (seconds >= DAY_S && seconds % DAY_S == 0) {
        text_addf(t, "%" PRIu32 " d", seconds / DAY_S);
    } else if (seconds >= 3600 && seconds % 3600 == 0) {
        text_addf(t, "%" PRIu32 " h", seconds / 3600);
    } else {
        text_addf(t, "%" PRIu32 " s", seconds);
    }
}

static const struct visit *first_full(const struct issue_facts *issue)
{
    for (unsigned i = 0; i < issue->n_tries; i++) {
        if (issue->visits[i].established) {
            return &issue->visits[i];
        }
    }
    return NULL;
}

static void add_handshake(struct text *t, const struct visit *v)
{
    if (v->cipher != NULL) {
        text_add(t, v->cipher);
    }
    if (v->group != NULL) {
        text_addf(t, ", %s", v->group);
    }
    if (v->version < 0x0304) {
        text_add(t, v->ems ? "" : ", without extended master secret");
    }
    text_add(t, v->hello_retried ? ", after a HelloRetryRequest" : "");
    text_add(t, v->asked_certificate ? ", asks for a client certificate" : "");
    if (v->alpn[0] != '\0') {
        text_add(t, ", ALPN ");
        report_text_add(t, v->alpn);
    }
}

/* The name of the stack without the list of those that use it. */
static void add_stack(struct text *t, const char *stack)
{
    text_add(t, ", like ");
    text_add_n(t, stack, strcspn(stack, ",("));
    if (t->start[t->len - 1] == ' ') {
        t->len--;
        t->start[t->len] = '\0';
    }
    text_add(t, "'s");
}

static void add_layout(struct text *t, const struct host_view *host)
{
    if (host->stateful) {
        text_add(t, ", a session ID: the server keeps the session");
        return;
    }
    text_add(t, host->n_keys == 0 ? ", no key name" : "");
    if (host->stack != NULL) {
        add_stack(t, host->stack);
    }
}

/* Whether all resumptions at the address brought a ticket, of those that succeeded there. */
static void add_renewal(struct text *t, const struct view *view, size_t a)
{
    unsigned resumed = 0;
    unsigned fresh = 0;

    for (size_t i = 0; i < view->facts->n; i++) {
        const struct cell *c = view_cell(view, i, a);

        resumed += c->n_resumed;
        fresh += c->n_new_tickets;
    }
    if (resumed != 0) {
        text_add(t, fresh == 0        ? ", no fresh one on resumption"
                    : fresh < resumed ? ", sometimes a fresh one on resumption"
                                      : ", a fresh one on resumption");
    }
}

static void add_tickets(struct text *t, const struct view *view, size_t a, const struct visit *v)
{
    const struct visit_ticket *ticket = &v->tickets[0];

    if (v->n_tickets == 0) {
        return;
    }
    text_addf(t, "; %u ticket%s a handshake of %u bytes", v->n_tickets,
              v->n_tickets == 1 ? "" : "s", (unsigned)ticket->len);
    add_layout(t, &view->hosts[a]);
    if (ticket->lifetime_s == 0) {
        text_add(t, ", no lifetime given");
    } else {
        text_add(t, ", lifetime ");
        add_duration(t, ticket->lifetime_s);
    }
    add_renewal(t, view, a);
    if (ticket->early_data_max != 0) {
        text_addf(t, ", early data up to %" PRIu32 " bytes", ticket->early_data_max);
    }
}

static bool write_issued(struct text *t, const struct view *view, size_t a)
{
    const struct issue_facts *issue = view_issue(view, a);
    const struct visit *v = first_full(issue);

    if (v == NULL) {
        if (issue->n_tries != 0) {
            report_text_add(t, issue->visits[0].why.text);
        }
        return true;
    }
    add_handshake(t, v);
    if (!mechanism_by_session_id(view->mechanism)) {
        add_tickets(t, view, a, v);
    }
    if (issue->n_issued == 0) {
        text_add(t, mechanism_by_session_id(view->mechanism) ? "; no session ID"
                    : v->n_tickets == 0                      ? "; no ticket"
                                                             : "; none that can be used");
    } else if (issue->n_issued < issue->n_established) {
        text_addf(t, "; issued in %u of %u handshakes", issue->n_issued, issue->n_established);
    }
    return issue->n_issued < issue->n_tries;
}

static bool is_looked_at(const struct facts *facts, enum mechanism m)
{
    return (facts->mechanisms & 1U << m) != 0 && facts->cells[m] != NULL;
}

bool report_lines_has(const struct facts *facts, enum mechanism m)
{
    /* 0-RTT has the tickets of TLS 1.3. */
    return is_looked_at(facts, m) &&
           (m != MECHANISM_EARLY || !is_looked_at(facts, MECHANISM_TICKET13));
}

enum rp_status report_lines_issued(const struct facts *facts, enum mechanism m,
                                   struct report_lines *out)
{
    struct view *view = NULL;
    enum rp_status status = view_new(facts, m, &view);

    *out = (struct report_lines){.n = 0};
    for (size_t a = 0; status == RP_OK && a < facts->n; a++) {
        char buffer[LINE_SIZE];
        struct text t = text_of(buffer, sizeof buffer);
        const bool bad = write_issued(&t, view, a);

        status = add(out, facts->n, a, buffer, bad);
    }
    view_free(&view);
    if (status != RP_OK) {
        report_lines_fini(out);
    }
    return status;
}

static void add_date(struct text *t, int64_t unix_s)
{
    const time_t at = (time_t)unix_s;
    struct tm tm;
    char buffer[32];

    if (gmtime_r(&at, &tm) != NULL && strftime(buffer, sizeof buffer, "%F", &tm) != 0) {
        text_add(t, buffer);
    }
}

static bool write_certificate(struct text *t, const struct facts *facts,
                              const struct visit_certificate *c)
{
    const int64_t left_s = c->not_after_s - facts->began_s;

    text_add(t, c->subject[0] != '\0' ? "" : "no subject");
    report_text_add(t, c->subject);
    text_add(t, ", by ");
    report_text_add(t, c->issuer);
    text_add(t, left_s < 0 ? ", expired " : ", until ");
    add_date(t, c->not_after_s);
    if (left_s >= 0 && left_s < (int64_t)SOON_DAYS * DAY_S) {
        text_addf(t, " (%" PRId64 " days left)", left_s / DAY_S);
    }
    text_add(t, ", SHA-256 ");
    report_text_add_hex(t, c->digest, sizeof c->digest, DIGEST_SHOWN);
    if (c->trouble[0] != '\0') {
        text_add(t, "; ");
        report_text_add(t, c->trouble);
    }
    return left_s < 0;
}

static enum rp_status add_certificates(struct report_lines *out, const struct facts *facts,
                                       size_t a)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        const struct issue_facts *issue = &facts->addresses[a].issue[m];

        for (unsigned i = 0; i < issue->n_tries; i++) {
            char buffer[LINE_SIZE];
            struct text t = text_of(buffer, sizeof buffer);
            bool bad;

            if (!issue->visits[i].certificate.present) {
                continue;
            }
            bad = write_certificate(&t, facts, &issue->visits[i].certificate);
            if (add(out, facts->n, a, buffer, bad) != RP_OK) {
                return RP_NO_MEMORY;
            }
        }
    }
    return RP_OK;
}

enum rp_status report_lines_certificates(const struct facts *facts, struct report_lines *out)
{
    enum rp_status status = RP_OK;

    *out = (struct report_lines){.n = 0};
    for (size_t a = 0; a < facts->n && status == RP_OK; a++) {
        status = add_certificates(out, facts, a);
    }
    if (status != RP_OK) {
        report_lines_fini(out);
    }
    return status;
}

static enum rp_status add_servers(struct report_lines *out, const struct facts *facts, size_t a)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        const struct issue_facts *issue = &facts->addresses[a].issue[m];

        for (unsigned i = 0; i < issue->n_tries; i++) {
            char buffer[LINE_SIZE];
            struct text t = text_of(buffer, sizeof buffer);

            report_text_add(&t, issue->visits[i].http_server);
            if (add(out, facts->n, a, buffer, false) != RP_OK) {
                return RP_NO_MEMORY;
            }
        }
    }
    return RP_OK;
}

enum rp_status report_lines_servers(const struct facts *facts, struct report_lines *out)
{
    enum rp_status status = RP_OK;

    *out = (struct report_lines){.n = 0};
    for (size_t a = 0; a < facts->n && status == RP_OK; a++) {
        status = add_servers(out, facts, a);
    }
    if (status != RP_OK) {
        report_lines_fini(out);
    }
    return status;
}

static bool names_begin_alike(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n_keys; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct key_name *a = &findings->keys[i].name;
            const struct key_name *b = &findings->keys[k].name;

            if (!key_name_equal(a, b) && memcmp(a->bytes, b->bytes, NAME_SHOWN) == 0) {
                return true;
            }
        }
    }
    return false;
}

static enum rp_status add_addresses(struct text *t, const struct facts *facts,
                                    const size_t *addresses, size_t n)
{
    bool *members = memory_new(facts->n, sizeof *members);

    if (members == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        members[addresses[i]] = true;
    }
    where_add_set(t, facts, members);
    memory_free(members);
    return RP_OK;
}

enum rp_status report_keys_add(struct text *t, const struct facts *facts,
                               const struct findings *findings, enum mechanism m)
{
    const size_t shown = names_begin_alike(findings) ? KEY_NAME_MAX : NAME_SHOWN;
    size_t n = 0;

    for (size_t i = 0; i < findings->n_keys; i++) {
        const struct key_group *g = &findings->keys[i];

        if (g->mechanism != m) {
            continue;
        }
        n++;
        if (n > KEYS_SHOWN) {
            continue;
        }
        text_add(t, n == 1 ? "key " : ", ");
        report_text_add_hex(t, g->name.bytes, g->name.len, shown);
        if (g->n_addresses == facts->n) {
            continue;
        }
        text_add(t, " at ");
        if (add_addresses(t, facts, g->addresses, g->n_addresses) != RP_OK) {
            return RP_NO_MEMORY;
        }
    }
    if (n > KEYS_SHOWN) {
        text_addf(t, " and %zu more", n - KEYS_SHOWN);
    }
    return RP_OK;
}

enum rp_status report_groups_add(struct text *t, const struct facts *facts,
                                 const struct findings *findings, enum mechanism m)
{
    size_t n = 0;
    size_t told = 0;

    for (size_t i = 0; i < findings->n_groups; i++) {
        n += findings->groups[i].mechanism == m;
    }
    if (n < 2) {
        return RP_OK;
    }
    text_addf(t, "%zu groups that resume among themselves: ", n);
    for (size_t i = 0; i < findings->n_groups && told < GROUPS_SHOWN; i++) {
        const struct resume_group *g = &findings->groups[i];

        if (g->mechanism != m) {
            continue;
        }
        text_add(t, told == 0 ? "" : "; ");
        if (add_addresses(t, facts, g->addresses, g->n_addresses) != RP_OK) {
            return RP_NO_MEMORY;
        }
        told++;
    }
    text_add(t, told < n ? "; ..." : "");
    return RP_OK;
}

static bool same_age(const struct aged_facts *a, const struct aged_facts *b)
{
    return a->mechanism == b->mechanism && a->age_ms == b->age_ms;
}

bool report_age_of(const struct facts *facts, size_t i, struct report_age *out)
{
    const struct aged_facts *like = &facts->aged[i];

    *out = (struct report_age){
        .mechanism = like->mechanism, .age_ms = like->age_ms, .lifetime_s = like->lifetime_s};
    for (size_t k = 0; k < facts->n_aged; k++) {
        if (!same_age(&facts->aged[k], like)) {
            continue;
        }
        if (k < i) {
            return false;
        }
        out->n_tries += facts->aged[k].n_tries;
        out->n_resumed += facts->aged[k].n_resumed;
    }
    return true;
}
