#include "expectation.h"

#include <string.h>

#include "comma_list.h"
#include "error.h"
#include "text.h"

static const char *expected_word(enum expected e)
{
    switch (e) {
#define WORD(name, word)                                                                           \
    case EXPECTED_##name:                                                                          \
        return word;
        EXPECTED_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

static bool expected_parse(const char *word, enum expected *out)
{
    static const enum expected all[] = {EXPECTED_ANYTHING, EXPECTED_ALL, EXPECTED_SELF,
                                        EXPECTED_SOME, EXPECTED_NONE};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(word, expected_word(all[i])) == 0) {
            *out = all[i];
            return true;
        }
    }
    return false;
}

static enum rp_status take(const char *item, struct expectations *out, unsigned *seen,
                           struct rp_error *err)
{
    char word[32];
    struct text t = text_of(word, sizeof word);
    const size_t len = strcspn(item, "=");
    enum mechanism m = MECHANISM_ID12;

    text_add_n(&t, item, len);
    if (item[len] != '=' || !mechanism_parse(word, &m) ||
        !expected_parse(item + len + 1, &out->of[m])) {
        error_set(err,
                  "--expect: \"%s\" is not MECHANISM=all, self, some, none or any (mechanisms: "
                  "id12, ticket12, ticket13, early, id11, ticket11, id10, ticket10)",
                  item);
        return RP_INVALID;
    }
    if ((*seen & (1U << m)) != 0) {
        error_set(err, "--expect names %s twice", word);
        return RP_INVALID;
    }
    *seen |= 1U << m;
    return RP_OK;
}

enum rp_status expectations_parse(const char *list, struct expectations *out, struct rp_error *err)
{
    unsigned seen = 0;
    char item[64];

    memset(out, 0, sizeof *out);
    out->given = true;
    while (comma_list_next(&list, item, sizeof item)) {
        if (take(item, out, &seen, err) != RP_OK) {
            return RP_INVALID;
        }
    }
    return RP_OK;
}

unsigned expectations_mask(const struct expectations *e)
{
    unsigned mask = 0;

    for (unsigned m = 0; m < MECHANISMS; m++) {
        mask |= e->of[m] != EXPECTED_ANYTHING ? 1U << m : 0;
    }
    return mask;
}

/* What the cells of a mechanism come to. */
struct count {
    size_t n_cells;
    size_t n_green;
    size_t n_touched;        /* at least one try resumed */
    size_t red_from, red_to; /* the first that is not green */
    size_t touched_from, touched_to;
};

static unsigned resumed_in(enum mechanism m, const struct cell *c)
{
    return m == MECHANISM_EARLY ? c->n_early : c->n_resumed;
}

static void add(struct count *count, enum mechanism m, const struct facts *f, size_t i, size_t j)
{
    const struct cell *c = facts_cell_of(f, m, i, j);
    const unsigned n = c != NULL ? resumed_in(m, c) : 0;

    count->n_cells++;
    if (n != 0 && count->n_touched++ == 0) {
        count->touched_from = i;
        count->touched_to = j;
    }
    if (c != NULL && c->n_tries != 0 && n == c->n_tries) {
        count->n_green++;
    } else if (count->n_green + 1 == count->n_cells) {
        count->red_from = i;
        count->red_to = j;
    }
}

static struct count count_cells(enum mechanism m, const struct facts *f, bool self_only)
{
    struct count count = {0};

    for (size_t i = 0; i < f->n; i++) {
        for (size_t j = 0; j < f->n; j++) {
            if (!self_only || i == j) {
                add(&count, m, f, i, j);
            }
        }
    }
    return count;
}

static void explain_red(const struct facts *f, enum mechanism m, enum expected e,
                        const struct count *n, struct rp_error *why)
{
    const struct cell *c = facts_cell_of(f, m, n->red_from, n->red_to);

    error_set(why, "%s: expected %s, but %zu of %zu cells do not resume every time; first: issued ",
              mechanism_word(m), expected_word(e), n->n_cells - n->n_green, n->n_cells);
    error_add(why, "at %s, offered at %s: ", f->addresses[n->red_from].address.text,
              f->addresses[n->red_to].address.text);
    if (!f->addresses[n->red_from].reachable || !f->addresses[n->red_to].reachable) {
        error_add(why, "unreachable");
    } else if (f->addresses[n->red_from].issue[m].n_issued == 0) {
        error_add(why, "no session issued");
    } else if (c == NULL || c->n_tries == 0) {
        error_add(why, "not tried");
    } else {
        error_add(why, "%u of %u", resumed_in(m, c), c->n_tries);
    }
}

bool expectation_met(enum mechanism m, enum expected expected, const struct facts *facts,
                     struct rp_error *why)
{
    const struct count n = count_cells(m, facts, expected == EXPECTED_SELF);

    switch (expected) {
    case EXPECTED_ANYTHING:
        return true;
    case EXPECTED_ALL:
    case EXPECTED_SELF:
        if (n.n_green != n.n_cells) {
            explain_red(facts, m, expected, &n, why);
            return false;
        }
        return true;
    case EXPECTED_SOME:
        if (n.n_touched == 0) {
            error_set(why, "%s: expected some, but nothing resumes", mechanism_word(m));
        }
        return n.n_touched != 0;
    case EXPECTED_NONE:
        if (n.n_touched != 0) {
            error_set(why, "%s: expected none, but %zu of %zu cells resume; first: issued at %s, ",
                      mechanism_word(m), n.n_touched, n.n_cells,
                      facts->addresses[n.touched_from].address.text);
            error_add(why, "offered at %s", facts->addresses[n.touched_to].address.text);
        }
        return n.n_touched == 0;
    }
    return false;
}
