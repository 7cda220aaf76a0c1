#include "expectation.h"

#include <string.h>

#include "comma_list.h"
#include "error.h"
#include "hex.h"
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

static enum rp_status take_key(const char *hex, struct expectations *out, struct rp_error *err)
{
    size_t n = 0;

    if (out->names_key) {
        error_set(err, "--expect names key twice; only one can be expected");
        return RP_INVALID;
    }
    if (!hex_decode(hex, strlen(hex), out->key, sizeof out->key, &n) || n != sizeof out->key) {
        error_set(err, "--expect: key is the name of one, 32 hex digits, not \"%s\"", hex);
        return RP_INVALID;
    }
    out->names_key = true;
    return RP_OK;
}

static enum rp_status take(const char *item, struct expectations *out, unsigned *seen,
                           struct rp_error *err)
{
    char word[32];
    struct text t = text_of(word, sizeof word);
    const size_t len = strcspn(item, "=");
    enum mechanism m = MECHANISM_ID12;

    if (strncmp(item, "key=", 4) == 0) {
        return take_key(item + 4, out, err);
    }
    text_add_n(&t, item, len);
    if (item[len] != '=' || !mechanism_parse(word, &m) ||
        !expected_parse(item + len + 1, &out->of[m])) {
        error_set(err,
                  "--expect: \"%s\" is not key=HEX, nor MECHANISM=all, self, some, none or any "
                  "(mechanisms: id12, ticket12, ticket13, early, id11, ticket11, id10, ticket10)",
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

bool expectations_key_alone(const struct expectations *e)
{
    return e->names_key && expectations_mask(e) == 0;
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

static void say_key(struct rp_error *why, const struct visit_ticket *t)
{
    char name[2 * EXPECTED_KEY_LEN + 1];
    struct text hex = text_of(name, sizeof name);

    if (t->len < EXPECTED_KEY_LEN) {
        error_set(why, "a ticket of %u bytes, which has no room for a name", t->len);
    } else {
        text_add_hex(&hex, t->start, EXPECTED_KEY_LEN);
        error_set(why, "a ticket under key %s", name);
    }
}

static bool tickets_bear(const struct visit *v, const uint8_t *name, struct rp_error *why)
{
    for (unsigned i = 0; i < v->n_tickets && i < VISIT_TICKETS_MAX; i++) {
        const struct visit_ticket *const t = &v->tickets[i];

        if (t->len < EXPECTED_KEY_LEN || memcmp(t->start, name, EXPECTED_KEY_LEN) != 0) {
            say_key(why, t);
            return false;
        }
    }
    if (v->established && v->n_tickets == 0) {
        error_set(why, "no ticket");
    }
    return !v->established || v->n_tickets != 0;
}

/* Whether an address does as it is to in one version of TLS; *spoken is left where it is not. */
static bool address_bears(const struct issue_facts *issue, const uint8_t *name, bool *spoken,
                          struct rp_error *why)
{
    for (unsigned i = 0; i < issue->n_tries; i++) {
        const struct visit *const v = &issue->visits[i];

        if (!v->established && v->end != VISIT_VERSION) {
            error_set(why, "no handshake: %s", v->why.text);
            return false;
        }
        if (!tickets_bear(v, name, why)) {
            return false;
        }
        *spoken |= v->established;
    }
    return true;
}

static bool key_met_at(const struct facts *f, size_t a, const uint8_t *name, struct rp_error *why)
{
    const struct address_facts *const address = &f->addresses[a];
    bool spoken = false;

    for (unsigned m = 0; m < MECHANISMS && address->reachable; m++) {
        struct rp_error reason = {{0}};

        if ((MECHANISMS_TICKETS & 1U << m) != 0 &&
            !address_bears(&address->issue[m], name, &spoken, &reason)) {
            error_set(why, "%s, %s: %s", address->address.text, mechanism_word((enum mechanism)m),
                      reason.text);
            return false;
        }
    }
    if (!spoken) {
        error_set(why, "%s: %s", address->address.text,
                  address->reachable ? "no handshake that issues tickets" : "unreachable");
    }
    return spoken;
}

bool expectation_key_met(const uint8_t name[static EXPECTED_KEY_LEN], const struct facts *facts,
                         struct rp_error *why)
{
    struct rp_error first = {{0}}, other;
    char expected[2 * EXPECTED_KEY_LEN + 1];
    struct text hex = text_of(expected, sizeof expected);
    size_t n_wrong = 0;

    for (size_t a = 0; a < facts->n; a++) {
        n_wrong += !key_met_at(facts, a, name, n_wrong == 0 ? &first : &other);
    }
    if (n_wrong != 0) {
        text_add_hex(&hex, name, EXPECTED_KEY_LEN);
        error_set(why, "key: expected %s, but it is not so at %zu of %zu addresses; first: %s",
                  expected, n_wrong, facts->n, first.text);
    }
    return n_wrong == 0;
}
