#include "findings_where.h"
#include "report_html.h"
#include "report_markup.h"
#include "text.h"

#define TABLE_MAX 12   /* more addresses are not told as a table, too: nobody reads 2,500 cells */
#define NUMBERS_MAX 12 /* more addresses: every fifth is numbered */
#define LEAST 6        /* a picture of fewer addresses has no larger cells */
#define HEAD 26        /* room for the numbers of rows and columns */

/* Side of a cell in the picture, and the room between two. */
struct size {
    size_t cell, step;
};

static struct size size_of(const struct facts *facts)
{
    return facts->n <= NUMBERS_MAX ? (struct size){24, 27} : (struct size){9, 10};
}

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
    const struct size size = size_of(facts);
    const size_t x = HEAD + j * size.step;
    const size_t y = HEAD + i * size.step;

    (void)fputs("<g>", out);
    put_title(out, facts, m, i, j);
    (void)fprintf(out,
                  "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%zu\" rx=\"2\"/>",
                  class_of(c, m), x, y, size.cell, size.cell);
    if (good != 0 && good < c->n_tries) {
        const size_t share = size.cell * good / c->n_tries;

        (void)fprintf(out,
                      "<rect class=\"share\" x=\"%zu\" y=\"%zu\" width=\"%zu\" "
                      "height=\"%zu\" rx=\"2\"/>",
                      x, y + size.cell - share, size.cell, share);
    } else if (good == 0 && c->n_failed > c->n_full) {
        const size_t side = size.cell - 6;

        (void)fprintf(out, "<path class=\"cross\" d=\"M%zu %zul%zu %zum0-%zul-%zu %zu\"/>", x + 3,
                      y + 3, side, side, side, side, side);
    }
    (void)fputs("</g>\n", out);
}

static bool is_numbered(const struct facts *facts, size_t i)
{
    return facts->n <= NUMBERS_MAX || i == 0 || (i + 1) % 5 == 0;
}

static void put_numbers(FILE *out, const struct facts *facts)
{
    const struct size size = size_of(facts);

    for (size_t i = 0; i < facts->n; i++) {
        const size_t at = HEAD + i * size.step + size.cell / 2;

        if (is_numbered(facts, i)) {
            (void)fprintf(out,
                          "<text x=\"%zu\" y=\"%d\">%zu</text>"
                          "<text class=\"row\" x=\"%d\" y=\"%zu\">%zu</text>\n",
                          at, HEAD - 7, i + 1, HEAD - 6, at + 4, i + 1);
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
    const size_t step = size_of(facts).step;
    const size_t height = HEAD + facts->n * step;
    const size_t width = HEAD + (facts->n > LEAST ? facts->n : LEAST) * step;
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
