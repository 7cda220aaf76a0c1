/*
 * How a server answered changed tickets: whether it took one, whether its answers tell where it was
 * changed, whether it ended connections over it. Pure functions of what was seen.
 */
#ifndef TICKET_ANSWERS_H
#define TICKET_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ticket_change.h"

#define TICKET_ANSWER_SIZE 160

enum ticket_answer_kind {
    ANSWER_FULL,     /* a full handshake */
    ANSWER_ACCEPTED, /* the session resumed */
    ANSWER_ENDED,    /* by an alert, or without one */
    ANSWER_NONE,     /* nothing that can be compared: no connection, a timeout */
};

struct ticket_answer {
    struct ticket_change change;
    enum ticket_answer_kind kind;
    char text[TICKET_ANSWER_SIZE]; /* equal texts are equal answers */
};

/* What a server sent in a handshake, of the fingerprint of a connection (raw_result.h): neither the
 * tickets of TLS 1.3, that may come later, nor how the connection ended. */
void ticket_answer_shape(const char *fingerprint, char *out, size_t size);

struct ticket_verdict {
    unsigned n; /* changed tickets that were answered */
    unsigned n_accepted;
    unsigned n_extended; /* accepted too, and all of the ticket was in it: bytes followed */
    unsigned n_ended;
    const struct ticket_answer *accepted; /* the first that was */
    const struct ticket_answer *extended;
    const struct ticket_answer *ended;
    unsigned n_controls; /* unchanged ones */
    unsigned n_controls_ended;
    unsigned n_controls_resumed;
};

void ticket_answers_judge(const struct ticket_answer *answers, size_t n,
                          struct ticket_verdict *out);

/*
 * From that index on, the first change that was answered otherwise than the one of reference: both
 * flipped a bit behind where a key name is. n if there is none.
 */
size_t ticket_answers_differ(const struct ticket_answer *answers, size_t n, size_t from,
                             const struct ticket_answer *reference);

/* The first change that can be the reference; NULL if there is none. */
const struct ticket_answer *ticket_answers_reference(const struct ticket_answer *answers, size_t n);

/* Answers to two changes that were tried in turn: each was always answered in one way, and the two
 * ways are not the same. */
bool ticket_answers_oracle(const struct ticket_answer *first, const struct ticket_answer *second,
                           size_t n);

#endif
