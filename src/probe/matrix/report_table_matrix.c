#include "findings_where.h"
#include "report_table.h"
#include "text.h"

#define WIDE_MAX 12   /* more addresses: one character a cell */
#define UNIFORM_MIN 6 /* more addresses: a matrix all of whose cells are alike is one line */
#define GAP 3         /* between matrices side by side */

/* How a matrix is laid out. */
struct grid {
    const struct facts *facts;
    bool narrow;
    unsigned label; /* columns of the row's number */
    unsigned cell;  /* columns of one cell, with the space before it */
};

static unsigned digits(size_t n)
{
    return n < 10 ? 1 : n < 100 ? 2 : 3;
}

static bool is_shown(const struct facts *facts, unsigned m)
{
    return (facts->mechanisms & 1U << m) != 0 && facts->cells[m] != NULL;
}

static unsigned good_of(const struct cell *c, enum mechanism m)
{
    return m == MECHANISM_EARLY ? c->n_early : c->n_resumed;
}

static enum mark mark_of(const struct cell *c, enum mechanism m)
{
    const unsigned good = good_of(c, m);

    if (c->n_tries == 0) {
        return MARK_NONE;
    }
    if (good == c->n_tries) {
        return MARK_GOOD;
    }
    return c->n_failed > c->n_full ? MARK_FAILED : MARK_BAD;
}

static bool is_partial(const struct cell *c, enum mechanism m)
{
    return good_of(c, m) != 0 && good_of(c, m) < c->n_tries;
}

static void put_partial(struct pen *pen, const struct grid *grid, const struct cell *c,
                        enum mechanism m)
{
    const unsigned good = good_of(c, m);

    pen_ink(pen, INK_SOME);
    if (grid->narrow) {
        pen_addf(pen, "%u", good < 9 ? good : 9);
    } else {
        pen_addf(pen, "%u/%u", good, c->n_tries);
    }
    pen_ink(pen, INK_PLAIN);
}

static void put_cell(struct pen *pen, const struct grid *grid, const struct cell *c,
                     enum mechanism m)
{
    static const enum ink inks[] = {[MARK_GOOD] = INK_GOOD,
                                    [MARK_BAD] = INK_BAD,
                                    [MARK_FAILED] = INK_BAD,
                                    [MARK_NONE] = INK_FAINT};
    const enum mark mark = mark_of(c, m);

    if (is_partial(c, m)) {
        put_partial(pen, grid, c, m);
        return;
    }
    pen_ink(pen, inks[mark]);
    pen_mark(pen, mark);
    pen_ink(pen, INK_PLAIN);
}

static void put_row(struct pen *pen, const struct grid *grid, enum mechanism m, size_t i)
{
    const unsigned start = pen->column;

    for (size_t j = 0; j < grid->facts->n; j++) {
        if (!grid->narrow) {
            pen_pad(pen, start + (unsigned)j * grid->cell + 1);
        }
        put_cell(pen, grid, facts_cell_of(grid->facts, m, i, j), m);
    }
}

static unsigned width_of(const struct grid *grid)
{
    return (unsigned)grid->facts->n * grid->cell;
}

/* Of the numbers of the columns the tens (where there are any) or the ones. */
static void put_numbers(struct pen *pen, const struct grid *grid, bool tens)
{
    const unsigned start = pen->column;

    for (size_t j = 0; j < grid->facts->n; j++) {
        const size_t number = j + 1;

        if (!grid->narrow) {
            pen_pad(pen, start + (unsigned)j * grid->cell + 1);
            pen_addf(pen, "%zu", number);
        } else if (!tens) {
            pen_addf(pen, "%zu", number % 10);
        } else if (number % 10 == 0) {
            pen_addf(pen, "%zu", number / 10 % 10);
        } else {
            pen_add(pen, " ");
        }
    }
}

/* The mechanisms that are side by side. */
struct band {
    enum mechanism items[MECHANISMS];
    unsigned at[MECHANISMS]; /* the columns where they begin */
    size_t n;
};

