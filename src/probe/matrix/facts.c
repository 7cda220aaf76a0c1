#include "facts.h"

#include <string.h>

#include "memory.h"

static void nothing_tried(struct address_facts *a)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        a->own[m].n_twice_tries = -1;
        a->own[m].n_twice = -1;
        a->own[m].n_again_tries = -1;
        a->own[m].n_again = -1;
        a->own[m].n_no_sni_tries = -1;
        a->own[m].n_no_sni = -1;
        a->own[m].n_cut_tries = -1;
        a->own[m].n_cut = -1;
    }
}

static bool make_cells(struct facts *f)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((f->mechanisms & (1U << m)) != 0) {
            f->cells[m] = memory_new(f->n * f->n, sizeof *f->cells[m]);
            if (f->cells[m] == NULL) {
                return false;
            }
        }
    }
    return true;
}

enum rp_status facts_new(const struct endpoint *endpoint, const struct peer_address *addresses,
                         size_t n, unsigned mechanisms, struct facts **out)
{
    struct facts *f = memory_new(1, sizeof *f);

    *out = NULL;
    if (f == NULL) {
        return RP_NO_MEMORY;
    }
    f->endpoint = *endpoint;
    f->mechanisms = mechanisms;
    f->n = n;
    f->addresses = memory_new(n, sizeof *f->addresses);
    if (f->addresses == NULL || !make_cells(f)) {
        facts_free(&f);
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        f->addresses[i].address = addresses[i];
        nothing_tried(&f->addresses[i]);
    }
    *out = f;
    return RP_OK;
}

static void free_cells(struct cell *cells, size_t n)
{
    if (cells == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memory_free(cells[i].resumed);
        memory_free(cells[i].full);
        memory_free(cells[i].failed);
    }
    memory_free(cells);
}

void facts_free(struct facts **facts)
{
    struct facts *f = *facts;

    if (f == NULL) {
        return;
    }
    for (unsigned m = 0; m < MECHANISMS; m++) {
        free_cells(f->cells[m], f->n * f->n);
        for (size_t i = 0; f->addresses != NULL && i < f->n; i++) {
            memory_free(f->addresses[i].issue[m].visits);
        }
    }
    memory_free(f->addresses);
    memory_free(f->aged);
    memory_free(f);
    *facts = NULL;
}

struct visit *facts_add_visit(struct issue_facts *issue)
{
    struct visit *visits =
        memory_resize(issue->visits, issue->n_tries, issue->n_tries + 1, sizeof *visits);

    if (visits == NULL) {
        return NULL;
    }
    issue->visits = visits;
    return &visits[issue->n_tries++];
}

const struct cell *facts_cell_of(const struct facts *facts, enum mechanism m, size_t issued_at,
                                 size_t offered_at)
{
    return facts->cells[m] != NULL ? &facts->cells[m][issued_at * facts->n + offered_at] : NULL;
}

struct cell *facts_cell(struct facts *facts, enum mechanism m, size_t issued_at, size_t offered_at)
{
    return facts->cells[m] != NULL ? &facts->cells[m][issued_at * facts->n + offered_at] : NULL;
}
