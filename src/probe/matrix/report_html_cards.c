#include <inttypes.h>

#include "report_findings.h"
#include "report_html.h"
#include "report_lines.h"
#include "report_markup.h"

#include "findings_where.h"
#include "text.h"

static void put_mechanisms(FILE *out, unsigned mechanisms)
{
    const char *separator = "";

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((mechanisms & 1U << m) != 0) {
            (void)fprintf(out, "%s%s", separator, mechanism_text((enum mechanism)m));
            separator = ", ";
        }
    }
}

static void put_item(FILE *out, const char *term, const char *s)
{
    if (s[0] != '\0') {
        (void)fprintf(out, "      <dt>%s</dt><dd>", term);
        markup_text(out, s);
        (void)fputs("</dd>\n", out);
    }
}

static void put_diagnosis(FILE *out, const struct diagnosis *d)
{
    const char *text = cause_text(d->cause);

    (void)fprintf(out, "    <article class=\"card%s\">\n      <h3>%c",
                  d->harmless ? " harmless" : "",
                  text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
    markup_text(out, text + 1);
    (void)fputs("</h3>\n      <p class=\"where\">", out);
    put_mechanisms(out, d->mechanisms);
    (void)fputs(", ", out);
    markup_text(out, d->where);
    (void)fprintf(out, "%s</p>\n      <dl>\n", d->harmless ? " (harmless)" : "");
    put_item(out, "Seen", d->evidence);
    put_item(out, "Do", d->advice);
    (void)fputs("      </dl>\n    </article>\n", out);
}

void html_put_diagnoses(FILE *out, const struct facts *facts, const struct findings *findings)
{
    (void)facts;
    if (findings->n == 0) {
        return;
    }
    (void)fputs(
        "  <section aria-labelledby=\"why\">\n    <h2 id=\"why\">Why, and what to do</h2>\n", out);
    for (size_t i = 0; i < findings->n; i++) {
        put_diagnosis(out, &findings->items[i]);
    }
    (void)fputs("  </section>\n", out);
}

static void put_evidence(FILE *out, const struct audit *audit, size_t i)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);

    report_finding_add_addresses(&t, audit, i);
    put_item(out, buffer[0] != '\0' ? "At" : "", buffer);
    put_item(out, "Seen", audit->findings[i].evidence);
}

/* All that was seen of what finding i names. */
static void put_finding(FILE *out, const struct audit *audit, size_t i)
{
    const enum finding_name name = audit->findings[i].name;
    const char *severity = report_severity_word(finding_severity(name));

    (void)fprintf(out, "    <article class=\"card %s\">\n      <h3>%s: ", severity,
                  finding_word(name));
    markup_text(out, finding_text(name));
    (void)fprintf(out, "</h3>\n      <p class=\"where\">%s: %s</p>\n      <dl>\n", severity,
                  finding_source(name));
    for (size_t k = i; k < audit->n_findings; k++) {
        if (audit->findings[k].name == name && report_finding_is_new(audit, k)) {
            put_evidence(out, audit, k);
        }
    }
    (void)fputs("      </dl>\n    </article>\n", out);
}

static void put_severity(FILE *out, const struct audit *audit, enum severity severity)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        if (finding_severity(audit->findings[i].name) == severity &&
            report_finding_is_first(audit, i)) {
            put_finding(out, audit, i);
        }
    }
}

static void put_check(FILE *out, const struct audit_result *r)
{
    (void)fprintf(out, "        <tr><td>%s</td><td>%zu</td><td>%s</td><td>",
                  audit_check_text(r->check), r->address + 1, audit_outcome_word(r->outcome));
    markup_text(out, r->note);
    (void)fputs("</td></tr>\n", out);
}

void html_put_audit(FILE *out, const struct audit *audit)
{
    (void)fputs("  <section aria-labelledby=\"audit\">\n    <h2 id=\"audit\">Audit</h2>\n", out);
    if (audit->n_findings == 0) {
        (void)fputs("    <p>Nothing was found.</p>\n", out);
    }
    put_severity(out, audit, SEVERITY_BROKEN);
    put_severity(out, audit, SEVERITY_WEAK);
    put_severity(out, audit, SEVERITY_NOTE);
    (void)fprintf(out,
                  "    <details><summary>%zu checks with %u connections</summary>\n"
                  "    <div class=\"scroll\"><table class=\"wide\">\n"
                  "        <tr><th scope=\"col\">Looked at</th><th scope=\"col\">Address</th>"
                  "<th scope=\"col\">Outcome</th><th scope=\"col\">Note</th></tr>\n",
                  audit->n_results, audit->n_connections);
    for (size_t i = 0; i < audit->n_results; i++) {
        put_check(out, &audit->results[i]);
    }
    (void)fputs("    </table></div></details>\n  </section>\n", out);
}

static void put_line(FILE *out, const struct facts *facts, const char *label,
                     const struct report_line *line)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);

    where_add_set(&t, facts, line->members);
    (void)fprintf(out, "      <tr><th scope=\"row\">%s</th><td>", label);
    markup_text(out, buffer);
    (void)fprintf(out, "</td><td%s>", line->bad ? " class=\"attention\"" : "");
    markup_text(out, line->text);
    (void)fputs("</td></tr>\n", out);
}

static void put_lines(FILE *out, const struct facts *facts, const char *label,
                      const struct report_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        put_line(out, facts, i == 0 ? label : "", &lines->items[i]);
    }
}

static void put_more(FILE *out, const char *s)
{
    if (s[0] != '\0') {
        (void)fputs("      <tr><th></th><td></td><td>", out);
        markup_text(out, s);
        (void)fputs("</td></tr>\n", out);
    }
}

static enum rp_status put_mechanism(FILE *out, const struct facts *facts,
                                    const struct findings *findings, enum mechanism m)
{
    struct report_about about;
    const enum rp_status status = report_about(facts, findings, m, &about);

    if (status != RP_OK) {
        return status;
    }
    put_lines(out, facts, mechanism_text(m), &about.lines);
    report_lines_fini(&about.lines);
    put_more(out, about.keys);
    put_more(out, about.groups);
    return RP_OK;
}

static void put_ages(FILE *out, const struct facts *facts)
{
    struct report_age age;

    for (size_t i = 0; i < facts->n_aged; i++) {
        if (report_age_of(facts, i, &age)) {
            (void)fprintf(out,
                          "      <tr><th scope=\"row\">%s</th><td>after %" PRId64 ".%" PRId64
                          " s</td><td>resumed %u of %u times; lifetime %" PRIu32 " s</td></tr>\n",
                          mechanism_text(age.mechanism), age.age_ms / 1000, age.age_ms % 1000 / 100,
                          age.n_resumed, age.n_tries, age.lifetime_s);
        }
    }
}

enum rp_status html_put_details(FILE *out, const struct facts *facts,
                                const struct findings *findings)
{
    struct report_lines lines;
    enum rp_status status;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (!report_lines_has(facts, (enum mechanism)m)) {
            continue;
        }
        status = put_mechanism(out, facts, findings, (enum mechanism)m);
        if (status != RP_OK) {
            return status;
        }
    }
    put_ages(out, facts);
    status = report_lines_certificates(facts, &lines);
    if (status != RP_OK) {
        return status;
    }
    put_lines(out, facts, "Certificate", &lines);
    report_lines_fini(&lines);
    status = report_lines_servers(facts, &lines);
    if (status != RP_OK) {
        return status;
    }
    put_lines(out, facts, "Server", &lines);
    report_lines_fini(&lines);
    return RP_OK;
}
