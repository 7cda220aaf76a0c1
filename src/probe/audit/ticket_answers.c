#include "ticket_answers.h"

#include <string.h>

#include "text.h"

#define ORACLE_TRIES_MIN 5

/* A record of TLS 1.3 after the handshake: tickets, or data. */
static bool comes_after(const char *word, size_t n)
{
    const bool data = n > 4 && strncmp(word, "23[", 3) == 0;

    return data && (strncmp(word + 3, "4.", 2) == 0 || strncmp(word + 3, "d", 1) == 0);
}

void ticket_answer_shape(const char *fingerprint, char *out, size_t size)
{
    struct text t = text_of(out, size);
    const char *at = fingerprint;

    while (*at != '\0') {
        const size_t n = strcspn(at, " ");

        /* The last word says how the connection ended: a matter of instants. */
        if (at[0] >= '0' && at[0] <= '9' && !comes_after(at, n)) {
            if (t.len != 0) {
                text_add_char(&t, ' ');
            }
            text_add_n(&t, at, n);
        }
        at += n + strspn(at + n, " ");
    }
}

static bool appends(const struct ticket_change *c)
{
    return c->kind == CHANGE_GROW || c->kind == CHANGE_TWICE;
}

void ticket_answers_judge(const struct ticket_answer *answers, size_t n, struct ticket_verdict *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const struct ticket_answer *x = &answers[i];

        if (x->kind == ANSWER_NONE) {
            continue;
        }
        if (x->change.kind == CHANGE_NONE) {
            out->n_controls++;
            out->n_controls_ended += x->kind == ANSWER_ENDED ? 1 : 0;
            out->n_controls_resumed += x->kind == ANSWER_ACCEPTED ? 1 : 0;
            continue;
        }
        out->n++;
        if (x->kind == ANSWER_ACCEPTED && appends(&x->change)) {
            out->extended = out->n_extended++ == 0 ? x : out->extended;
        } else if (x->kind == ANSWER_ACCEPTED) {
            out->accepted = out->n_accepted++ == 0 ? x : out->accepted;
        } else if (x->kind == ANSWER_ENDED) {
            out->ended = out->n_ended++ == 0 ? x : out->ended;
        }
    }
}

static bool counts(const struct ticket_answer *x)
{
    return ticket_change_is_inside(&x->change) &&
           (x->kind == ANSWER_FULL || x->kind == ANSWER_ENDED);
}

size_t ticket_answers_differ(const struct ticket_answer *answers, size_t n, size_t from,
                             const struct ticket_answer *reference)
{
    for (size_t i = from; i < n; i++) {
        if (counts(&answers[i]) && strcmp(reference->text, answers[i].text) != 0) {
            return i;
        }
    }
    return n;
}

const struct ticket_answer *ticket_answers_reference(const struct ticket_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (counts(&answers[i])) {
            return &answers[i];
        }
    }
    return NULL;
}

static bool constant(const struct ticket_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (answers[i].kind == ANSWER_NONE || strcmp(answers[i].text, answers[0].text) != 0) {
            return false;
        }
    }
    return true;
}

bool ticket_answers_oracle(const struct ticket_answer *first, const struct ticket_answer *second,
                           size_t n)
{
    return n >= ORACLE_TRIES_MIN && constant(first, n) && constant(second, n) &&
           strcmp(first[0].text, second[0].text) != 0;
}
