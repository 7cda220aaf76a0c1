#include <string.h>

#include "findings.h"
#include "findings_where.h"
#include "memory.h"
#include "report_text.h"

#define SUMMARY_SIZE 1024
#define RESULT_SIZE 64

/* The cells of a mechanism taken together, those of addresses that are not there left out. */
struct sum {
    size_t n_green, n_tried, n_cells;
    unsigned n_resumed, n_tries;
    bool asked, issued;
};

static struct sum sum_of(const struct facts *facts, enum mechanism m)
{
    struct sum s = {.n_cells = 0};

    for (size_t i = 0; i < facts->n; i++) {
        s.asked |= facts->addresses[i].issue[m].n_tries != 0;
        s.issued |= facts->addresses[i].issue[m].n_issued != 0;
        for (size_t j = 0; j < facts->n; j++) {
            const struct cell *c = facts_cell_of(facts, m, i, j);
            const unsigned good = m == MECHANISM_EARLY ? c->n_early : c->n_resumed;

            if (!facts->addresses[i].tls || !facts->addresses[j].tls) {
                continue;
            }
            s.n_cells++;
            s.n_resumed += good;
            s.n_tries += c->n_tries;
            s.n_tried += c->n_tries != 0;
            s.n_green += c->n_tries != 0 && good == c->n_tries;
        }
    }
    return s;
}

static size_t count_tls(const struct facts *facts)
{
    size_t n = 0;

    for (size_t i = 0; i < facts->n; i++) {
        n += facts->addresses[i].tls;
    }
    return n;
}

/* Addresses of which that is said (findings_where.h). */
static size_t count_state(const struct facts *facts, const char *state)
{
    size_t n = 0;

    for (size_t i = 0; i < facts->n; i++) {
        n += strcmp(where_state(facts, i), state) == 0;
    }
    return n;
}

static bool is_looked_at(const struct facts *facts, unsigned m)
{
    return (facts->mechanisms & 1U << m) != 0 && facts->cells[m] != NULL;
}

static void add_part(struct text *t, size_t *n, const char *s)
{
    text_add(t, *n == 0 ? "" : ", ");
    text_add(t, s);
    *n += 1;
}

/* "TLS 1.2 ticket, TLS 1.3 PSK": those that resume in every cell. */
static size_t add_whole(struct text *t, const struct facts *facts)
{
    size_t n = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (is_looked_at(facts, m)) {
            const struct sum s = sum_of(facts, (enum mechanism)m);

            if (s.n_green == s.n_cells) {
                add_part(t, &n, mechanism_text((enum mechanism)m));
            }
        }
    }
    return n;
}

static void add_result(struct text *t, const struct sum *s)
{
    if (s->asked && !s->issued) {
        text_add(t, "none issued");
    } else if (s->n_tries == 0) {
        text_add(t, "not tried");
    } else if (s->n_resumed == 0) {
        text_add(t, "never");
    } else if (s->n_cells == 1) {
        text_addf(t, "%u of %u tries", s->n_resumed, s->n_tries);
    } else {
        text_addf(t, "%zu of %zu pairs of addresses", s->n_green, s->n_cells);
    }
}

/* What the mechanism came to; false if that is all that was asked for, or it was not looked at. */
static bool result_of(const struct facts *facts, unsigned m, char *out, size_t size)
{
    struct text t = text_of(out, size);
    struct sum s;

    if (!is_looked_at(facts, m)) {
        return false;
    }
    s = sum_of(facts, (enum mechanism)m);
    add_result(&t, &s);
    return s.n_green != s.n_cells;
}

