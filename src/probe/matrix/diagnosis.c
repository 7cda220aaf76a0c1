#include "diagnosis.h"

#include "diagnosis_cell.h"
#include "diagnosis_view.h"
#include "findings.h"
#include "findings_draft.h"
#include "group.h"
#include "memory.h"

static bool ticket_of(enum mechanism m, enum mechanism *ticket)
{
    switch (m) {
    case MECHANISM_ID12:
        *ticket = MECHANISM_TICKET12;
        return true;
    case MECHANISM_ID11:
        *ticket = MECHANISM_TICKET11;
        return true;
    case MECHANISM_ID10:
        *ticket = MECHANISM_TICKET10;
        return true;
    case MECHANISM_TICKET12:
        *ticket = MECHANISM_ID12;
        return true;
    case MECHANISM_TICKET13:
    case MECHANISM_EARLY:
    case MECHANISM_TICKET11:
    case MECHANISM_TICKET10:
        break;
    }
    return false;
}

static bool is_green(const struct view *view, const struct draft *draft)
{
    for (size_t k = 0; k < draft->n_cells; k++) {
        const size_t n = view->facts->n;

        if (!view_is_green(view, draft->cells[k] / n, draft->cells[k] % n)) {
            return false;
        }
    }
    return true;
}

/* All of these cells resume by the other of session ID and ticket. */
static bool is_made_up_for(const struct view *view, const struct draft *draft)
{
    struct view other = *view;

    if (!ticket_of(view->mechanism, &other.mechanism) ||
        view->facts->cells[other.mechanism] == NULL) {
        return false;
    }
    return is_green(&other, draft);
}

static bool is_harmless(const struct view *view, const struct draft *draft)
{
    const bool all = draft_n_at(draft, view->facts->n) == view->facts->n;
    const bool by_id = mechanism_by_session_id(view->mechanism);

    switch (draft->cause) {
    case CAUSE_NOT_ISSUED:
        return view->mechanism == MECHANISM_EARLY ||
               ((all || by_id) && is_made_up_for(view, draft));
    case CAUSE_NOT_KEPT:
    case CAUSE_CACHE_NOT_SHARED:
    case CAUSE_CACHE_PER_PROCESS:
        return by_id && is_made_up_for(view, draft);
    case CAUSE_VERSION:
        return all;
    case CAUSE_EARLY_REFUSED:
        return true;
    case CAUSE_SINGLE_USE:
        return mechanism_version(view->mechanism) >= 0x0304 || is_green(view, draft);
    case CAUSE_UNREACHABLE:
    case CAUSE_NO_TLS:
    case CAUSE_UNSTABLE:
    case CAUSE_KEY_NOT_SHARED:
    case CAUSE_KEY_LAGGING:
    case CAUSE_KEY_PER_PROCESS:
    case CAUSE_MIXED:
    case CAUSE_SAME_KEY_REFUSED:
    case CAUSE_EMS:
    case CAUSE_CIPHER:
    case CAUSE_SNI:
    case CAUSE_EXPIRED:
    case CAUSE_EXPIRED_EARLY:
    case CAUSE_ALERT:
    case CAUSE_CUT:
    case CAUSE_INVALID:
    case CAUSE_UNKNOWN:
        break;
    }
    return false;
}

/* What was refused although it was younger than its lifetime, and resumed at once before. */
static enum rp_status judge_aged(struct drafts *drafts, const struct view *view)
{
    for (size_t k = 0; k < view->facts->n_aged; k++) {
        const struct aged_facts *aged = &view->facts->aged[k];
        const struct judged j = {true, CAUSE_EXPIRED_EARLY, 0, aged->address};

        if (aged->mechanism == view->mechanism && aged->n_tries != 0 && aged->n_resumed == 0 &&
            aged->age_ms < (int64_t)aged->lifetime_s * 1000 &&
            view_is_green(view, aged->address, aged->address) &&
            drafts_add(drafts, &j, aged->address, aged->address) != RP_OK) {
            return RP_NO_MEMORY;
        }
    }
    return RP_OK;
}

static enum rp_status judge_all(struct drafts *drafts, const struct view *view)
{
    const size_t n = view->facts->n;

    for (size_t i = 0; i < n; i++) {
        const struct judged own = address_judge(view, i);

        for (size_t j = 0; j < n; j++) {
            const struct judged judged = cell_judge(view, i, j);

            if (judged.any && drafts_add(drafts, &judged, i, j) != RP_OK) {
                return RP_NO_MEMORY;
            }
        }
        if (own.any && !cell_judge(view, i, i).any && drafts_add(drafts, &own, i, i) != RP_OK) {
            return RP_NO_MEMORY;
        }
    }
    return judge_aged(drafts, view);
}

static enum rp_status diagnose_mechanism(struct findings *findings, const struct facts *facts,
                                         enum mechanism m)
{
    struct drafts drafts = {.n_addresses = facts->n};
    struct view *view = NULL;
    enum rp_status status = view_new(facts, m, &view);

    if (status != RP_OK) {
        return status;
    }
    status = judge_all(&drafts, view);
    for (size_t i = 0; i < drafts.n && status == RP_OK; i++) {
        status =
            findings_add(findings, view, &drafts.items[i], is_harmless(view, &drafts.items[i]));
    }
    if (status == RP_OK) {
        status = group_keys(findings, view);
    }
    if (status == RP_OK) {
        status = group_resumes(findings, view);
    }
    drafts_fini(&drafts);
    view_free(&view);
    return status;
}

enum rp_status diagnose(const struct facts *facts, struct findings **out)
{
    struct findings *findings = memory_new(1, sizeof *findings);
    enum rp_status status = RP_OK;

    *out = NULL;
    if (findings == NULL) {
        return RP_NO_MEMORY;
    }
    for (unsigned m = 0; m < MECHANISMS && status == RP_OK; m++) {
        if ((facts->mechanisms & 1U << m) != 0 && facts->cells[m] != NULL) {
            status = diagnose_mechanism(findings, facts, (enum mechanism)m);
        }
    }
    if (status == RP_OK) {
        findings_sort(findings);
        status = findings_sum_up(findings, facts);
    }
    if (status != RP_OK) {
        findings_free(&findings);
        return status;
    }
    *out = findings;
    return RP_OK;
}
