#include <ctype.h>
#include <inttypes.h>

#include "audit.h"
#include "findings_where.h"
#include "report_findings.h"
#include "report_table.h"
#include "report_text.h"
#include "text.h"

#define INDENT 2
#define TITLE_INDENT 8
#define EVIDENCE_MAX 4

static void put_mechanisms(struct text *t, unsigned mechanisms)
{
    const char *separator = "";

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((mechanisms & 1U << m) != 0) {
            text_addf(t, "%s%s", separator, mechanism_text((enum mechanism)m));
            separator = ", ";
        }
    }
}

static void put_labelled(struct pen *pen, const char *label, const char *s)
{
    if (s[0] == '\0') {
        return;
    }
    pen_pad(pen, INDENT);
    pen_ink(pen, INK_FAINT);
    pen_add(pen, label);
    pen_ink(pen, INK_PLAIN);
    pen_pad(pen, INDENT + 6);
    pen_wrap(pen, INDENT + 6, s);
    pen_line(pen);
}

static void put_diagnosis(struct pen *pen, const struct diagnosis *d)
{
    char buffer[1024];
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, cause_text(d->cause));
    text_add(&t, ": ");
    put_mechanisms(&t, d->mechanisms);
    text_addf(&t, ", %s", d->where);
    if (!d->harmless) {
        buffer[0] = (char)toupper((unsigned char)buffer[0]);
    }
    pen_line(pen);
    pen_ink(pen, d->harmless ? INK_FAINT : INK_BAD);
    if (d->harmless) {
        pen_add(pen, "note: ");
    } else {
        pen_mark(pen, MARK_BAD);
        pen_add(pen, " ");
    }
    pen_ink(pen, INK_PLAIN);
    pen_ink(pen, d->harmless ? INK_PLAIN : INK_STRONG);
    pen_wrap(pen, INDENT, buffer);
    pen_ink(pen, INK_PLAIN);
    pen_line(pen);
    put_labelled(pen, "seen", d->evidence);
    put_labelled(pen, "do", d->advice);
}

void table_put_conclusion(struct pen *pen, const struct facts *facts,
                          const struct findings *findings, const struct audit *audit)
{
    const bool good = report_all_is_well(facts, findings, audit);
    char buffer[80];
    struct text t = text_of(buffer, sizeof buffer);

    pen_ink(pen, good ? INK_GOOD : INK_BAD);
    pen_wrap(pen, 0, findings->summary);
    if (audit != NULL) {
        text_add(&t, "; audit: ");
        report_findings_add_counts(&t, audit);
        pen_wrap(pen, 0, buffer);
    }
    pen_ink(pen, INK_PLAIN);
    pen_line(pen);
    for (size_t i = 0; i < findings->n; i++) {
        put_diagnosis(pen, &findings->items[i]);
    }
}

static void put_title(struct pen *pen, enum finding_name name)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);
    const enum severity severity = finding_severity(name);

    pen_ink(pen, severity == SEVERITY_BROKEN ? INK_BAD
                 : severity == SEVERITY_WEAK ? INK_SOME
                                             : INK_FAINT);
    pen_add(pen, report_severity_word(severity));
    pen_ink(pen, INK_PLAIN);
    pen_pad(pen, TITLE_INDENT);
    text_addf(&t, "%s: %s (%s)", finding_word(name), finding_text(name), finding_source(name));
    pen_ink(pen, INK_STRONG);
    pen_wrap(pen, TITLE_INDENT, buffer);
    pen_ink(pen, INK_PLAIN);
    pen_line(pen);
}

static void put_evidence(struct pen *pen, const struct audit *audit, size_t i)
{
    char buffer[2816];
    struct text t = text_of(buffer, sizeof buffer);

    report_finding_add_addresses(&t, audit, i);
    text_add(&t, t.len != 0 ? ": " : "");
    report_text_add(&t, audit->findings[i].evidence);
    pen_pad(pen, TITLE_INDENT);
    pen_wrap(pen, TITLE_INDENT, buffer);
    pen_line(pen);
}

/* All that was seen of what finding i names. */
static void put_finding(struct pen *pen, const struct audit *audit, size_t i)
{
    size_t n = 0;

    put_title(pen, audit->findings[i].name);
    for (size_t k = i; k < audit->n_findings; k++) {
        if (audit->findings[k].name != audit->findings[i].name ||
            !report_finding_is_new(audit, k)) {
            continue;
        }
        n++;
        if (n <= EVIDENCE_MAX) {
            put_evidence(pen, audit, k);
        }
    }
    if (n > EVIDENCE_MAX) {
        pen_pad(pen, TITLE_INDENT);
        pen_addf(pen, "and %zu more (--json has all)", n - EVIDENCE_MAX);
        pen_line(pen);
    }
}

static void put_severity(struct pen *pen, const struct audit *audit, enum severity severity)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        if (finding_severity(audit->findings[i].name) == severity &&
            report_finding_is_first(audit, i)) {
            put_finding(pen, audit, i);
        }
    }
}

static size_t count(const struct audit *audit, enum audit_outcome outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < audit->n_results; i++) {
        n += audit->results[i].outcome == outcome;
    }
    return n;
}

/* What could not be judged, once for each reason. */
static void put_not_judged(struct pen *pen, const struct audit *audit)
{
    for (unsigned check = 0; check < AUDIT_CHECKS; check++) {
        const struct audit_result *first = NULL;
        char buffer[1280];
        struct text t = text_of(buffer, sizeof buffer);

        for (size_t i = 0; i < audit->n_results && first == NULL; i++) {
            if (audit->results[i].check == (enum audit_check)check &&
                audit->results[i].outcome == AUDIT_NOT_JUDGED) {
                first = &audit->results[i];
            }
        }
        if (first == NULL) {
            continue;
        }
        text_addf(&t, "%s not judged: ", audit_check_word((enum audit_check)check));
        report_text_add(&t, first->note);
        pen_ink(pen, INK_FAINT);
        pen_wrap(pen, 8, buffer);
        pen_ink(pen, INK_PLAIN);
        pen_line(pen);
    }
}

void table_put_audit(struct pen *pen, const struct audit *audit)
{
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    pen_ink(pen, INK_STRONG);
    pen_add(pen, "Audit");
    pen_ink(pen, INK_PLAIN);
    report_findings_add_counts(&t, audit);
    pen_addf(pen, ": %s; of %zu checks %zu passed, %zu did not apply, %zu not judged", buffer,
             audit->n_results, count(audit, AUDIT_PASSED), count(audit, AUDIT_NOT_APPLICABLE),
             count(audit, AUDIT_NOT_JUDGED));
    pen_addf(pen, " (%u connections, %" PRId64 ".%" PRId64 " s)%s", audit->n_connections,
             audit->took_ms / 1000, audit->took_ms % 1000 / 100,
             audit->interrupted ? ", interrupted" : "");
    pen_line(pen);
    put_severity(pen, audit, SEVERITY_BROKEN);
    put_severity(pen, audit, SEVERITY_WEAK);
    put_severity(pen, audit, SEVERITY_NOTE);
    put_not_judged(pen, audit);
    pen_line(pen);
}
