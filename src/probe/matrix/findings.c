#include "findings.h"

#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "diagnosis_evidence.h"
#include "findings_where.h"
#include "memory.h"

#define WHERE_SIZE 768
#define EVIDENCE_SIZE 1536
#define MERGED_SIZE 4096
#define ADVICE_SIZE 768

static const struct {
    const char *word, *text;
} causes[] = {
#define CAUSE_TEXT(name, word, text) {word, text},
    CAUSE_MAP(CAUSE_TEXT)
#undef CAUSE_TEXT
};

const char *cause_word(enum cause cause)
{
    return causes[cause].word;
}

const char *cause_text(enum cause cause)
{
    return causes[cause].text;
}

static void diagnosis_fini(struct diagnosis *d)
{
    memory_free(d->addresses);
    memory_free(d->cells);
    memory_free(d->where);
    memory_free(d->evidence);
    memory_free(d->advice);
}

void findings_free(struct findings **findings)
{
    struct findings *f = *findings;

    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        diagnosis_fini(&f->items[i]);
    }
    for (size_t i = 0; i < f->n_keys; i++) {
        memory_free(f->keys[i].addresses);
    }
    for (size_t i = 0; i < f->n_groups; i++) {
        memory_free(f->groups[i].addresses);
    }
    memory_free(f->items);
    memory_free(f->keys);
    memory_free(f->groups);
    memory_free(f->summary);
    memory_free(f);
    *findings = NULL;
}

/* At the addresses at fault, if it lies at them alone; else the cells. */
static enum rp_status write_where(struct diagnosis *d, const struct view *view,
                                  const struct draft *draft)
{
    char buffer[WHERE_SIZE];
    struct text t = text_of(buffer, sizeof buffer);

    if (!draft->between) {
        text_add(&t, "at ");
        where_add_set(&t, view->facts, draft->at);
    } else if (where_add_cells(&t, view->facts, draft->cells, draft->n_cells) != RP_OK) {
        return RP_NO_MEMORY;
    }
    d->where = memory_string(buffer);
    return d->where != NULL ? RP_OK : RP_NO_MEMORY;
}

static enum rp_status write_texts(struct diagnosis *d, const struct view *view,
                                  const struct draft *draft)
{
    char evidence[EVIDENCE_SIZE];
    char advice[ADVICE_SIZE];
    struct text e = text_of(evidence, sizeof evidence);
    struct text a = text_of(advice, sizeof advice);

    evidence_add(&e, view, draft);
    advice_add(&a, view, draft);
    d->evidence = memory_string(evidence);
    d->advice = memory_string(advice);
    return d->evidence != NULL && d->advice != NULL ? write_where(d, view, draft) : RP_NO_MEMORY;
}

static enum rp_status copy_sets(struct diagnosis *d, const struct view *view,
                                const struct draft *draft)
{
    const size_t n_at = draft->between ? 0 : draft_n_at(draft, view->facts->n);

    d->cells = memory_new(draft->n_cells, sizeof *d->cells);
    d->addresses = memory_new(n_at != 0 ? n_at : 1, sizeof *d->addresses);
    if (d->cells == NULL || d->addresses == NULL) {
        return RP_NO_MEMORY;
    }
    memcpy(d->cells, draft->cells, draft->n_cells * sizeof *d->cells);
    d->n_cells = draft->n_cells;
    for (size_t a = 0; n_at != 0 && a < view->facts->n; a++) {
        if (draft->at[a]) {
            d->addresses[d->n_addresses] = a;
            d->n_addresses++;
        }
    }
    return RP_OK;
}

static bool is_alike(const struct diagnosis *a, const struct diagnosis *b)
{
    return a->cause == b->cause && a->harmless == b->harmless && a->n_cells == b->n_cells &&
           memcmp(a->cells, b->cells, a->n_cells * sizeof *a->cells) == 0 &&
           strcmp(a->where, b->where) == 0 && strcmp(a->advice, b->advice) == 0;
}

static void add_mechanisms(struct text *t, unsigned mechanisms)
{
    const char *separator = "";

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((mechanisms & 1U << m) != 0) {
            text_addf(t, "%s%s", separator, mechanism_text((enum mechanism)m));
            separator = ", ";
        }
    }
}

/* One diagnosis of both: where the evidence is not the same, each mechanism has its own. */
static enum rp_status merge(struct diagnosis *into, const struct diagnosis *more, bool labelled)
{
    char buffer[MERGED_SIZE];
    struct text t = text_of(buffer, sizeof buffer);
    char *evidence;

    if (!labelled && strcmp(into->evidence, more->evidence) == 0) {
        into->mechanisms |= more->mechanisms;
        return RP_OK;
    }
    if (!labelled) {
        add_mechanisms(&t, into->mechanisms);
        text_add(&t, ": ");
    }
    text_add(&t, into->evidence);
    text_add(&t, "; ");
    add_mechanisms(&t, more->mechanisms);
    text_addf(&t, ": %s", more->evidence);
    evidence = memory_string(buffer);
    if (evidence == NULL) {
        return RP_NO_MEMORY;
    }
    memory_free(into->evidence);
    into->evidence = evidence;
    into->mechanisms |= more->mechanisms;
    return RP_OK;
}

static bool is_labelled(const struct diagnosis *d)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        const char *text = mechanism_text((enum mechanism)m);

        if (strncmp(d->evidence, text, strlen(text)) == 0) {
            return true;
        }
    }
    return false;
}

static enum rp_status append(struct findings *findings, struct diagnosis *d)
{
    struct diagnosis *items =
        memory_resize(findings->items, findings->n, findings->n + 1, sizeof *items);

    if (items == NULL) {
        return RP_NO_MEMORY;
    }
    findings->items = items;
    items[findings->n] = *d;
    findings->n++;
    *d = (struct diagnosis){0}; /* transferred */
    return RP_OK;
}

enum rp_status findings_add(struct findings *findings, const struct view *view,
                            const struct draft *draft, bool harmless)
{
    struct diagnosis d = {
        .mechanisms = 1U << view->mechanism, .cause = draft->cause, .harmless = harmless};
    enum rp_status status = RP_NO_MEMORY;

    if (copy_sets(&d, view, draft) != RP_OK || write_texts(&d, view, draft) != RP_OK) {
        goto done;
    }
    for (size_t i = 0; i < findings->n; i++) {
        struct diagnosis *item = &findings->items[i];

        if (is_alike(item, &d)) {
            status = merge(item, &d, is_labelled(item));
            goto done;
        }
    }
    status = append(findings, &d);

done:
    diagnosis_fini(&d);
    return status;
}

static int order(const void *x, const void *y)
{
    const struct diagnosis *a = x;
    const struct diagnosis *b = y;

    if (a->harmless != b->harmless) {
        return a->harmless ? 1 : -1;
    }
    if (a->cause != b->cause) {
        return a->cause < b->cause ? -1 : 1;
    }
    return a->mechanisms < b->mechanisms ? -1 : a->mechanisms > b->mechanisms;
}

void findings_sort(struct findings *findings)
{
    if (findings->n != 0) {
        qsort(findings->items, findings->n, sizeof *findings->items, order);
    }
}