static void put_numbers_row(struct pen *pen, const struct grid *grid, const struct band *band,
                            bool tens)
{
    pen_ink(pen, INK_FAINT);
    for (size_t k = 0; k < band->n; k++) {
        pen_pad(pen, band->at[k]);
        put_numbers(pen, grid, tens);
    }
    pen_ink(pen, INK_PLAIN);
    pen_line(pen);
}

static void put_band(struct pen *pen, const struct grid *grid, const struct band *band)
{
    for (size_t k = 0; k < band->n; k++) {
        pen_pad(pen, band->at[k] + (grid->narrow ? 0 : 1));
        pen_ink(pen, INK_STRONG);
        pen_add(pen, mechanism_text(band->items[k]));
        pen_ink(pen, INK_PLAIN);
    }
    pen_line(pen);
    if (grid->narrow && grid->facts->n > 9) {
        put_numbers_row(pen, grid, band, true);
    }
    put_numbers_row(pen, grid, band, false);
    for (size_t i = 0; i < grid->facts->n; i++) {
        pen_ink(pen, INK_FAINT);
        pen_addf(pen, "%*zu", (int)grid->label, i + 1);
        pen_ink(pen, INK_PLAIN);
        for (size_t k = 0; k < band->n; k++) {
            pen_pad(pen, band->at[k]);
            put_row(pen, grid, band->items[k], i);
        }
        pen_line(pen);
    }
    pen_line(pen);
}

/* All cells bear one mark: which. */
static bool is_uniform(const struct facts *facts, enum mechanism m, enum mark *mark)
{
    *mark = mark_of(facts_cell_of(facts, m, 0, 0), m);
    for (size_t i = 0; i < facts->n; i++) {
        for (size_t j = 0; j < facts->n; j++) {
            const struct cell *c = facts_cell_of(facts, m, i, j);

            if (is_partial(c, m) || mark_of(c, m) != *mark) {
                return false;
            }
        }
    }
    return true;
}

static void put_uniform(struct pen *pen, const struct facts *facts, enum mechanism m,
                        enum mark mark)
{
    static const char *const texts[] = {[MARK_GOOD] = "resumed in all",
                                        [MARK_BAD] = "resumed in none",
                                        [MARK_FAILED] = "failed in all",
                                        [MARK_NONE] = "not tried in any"};

    pen_ink(pen, mark == MARK_GOOD ? INK_GOOD : mark == MARK_NONE ? INK_FAINT : INK_BAD);
    pen_mark(pen, mark);
    pen_ink(pen, INK_STRONG);
    pen_addf(pen, " %s", mechanism_text(m));
    pen_ink(pen, INK_PLAIN);
    pen_pad(pen, 22);
    pen_addf(pen, "%s of %zu pairs of addresses", texts[mark], facts->n * facts->n);
    pen_line(pen);
}

static void put_grids(struct pen *pen, const struct grid *grid, const bool *left)
{
    struct band band = {.n = 0};
    unsigned column = grid->label + 1;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        const unsigned title = (unsigned)sizeof "TLS 1.2 session ID";
        const unsigned width = width_of(grid) > title ? width_of(grid) : title;

        if (!left[m]) {
            continue;
        }
        if (band.n != 0 && column + width > pen->style.width) {
            put_band(pen, grid, &band);
            band.n = 0;
            column = grid->label + 1;
        }
        band.items[band.n] = (enum mechanism)m;
        band.at[band.n] = column;
        band.n++;
        column += width + GAP;
    }
    if (band.n != 0) {
        put_band(pen, grid, &band);
    }
}

