#include "ticket_findings.h"

#include <string.h>

#include "memory.h"
#include "text.h"

enum rp_status ticket_findings_add(struct ticket_audit *audit, enum ticket_finding_kind kind,
                                   size_t first, size_t second, const char *evidence)
{
    struct ticket_finding *grown;
    struct text t;

    for (size_t i = 0; i < audit->n_findings; i++) {
        struct ticket_finding *f = &audit->findings[i];

        if (f->kind == kind && strncmp(f->evidence, evidence, sizeof f->evidence - 1) == 0) {
            f->n_tickets++;
            return RP_OK;
        }
    }
    grown = memory_resize(audit->findings, audit->n_findings, audit->n_findings + 1,
                          sizeof *audit->findings);
    if (grown == NULL) {
        return RP_NO_MEMORY;
    }
    audit->findings = grown;
    grown = &audit->findings[audit->n_findings++];
    *grown =
        (struct ticket_finding){.kind = kind, .first = first, .second = second, .n_tickets = 1};
    t = text_of(grown->evidence, sizeof grown->evidence);
    text_add(&t, evidence);
    return RP_OK;
}

static const struct {
    const char *word, *text;
    bool fault;
} texts[] = {
#define TICKET_FINDING_TEXT(name, word, text, fault) {word, text, fault},
    TICKET_FINDING_MAP(TICKET_FINDING_TEXT)
#undef TICKET_FINDING_TEXT
};

const char *ticket_finding_word(enum ticket_finding_kind kind)
{
    return texts[kind].word;
}

const char *ticket_finding_text(enum ticket_finding_kind kind)
{
    return texts[kind].text;
}

bool ticket_finding_is_fault(enum ticket_finding_kind kind)
{
    return texts[kind].fault;
}
