#include "findings_where.h"

#include <string.h>

#include "memory.h"

#define LISTED_MAX 4
#define PARTS_MAX 2

void where_add_address(struct text *t, const struct facts *facts, size_t address)
{
    const char *s = facts->addresses[address].address.text;
    size_t len = strlen(s);
    char suffix[8];
    struct text end = text_of(suffix, sizeof suffix);

    text_addf(&end, ":%u", (unsigned)facts->endpoint.port);
    if (len > end.len && strcmp(s + len - end.len, suffix) == 0) {
        len -= end.len;
        if (s[0] == '[' && s[len - 1] == ']') {
            s++;
            len -= 2;
        }
    }
    text_add_n(t, s, len);
}

static bool was_tried(const struct address_facts *a)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if (a->issue[m].n_tries != 0) {
            return true;
        }
    }
    return false;
}

const char *where_state(const struct facts *facts, size_t address)
{
    const struct address_facts *a = &facts->addresses[address];

    if (a->tls) {
        return "";
    }
    if (!was_tried(a)) {
        return a->awaited ? " (no answer yet)" : " (not tried)";
    }
    return a->reachable ? " (no TLS)" : " (not reached)";
}

static size_t count(const bool *members, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        found += members[i];
    }
    return found;
}

void where_add_set(struct text *t, const struct facts *facts, const bool *members)
{
    const size_t n = count(members, facts->n);
    const size_t listed = n > LISTED_MAX ? LISTED_MAX - 1 : n;
    size_t done = 0;

    if (n == facts->n && n > LISTED_MAX - 1) {
        text_addf(t, "all %zu addresses", n);
        return;
    }
    for (size_t i = 0; i < facts->n && done < listed; i++) {
        if (members[i]) {
            text_add(t, done == 0 ? "" : done + 1 == n ? " and " : ", ");
            where_add_address(t, facts, i);
            done++;
        }
    }
    if (done < n) {
        text_addf(t, " and %zu more", n - done);
    }
}

/* A square of what is in the set: in[i * n + j]; rows and columns that are used. */
struct square {
    size_t n;
    bool *in, *row, *column, *told;
};

static void square_fini(struct square *s)
{
    memory_free(s->in);
    memory_free(s->row);
    memory_free(s->column);
    memory_free(s->told);
}

static enum rp_status square_init(struct square *s, size_t n, const size_t *cells, size_t n_cells)
{
    *s = (struct square){.n = n};
    s->in = memory_new(n * n, sizeof *s->in);
    s->row = memory_new(n, sizeof *s->row);
    s->column = memory_new(n, sizeof *s->column);
    s->told = memory_new(n, sizeof *s->told);
    if (s->in == NULL || s->row == NULL || s->column == NULL || s->told == NULL) {
        square_fini(s);
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n_cells; i++) {
        s->in[cells[i]] = true;
        s->row[cells[i] / n] = true;
        s->column[cells[i] % n] = true;
    }
    return RP_OK;
}

/* The cells of all rows and columns that are used; diagonal: those on it or those off it alone. */
enum fill { FILL_OTHER, FILL_DIAGONAL, FILL_OFF_DIAGONAL, FILL_WHOLE };

static enum fill fill_of(const struct square *s)
{
    bool diagonal = true;
    bool off = memcmp(s->row, s->column, s->n * sizeof *s->row) == 0;
    bool whole = true;

    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < s->n; j++) {
            const bool in = s->in[i * s->n + j];
            const bool crossed = s->row[i] && s->column[j];

            diagonal &= in == (i == j && crossed);
            off &= in == (i != j && crossed);
            whole &= in == crossed;
        }
    }
    if (diagonal) {
        return FILL_DIAGONAL;
    }
    return whole ? FILL_WHOLE : off ? FILL_OFF_DIAGONAL : FILL_OTHER;
}

static void add_pair(struct text *t, const struct facts *facts, const bool *rows,
                     const bool *columns)
{
    text_add(t, "issued at ");
    where_add_set(t, facts, rows);
    text_add(t, ", offered at ");
    where_add_set(t, facts, columns);
}

static bool same_columns(const struct square *s, size_t a, size_t b)
{
    return memcmp(s->in + a * s->n, s->in + b * s->n, s->n * sizeof *s->in) == 0;
}

/* Rows that have the same columns are told together: how many kinds there are. */
static size_t count_parts(const struct square *s)
{
    size_t parts = 0;

    for (size_t i = 0; i < s->n; i++) {
        bool first = s->row[i];

        for (size_t k = 0; k < i && first; k++) {
            first = !same_columns(s, i, k);
        }
        parts += first;
    }
    return parts;
}

static void add_parts(struct text *t, const struct facts *facts, struct square *s)
{
    const char *separator = "";

    for (size_t i = 0; i < s->n; i++) {
        if (!s->row[i] || s->told[i]) {
            continue;
        }
        memset(s->column, 0, s->n * sizeof *s->column); /* from here on the rows of this part */
        for (size_t k = i; k < s->n; k++) {
            if (same_columns(s, i, k)) {
                s->column[k] = true;
                s->told[k] = true;
            }
        }
        text_add(t, separator);
        add_pair(t, facts, s->column, s->in + i * s->n);
        separator = "; ";
    }
}

/* Two kinds of rows, each of which are the columns of the other. */
static bool is_mirrored(const struct square *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (s->in[i * s->n + j] != s->in[j * s->n + i]) {
                return false;
            }
        }
    }
    return count_parts(s) == 2;
}

static void add_mirrored(struct text *t, const struct facts *facts, struct square *s)
{
    size_t first = 0;

    while (!s->row[first]) {
        first++;
    }
    for (size_t k = 0; k < s->n; k++) {
        s->column[k] = same_columns(s, first, k);
    }
    add_pair(t, facts, s->column, s->in + first * s->n);
    text_add(t, ", and the reverse");
}

static void add_other(struct text *t, const struct facts *facts, struct square *s, size_t n_cells)
{
    if (is_mirrored(s)) {
        add_mirrored(t, facts, s);
    } else if (count_parts(s) <= PARTS_MAX) {
        add_parts(t, facts, s);
    } else {
        text_addf(t, "%zu pairs, ", n_cells);
        add_pair(t, facts, s->row, s->column);
    }
}

enum rp_status where_add_cells(struct text *t, const struct facts *facts, const size_t *cells,
                               size_t n_cells)
{
    struct square s;
    const enum rp_status status = square_init(&s, facts->n, cells, n_cells);

    if (status != RP_OK) {
        return status;
    }
    switch (fill_of(&s)) {
    case FILL_DIAGONAL:
        text_add(t, "at ");
        where_add_set(t, facts, s.row);
        break;
    case FILL_OFF_DIAGONAL:
        text_add(t, "between ");
        where_add_set(t, facts, s.row);
        break;
    case FILL_WHOLE:
        if (count(s.row, s.n) == s.n && count(s.column, s.n) == s.n) {
            text_add(t, "everywhere");
        } else {
            add_pair(t, facts, s.row, s.column);
        }
        break;
    case FILL_OTHER:
        add_other(t, facts, &s, n_cells);
        break;
    }
    square_fini(&s);
    return RP_OK;
}
