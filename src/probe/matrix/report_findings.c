#include "report_findings.h"

#include <string.h>

#include "report_text.h"

#define ADDRESSES_TOLD_MAX 3

const char *report_severity_word(enum severity severity)
{
    switch (severity) {
    case SEVERITY_NOTE:
        return "note";
    case SEVERITY_WEAK:
        return "weak";
    case SEVERITY_BROKEN:
        return "broken";
    }
    return "";
}

static bool says_the_same(const struct finding *a, const struct finding *b)
{
    return a->name == b->name && strcmp(a->evidence, b->evidence) == 0;
}

bool report_finding_is_first(const struct audit *audit, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (audit->findings[k].name == audit->findings[i].name) {
            return false;
        }
    }
    return true;
}

bool report_finding_is_new(const struct audit *audit, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (says_the_same(&audit->findings[k], &audit->findings[i])) {
            return false;
        }
    }
    return true;
}

void report_finding_add_addresses(struct text *t, const struct audit *audit, size_t i)
{
    size_t n = 0;

    for (size_t k = i; k < audit->n_findings; k++) {
        const struct finding *f = &audit->findings[k];

        if (f->address[0] == '\0' || !says_the_same(f, &audit->findings[i])) {
            continue;
        }
        n++;
        if (n <= ADDRESSES_TOLD_MAX) {
            text_add(t, n == 1 ? "" : ", ");
            report_text_add(t, f->address);
        }
    }
    if (n > ADDRESSES_TOLD_MAX) {
        text_addf(t, " and %zu more", n - ADDRESSES_TOLD_MAX);
    }
}

static size_t count(const struct audit *audit, enum severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < audit->n_findings; i++) {
        n += finding_severity(audit->findings[i].name) == severity &&
             report_finding_is_first(audit, i);
    }
    return n;
}

void report_findings_add_counts(struct text *t, const struct audit *audit)
{
    const size_t broken = count(audit, SEVERITY_BROKEN);
    const size_t weak = count(audit, SEVERITY_WEAK);
    const size_t notes = count(audit, SEVERITY_NOTE);

    if (broken != 0) {
        text_addf(t, "%zu broken", broken);
    }
    if (weak != 0) {
        text_addf(t, "%s%zu weak", broken != 0 ? ", " : "", weak);
    }
    if (notes != 0) {
        text_addf(t, "%s%zu note%s", broken + weak != 0 ? ", " : "", notes, notes == 1 ? "" : "s");
    }
    if (broken + weak + notes == 0) {
        text_add(t, "nothing found");
    }
}

bool report_all_is_well(const struct facts *facts, const struct findings *findings,
                        const struct audit *audit)
{
    return (findings->n == 0 || findings->items[0].harmless) && !facts->interrupted &&
           facts->trouble.text[0] == '\0' &&
           (audit == NULL || count(audit, SEVERITY_BROKEN) + count(audit, SEVERITY_WEAK) == 0);
}