/* "TLS 1.2 ticket, TLS 1.3 PSK: 3 of 9 pairs of addresses": those with one result together. */
static void add_rest(struct text *t, const struct facts *facts, const char *separator)
{
    unsigned told = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        char result[RESULT_SIZE];
        char other[RESULT_SIZE];
        size_t n = 0;

        if ((told & 1U << m) != 0 || !result_of(facts, m, result, sizeof result)) {
            continue;
        }
        text_add(t, separator);
        for (unsigned k = m; k < MECHANISMS; k++) {
            if (result_of(facts, k, other, sizeof other) && strcmp(result, other) == 0) {
                add_part(t, &n, mechanism_text((enum mechanism)k));
                told |= 1U << k;
            }
        }
        text_addf(t, ": %s", result);
        separator = "; ";
    }
}

static bool any_resumed(const struct facts *facts)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (is_looked_at(facts, m) && sum_of(facts, (enum mechanism)m).n_resumed != 0) {
            return true;
        }
    }
    return false;
}

/* "; 1 of 3 addresses cannot be reached" */
static void add_missing(struct text *t, const struct facts *facts)
{
    const size_t unreached = count_state(facts, " (not reached)");
    const size_t without = count_state(facts, " (no TLS)");

    if (unreached != 0) {
        text_addf(t, "; %zu of %zu addresses cannot be reached", unreached, facts->n);
    }
    if (without != 0) {
        text_addf(t, "; %zu of %zu addresses make no TLS handshake", without, facts->n);
    }
}

static bool any_offered(const struct facts *facts)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (is_looked_at(facts, m) && sum_of(facts, (enum mechanism)m).n_tries != 0) {
            return true;
        }
    }
    return false;
}

static void add_verdict(struct text *t, const struct facts *facts)
{
    char whole[256];
    struct text w = text_of(whole, sizeof whole);
    const size_t n = add_whole(&w, facts);
    const size_t n_tls = count_tls(facts);
    size_t asked = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        asked += is_looked_at(facts, m);
    }
    if (n == asked && n_tls == 2) {
        text_addf(t, "Sessions resume between both addresses%s: %s",
                  n_tls < facts->n ? " that answer" : "", whole);
    } else if (n == asked && n_tls > 2) {
        text_addf(t, "Sessions resume between all %zu addresses%s: %s", n_tls,
                  n_tls < facts->n ? " that answer" : "", whole);
    } else if (n == asked) {
        text_addf(t, "Sessions resume: %s", whole);
    } else if (n != 0) {
        text_addf(t, "Sessions resume%s: %s", n_tls > 1 ? " on every address" : "", whole);
        add_rest(t, facts, "; not so ");
    } else {
        text_add(t, n_tls > 1            ? "Sessions do not resume on every address: "
                    : any_resumed(facts) ? "Sessions do not always resume: "
                                         : "Sessions do not resume: ");
        add_rest(t, facts, "");
    }
    add_missing(t, facts);
}

enum rp_status findings_sum_up(struct findings *findings, const struct facts *facts)
{
    char buffer[SUMMARY_SIZE];
    struct text t = text_of(buffer, sizeof buffer);

    if (facts->interrupted && !any_offered(facts)) {
        text_add(&t, "No session was offered yet");
    } else if (facts->issue_only && count_tls(facts) != 0) {
        text_add(&t, "Tickets were asked for, and no session was offered");
        add_missing(&t, facts);
    } else if (count_tls(facts) != 0) {
        add_verdict(&t, facts);
    } else {
        report_text_add(&t, facts->endpoint.host);
        text_add(&t, count_state(facts, " (no TLS)") != 0          ? " makes no TLS handshake"
                     : count_state(facts, " (not reached)") != 0   ? " cannot be reached"
                     : count_state(facts, " (no answer yet)") != 0 ? " has not answered yet"
                                                                   : " was not tried");
        text_add(&t, facts->n > 1 ? " on any address" : "");
    }
    text_add(&t, facts->interrupted               ? " (interrupted: not all was tried)"
                 : facts->trouble.text[0] != '\0' ? " (not all was tried)"
                                                  : "");
    findings->summary = memory_string(buffer);
    return findings->summary != NULL ? RP_OK : RP_NO_MEMORY;
}
