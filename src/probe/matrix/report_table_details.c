#include <inttypes.h>

#include "findings_where.h"
#include "report_lines.h"
#include "report_table.h"
#include "report_text.h"
#include "text.h"

#define LABEL 20 /* columns of the label on the left */
#define LINES_MAX 8

static bool put_members(struct pen *pen, const struct facts *facts, const bool *members)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);
    size_t n = 0;

    for (size_t i = 0; i < facts->n; i++) {
        n += members[i];
    }
    if (n == facts->n) {
        return false; /* all alike: nobody asks which */
    }
    where_add_set(&t, facts, members);
    text_add(&t, ":");
    pen_ink(pen, INK_FAINT);
    pen_wrap(pen, LABEL, buffer);
    pen_ink(pen, INK_PLAIN);
    return true;
}

static void put_lines(struct pen *pen, const struct facts *facts, const char *label,
                      const struct report_lines *lines)
{
    for (size_t i = 0; i < lines->n && i < LINES_MAX; i++) {
        bool named;

        pen_ink(pen, INK_STRONG);
        pen_add(pen, i == 0 ? label : "");
        pen_ink(pen, INK_PLAIN);
        pen_pad(pen, LABEL);
        named = put_members(pen, facts, lines->items[i].members);
        pen_ink(pen, lines->items[i].bad ? INK_BAD : INK_PLAIN);
        (named ? pen_wrap_on : pen_wrap)(pen, LABEL, lines->items[i].text);
        pen_ink(pen, INK_PLAIN);
        pen_line(pen);
    }
    if (lines->n > LINES_MAX) {
        pen_pad(pen, LABEL);
        pen_addf(pen, "and %zu more kinds (--json has all)", lines->n - LINES_MAX);
        pen_line(pen);
    }
}

static void put_more(struct pen *pen, const char *s)
{
    if (s[0] != '\0') {
        pen_pad(pen, LABEL);
        pen_wrap(pen, LABEL, s);
        pen_line(pen);
    }
}

static enum rp_status put_mechanism(struct pen *pen, const struct facts *facts,
                                    const struct findings *findings, enum mechanism m)
{
    struct report_about about;
    const enum rp_status status = report_about(facts, findings, m, &about);

    if (status != RP_OK) {
        return status;
    }
    put_lines(pen, facts, mechanism_text(m), &about.lines);
    report_lines_fini(&about.lines);
    put_more(pen, about.keys);
    put_more(pen, about.groups);
    return RP_OK;
}

/* How long a full handshake took at the address, and a resumed one. */
static void put_times(struct pen *pen, const struct facts *facts, size_t a)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);
    size_t n = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        const struct issue_facts *issue = &facts->addresses[a].issue[m];
        const struct cell *c = facts->cells[m] != NULL ? &facts->cells[m][a * facts->n + a] : NULL;

        if (issue->n_tries == 0 || !issue->visits[0].established) {
            continue;
        }
        text_addf(&t, "%s%s %" PRIu64 " us", n == 0 ? "" : ", ", mechanism_text((enum mechanism)m),
                  issue->visits[0].handshake_us);
        if (c != NULL && c->resumed != NULL) {
            text_addf(&t, " (resumed %" PRIu64 " us)", c->resumed->handshake_us);
        }
        n++;
    }
    pen_pad(pen, LABEL);
    pen_wrap(pen, LABEL, n != 0 ? buffer : "no handshake");
    pen_line(pen);
}

static void put_all_times(struct pen *pen, const struct facts *facts)
{
    for (size_t a = 0; a < facts->n; a++) {
        char buffer[96];
        struct text t = text_of(buffer, sizeof buffer);

        where_add_address(&t, facts, a);
        pen_ink(pen, INK_STRONG);
        pen_add(pen, buffer);
        pen_ink(pen, INK_PLAIN);
        put_times(pen, facts, a);
    }
}

enum rp_status table_put_details(struct pen *pen, const struct facts *facts,
                                 const struct findings *findings)
{
    struct report_lines lines;
    enum rp_status status;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (!report_lines_has(facts, (enum mechanism)m)) {
            continue;
        }
        status = put_mechanism(pen, facts, findings, (enum mechanism)m);
        if (status != RP_OK) {
            return status;
        }
    }
    status = report_lines_certificates(facts, &lines);
    if (status != RP_OK) {
        return status;
    }
    put_lines(pen, facts, "Certificate", &lines);
    report_lines_fini(&lines);
    status = report_lines_servers(facts, &lines);
    if (status != RP_OK) {
        return status;
    }
    put_lines(pen, facts, "Server", &lines);
    report_lines_fini(&lines);
    if (pen->style.verbose) {
        put_all_times(pen, facts);
    }
    pen_line(pen);
    return RP_OK;
}

static void put_age(struct pen *pen, const struct report_age *age)
{
    const bool all = age->n_resumed == age->n_tries;

    pen_add(pen, mechanism_text(age->mechanism));
    pen_pad(pen, LABEL);
    pen_addf(pen, "after %" PRId64 ".%" PRId64 " s resumed ", age->age_ms / 1000,
             age->age_ms % 1000 / 100);
    pen_ink(pen, all ? INK_GOOD : age->n_resumed == 0 ? INK_BAD : INK_SOME);
    pen_addf(pen, "%u of %u", age->n_resumed, age->n_tries);
    pen_ink(pen, INK_PLAIN);
    if (age->lifetime_s != 0) {
        pen_addf(pen, ", lifetime %" PRIu32 " s", age->lifetime_s);
    }
    pen_line(pen);
}

void table_put_aged(struct pen *pen, const struct facts *facts)
{
    struct report_age age;

    for (size_t i = 0; i < facts->n_aged; i++) {
        if (report_age_of(facts, i, &age)) {
            put_age(pen, &age);
        }
    }
    if (facts->n_aged != 0) {
        pen_line(pen);
    }
}
