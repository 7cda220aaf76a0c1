#include "findings_where.h"
#include "report_html.h"
#include "report_markup.h"
#include "text.h"

#define TABLE_MAX 12   /* more addresses are not told as a table, too: nobody reads 2,500 cells */
#define CELL 20        /* side of a cell in the picture */
#define GAP 2          /* between cells */
#define HEAD 26        /* room for the numbers of rows and columns */
#define NUMBERS_MAX 12 /* more addresses: every fifth is numbered */

static unsigned good_of(const struct cell *c, enum mechanism m)
{
    return m == MECHANISM_EARLY ? c->n_early : c->n_resumed;
}

static void label(const struct facts *facts, size_t address, struct text *t)
{
    where_add_address(t, facts, address);
}

/* "issued at A, offered at B: resumed 2 of 3 times" */
static void put_title(FILE *out, const struct facts *facts, enum mechanism m, size_t i, size_t j)
{
    const struct cell *c = facts_cell_of(facts, m, i, j);
    char buffer[256];
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, "issued at ");
    label(facts, i, &t);
    text_add(&t, ", offered at ");
    label(facts, j, &t);
    if (c->n_tries == 0) {
        text_add(&t, ": not tried");
    } else {
        text_addf(&t, ": resumed %u of %u times", good_of(c, m), c->n_tries);
    }
    if (c->n_failed != 0) {
        text_addf(&t, ", failed %u times", c->n_failed);
    }
    (void)fputs("<title>", out);
    markup_text(out, buffer);
    (void)fputs("</title>", out);
}

static const char *class_of(const struct cell *c, enum mechanism m)
{
    const unsigned good = good_of(c, m);

    if (c->n_tries == 0) {
        return "idle";
    }
    if (good == c->n_tries) {
        return "good";
    }
    return good != 0 ? "some" : c->n_failed > c->n_full ? "failed" : "none";
}

static void put_cell(FILE *out, const struct facts *facts, enum mechanism m, size_t i, size_t j)
{
    const struct cell *c = facts_cell_of(facts, m, i, j);
    const unsigned good = good_of(c, m);
    const size_t x = HEAD + j * (CELL + GAP);
    const size_t y = HEAD + i * (CELL + GAP);

    (void)fputs("<g>", out);
    put_title(out, facts, m, i, j);
    (void)fprintf(out,
                  "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" rx=\"3\"/>",
                  class_of(c, m), x, y, CELL, CELL);
    if (good != 0 && good < c->n_tries) {
        const size_t share = (size_t)CELL * good / c->n_tries;

        (void)fprintf(out,
                      "<rect class=\"share\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%zu\" "
                      "rx=\"2\"/>",
                      x, y + CELL - share, CELL, share);
    } else if (good == 0 && c->n_failed > c->n_full) {
        (void)fprintf(out, "<path class=\"cross\" d=\"M%zu %zul8 8m0-8l-8 8\"/>", x + 6, y + 6);
    }
    (void)fputs("</g>\n", out);
}

static bool is_numbered(const struct facts *facts, size_t i)
{
    return facts->n <= NUMBERS_MAX || i == 0 || (i + 1) % 5 == 0;
}

static void put_numbers(FILE *out, const struct facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        const size_t at = HEAD + i * (CELL + GAP);

        if (is_numbered(facts, i)) {
            (void)fprintf(out,
                          "<text x=\"%zu\" y=\"%d\">%zu</text>"
                          "<text class=\"row\" x=\"%d\" y=\"%zu\">%zu</text>\n",
                          at + CELL / 2, HEAD - 7, i + 1, HEAD - 6, at + CELL / 2 + 4, i + 1);
        }
    }
}

struct sum {
    size_t n_green, n_tried;
};

static struct sum sum_of(const struct facts *facts, enum mechanism m)
{
    struct sum s = {0, 0};

    for (size_t i = 0; i < facts->n * facts->n; i++) {
        const struct cell *c = facts_cell_of(facts, m, i / facts->n, i % facts->n);

        s.n_tried += c->n_tries != 0;
        s.n_green += c->n_tries != 0 && good_of(c, m) == c->n_tries;
    }
    return s;
}

static void put_picture(FILE *out, const struct facts *facts, enum mechanism m)
{
    /* Few addresses have no larger cells than many. */
    const size_t least = 12;
    const size_t height = HEAD + facts->n * (CELL + GAP);
    const size_t width = HEAD + (facts->n > least ? facts->n : least) * (CELL + GAP);
    const struct sum s = sum_of(facts, m);

    (void)fprintf(out,
                  "      <svg viewBox=\"0 0 %zu %zu\" role=\"img\" aria-label=\"%s: %zu of %zu "
                  "pairs of addresses resume every time\">\n",
                  width, height, mechanism_text(m), s.n_green, facts->n * facts->n);
    put_numbers(out, facts);
    for (size_t i = 0; i < facts->n * facts->n; i++) {
        put_cell(out, facts, m, i / facts->n, i % facts->n);
    }
    (void)fputs("      </svg>\n", out);
}

static void put_row(FILE *out, const struct facts *facts, enum mechanism m, size_t i)
{
    (void)fprintf(out, "        <tr><th scope=\"row\">%zu</th>", i + 1);
    for (size_t j = 0; j < facts->n; j++) {
        const struct cell *c = facts_cell_of(facts, m, i, j);

        if (c->n_tries == 0) {
            (void)fputs("<td>not tried</td>", out);
        } else {
            (void)fprintf(out, "<td>%u of %u</td>", good_of(c, m), c->n_tries);
        }
    }
    (void)fputs("</tr>\n", out);
}

static void put_table(FILE *out, const struct facts *facts, enum mechanism m)
{
    (void)fputs("      <details><summary>as a table</summary><div class=\"scroll\"><table>\n"
                "        <tr><th scope=\"col\">issued at, offered at</th>",
                out);
    for (size_t j = 0; j < facts->n; j++) {
        (void)fprintf(out, "<th scope=\"col\">%zu</th>", j + 1);
    }
    (void)fputs("</tr>\n", out);
    for (size_t i = 0; i < facts->n; i++) {
        put_row(out, facts, m, i);
    }
    (void)fputs("      </table></div></details>\n", out);
}

void html_put_matrices(FILE *out, const struct facts *facts)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        const enum mechanism mechanism = (enum mechanism)m;
        struct sum s;

        if ((facts->mechanisms & 1U << m) == 0 || facts->cells[m] == NULL) {
            continue;
        }
        s = sum_of(facts, mechanism);
        (void)fprintf(out,
                      "    <figure>\n      <figcaption><h3>%s</h3>"
                      "<p>%zu of %zu resume every time; row: issued at, column: offered at</p>"
                      "</figcaption>\n",
                      mechanism_text(mechanism), s.n_green, facts->n * facts->n);
        put_picture(out, facts, mechanism);
        if (facts->n <= TABLE_MAX) {
            put_table(out, facts, mechanism);
        }
        (void)fputs("    </figure>\n", out);
    }
}
