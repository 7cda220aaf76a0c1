#include "report_json.h"

#include "report_object.h"

static json_t *visits_json(const struct view *view, size_t a)
{
    const struct issue_facts *issue = view_issue(view, a);
    struct list l = list_new();

    for (unsigned i = 0; i < issue->n_tries; i++) {
        list_add(&l, report_json_visit(&issue->visits[i], &view->hosts[a]));
    }
    return list_done(&l);
}

/* null: not made. */
static json_t *experiment_json(int tries, int resumed)
{
    struct object o;

    if (tries < 0) {
        return json_null();
    }
    o = object_new();
    object_put_count(&o, "tries", (uint64_t)tries);
    object_put_count(&o, "resumed", resumed > 0 ? (uint64_t)resumed : 0);
    return object_done(&o);
}

static json_t *experiments_json(const struct address_facts *a, enum mechanism m)
{
    struct object o = object_new();

    object_put(&o, "resumed_twice", experiment_json(a->own[m].n_twice_tries, a->own[m].n_twice));
    object_put(&o, "once_more", experiment_json(a->own[m].n_again_tries, a->own[m].n_again));
    object_put(&o, "without_sni", experiment_json(a->own[m].n_no_sni_tries, a->own[m].n_no_sni));
    object_put(&o, "past_lifetime", experiment_json(a->own[m].n_cut_tries, a->own[m].n_cut));
    return object_done(&o);
}

static json_t *issue_json(const struct view *view, size_t a)
{
    const struct issue_facts *issue = view_issue(view, a);
    const struct address_facts *address = &view->facts->addresses[a];
    struct object o = object_new();

    object_put_text(&o, "address", address->address.text);
    object_put_count(&o, "tries", issue->n_tries);
    object_put_count(&o, "established", issue->n_established);
    object_put_count(&o, "issued", issue->n_issued);
    object_put_own(&o, "stack", view->hosts[a].stack);
    object_put(&o, "experiments", experiments_json(address, view->mechanism));
    object_put(&o, "visits", visits_json(view, a));
    return object_done(&o);
}

static json_t *issues_json(const struct view *view)
{
    struct list l = list_new();

    for (size_t a = 0; a < view->facts->n; a++) {
        list_add(&l, issue_json(view, a));
    }
    return list_done(&l);
}

static json_t *cell_json(const struct view *view, size_t i, size_t j)
{
    const struct cell *c = view_cell(view, i, j);
    const struct visit *good = c->resumed;
    struct object o = object_new();

    object_put_count(&o, "tries", c->n_tries);
    object_put_count(&o, "resumed", c->n_resumed);
    object_put_count(&o, "full", c->n_full);
    object_put_count(&o, "failed", c->n_failed);
    object_put_count(&o, "early", c->n_early);
    object_put_count(&o, "new_tickets", c->n_new_tickets);
    object_put(&o, "handshake_us",
               good != NULL ? json_integer((json_int_t)good->handshake_us) : json_null());
    object_put(&o, "declined", report_json_declined(c->full, &view->hosts[j]));
    object_put(&o, "failure", report_json_failure(c->failed));
    return object_done(&o);
}

static json_t *row_json(const struct view *view, size_t i)
{
    struct list l = list_new();

    for (size_t j = 0; j < view->facts->n; j++) {
        list_add(&l, cell_json(view, i, j));
    }
    return list_done(&l);
}

static json_t *matrix_json(const struct view *view)
{
    struct list l = list_new();

    for (size_t i = 0; i < view->facts->n; i++) {
        list_add(&l, row_json(view, i));
    }
    return list_done(&l);
}

/* all, some, none of the cells that were tried resume every time; not-tried: there is none. */
static const char *word_of(size_t green, size_t tried, size_t cells, unsigned resumed)
{
    if (tried == 0) {
        return "not-tried";
    }
    if (green == cells) {
        return "all";
    }
    return resumed != 0 ? "some" : "none";
}

static void put_counts(struct object *o, const struct view *view)
{
    const size_t n = view->facts->n;
    size_t green = 0;
    size_t tried = 0;
    unsigned resumed = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            const struct cell *c = view_cell(view, i, j);

            green += view_is_green(view, i, j);
            tried += c->n_tries != 0;
            resumed += view->mechanism == MECHANISM_EARLY ? c->n_early : c->n_resumed;
        }
    }
    object_put_own(o, "resumes", word_of(green, tried, n * n, resumed));
    object_put_count(o, "cells", n * n);
    object_put_count(o, "cells_tried", tried);
    object_put_count(o, "cells_resumed", green);
}

json_t *report_json_mechanism(const struct view *view)
{
    struct object o = object_new();

    object_put_own(&o, "mechanism", mechanism_word(view->mechanism));
    object_put_own(&o, "name", mechanism_text(view->mechanism));
    put_counts(&o, view);
    object_put(&o, "issued", issues_json(view));
    object_put(&o, "matrix", matrix_json(view));
    return object_done(&o);
}