/* One address: no matrix, a line for each mechanism. */
static void put_single(struct pen *pen, const struct facts *facts)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        const struct grid grid = {.facts = facts};
        const struct cell *c;

        if (!is_shown(facts, m)) {
            continue;
        }
        c = facts_cell_of(facts, (enum mechanism)m, 0, 0);
        put_cell(pen, &grid, c, (enum mechanism)m);
        pen_pad(pen, 4);
        pen_add(pen, mechanism_text((enum mechanism)m));
        pen_pad(pen, 25);
        if (c->n_tries == 0) {
            pen_add(pen, "not tried");
        } else {
            pen_addf(pen, "resumed %u of %u times", good_of(c, (enum mechanism)m), c->n_tries);
        }
        if (c->n_failed != 0) {
            pen_addf(pen, ", failed %u times", c->n_failed);
        }
        pen_line(pen);
    }
    pen_line(pen);
}

static void put_addresses(struct pen *pen, const struct facts *facts, unsigned label)
{
    for (size_t i = 0; i < facts->n; i++) {
        char buffer[96];
        struct text t = text_of(buffer, sizeof buffer);
        const unsigned columns = 46;

        where_add_address(&t, facts, i);
        if (pen->column != 0 && pen->column + columns > pen->style.width) {
            pen_line(pen);
        }
        if (pen->column != 0) {
            pen_pad(pen, (pen->column + columns / 2 - 1) / (columns / 2) * (columns / 2));
        }
        pen_ink(pen, INK_FAINT);
        pen_addf(pen, "%*zu ", (int)label, i + 1);
        pen_ink(pen, facts->addresses[i].tls ? INK_PLAIN : INK_BAD);
        pen_add(pen, buffer);
        pen_add(pen, where_state(facts, i));
        pen_ink(pen, INK_PLAIN);
        if (facts->n <= WIDE_MAX) {
            pen_line(pen);
        }
    }
    if (pen->column != 0) {
        pen_line(pen);
    }
    pen_line(pen);
}

static void put_legend(struct pen *pen, const struct facts *facts, const bool *left, bool narrow)
{
    static const char *const texts[] = {[MARK_GOOD] = "resumed",
                                        [MARK_BAD] = "declined",
                                        [MARK_FAILED] = "failed",
                                        [MARK_NONE] = "not tried"};
    bool seen[4] = {false};
    bool partial = false;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        for (size_t k = 0; left[m] && k < facts->n * facts->n; k++) {
            const struct cell *c = &facts->cells[m][k];

            partial |= is_partial(c, (enum mechanism)m);
            seen[mark_of(c, (enum mechanism)m)] |= !is_partial(c, (enum mechanism)m);
        }
    }
    pen_add(pen, "row: issued at, column: offered at");
    for (unsigned k = 0; k < 4; k++) {
        if (seen[k]) {
            pen_add(pen, "; ");
            pen_mark(pen, (enum mark)k);
            pen_addf(pen, " %s", texts[k]);
        }
    }
    if (partial && narrow) {
        pen_addf(pen, "; a number: so often in %u tries", facts->n_tries);
    } else if (partial) {
        pen_add(pen, "; k/n: in k of n tries");
    }
    pen_line(pen);
    pen_line(pen);
}

void table_put_matrices(struct pen *pen, const struct facts *facts)
{
    struct grid grid = {.facts = facts, .narrow = facts->n > WIDE_MAX, .label = digits(facts->n)};
    bool left[MECHANISMS] = {false};
    bool any = false;
    bool uniform = false;

    if (facts->n == 1) {
        put_single(pen, facts);
        return;
    }
    grid.cell = grid.narrow ? 1 : facts->n_tries < 10 ? 4 : 6;
    put_addresses(pen, facts, grid.label);
    for (unsigned m = 0; m < MECHANISMS; m++) {
        enum mark mark;

        if (is_shown(facts, m) && facts->n > UNIFORM_MIN &&
            is_uniform(facts, (enum mechanism)m, &mark)) {
            put_uniform(pen, facts, (enum mechanism)m, mark);
            uniform = true;
        } else {
            left[m] = is_shown(facts, m);
            any |= left[m];
        }
    }
    if (uniform) {
        pen_line(pen);
    }
    put_grids(pen, &grid, left);
    if (any) {
        put_legend(pen, facts, left, grid.narrow);
    }
}
