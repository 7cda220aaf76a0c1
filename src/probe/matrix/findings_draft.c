#include "findings_draft.h"

#include "memory.h"

static struct draft *find(struct drafts *drafts, const struct judged *judged)
{
    for (size_t i = 0; i < drafts->n; i++) {
        if (drafts->items[i].cause == judged->cause && drafts->items[i].detail == judged->detail) {
            return &drafts->items[i];
        }
    }
    return NULL;
}

static struct draft *append(struct drafts *drafts, const struct judged *judged)
{
    struct draft *items =
        memory_resize(drafts->items, drafts->n, drafts->n + 1, sizeof *drafts->items);
    struct draft *draft;

    if (items == NULL) {
        return NULL;
    }
    drafts->items = items;
    draft = &items[drafts->n];
    *draft = (struct draft){.cause = judged->cause, .detail = judged->detail};
    draft->at = memory_new(drafts->n_addresses, sizeof *draft->at);
    draft->in = memory_new(drafts->n_addresses, sizeof *draft->in);
    if (draft->at == NULL || draft->in == NULL) {
        memory_free(draft->at);
        memory_free(draft->in);
        return NULL;
    }
    drafts->n++;
    return draft;
}

static enum rp_status add_cell(struct draft *draft, size_t cell)
{
    if (draft->n_cells == draft->room) {
        const size_t room = draft->room == 0 ? 16 : 2 * draft->room;
        size_t *cells = memory_resize(draft->cells, draft->room, room, sizeof *cells);

        if (cells == NULL) {
            return RP_NO_MEMORY;
        }
        draft->cells = cells;
        draft->room = room;
    }
    draft->cells[draft->n_cells] = cell;
    draft->n_cells++;
    return RP_OK;
}

enum rp_status drafts_add(struct drafts *drafts, const struct judged *judged, size_t issued_at,
                          size_t offered_at)
{
    struct draft *draft = find(drafts, judged);

    if (draft == NULL) {
        draft = append(drafts, judged);
    }
    if (draft == NULL) {
        return RP_NO_MEMORY;
    }
    if (judged->at == CELL_NOWHERE) {
        draft->between = true;
    } else {
        draft->at[judged->at] = true;
    }
    draft->in[issued_at] = true;
    draft->in[offered_at] = true;
    return add_cell(draft, issued_at * drafts->n_addresses + offered_at);
}

void drafts_fini(struct drafts *drafts)
{
    for (size_t i = 0; i < drafts->n; i++) {
        memory_free(drafts->items[i].at);
        memory_free(drafts->items[i].in);
        memory_free(drafts->items[i].cells);
    }
    memory_free(drafts->items);
    drafts->items = NULL;
    drafts->n = 0;
}

size_t draft_n_at(const struct draft *draft, size_t n_addresses)
{
    size_t n = 0;

    for (size_t i = 0; i < n_addresses; i++) {
        n += draft->at[i];
    }
    return n;
}
