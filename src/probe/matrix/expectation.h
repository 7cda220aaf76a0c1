/* --expect: what a survey is to find, so that it can be a check. */
#ifndef EXPECTATION_H
#define EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "facts.h"
#include "mechanism.h"

#define EXPECTED_MAP(X)                                                                            \
    X(ANYTHING, "any") /* nothing is expected */                                                   \
    X(ALL, "all")      /* every try in every cell resumes */                                       \
    X(SELF, "self") /* every try at the address that issued the session; others do not matter */   \
    X(SOME, "some") /* at least one try in one cell */                                             \
    X(NONE, "none") /* no try in any cell */

enum expected {
#define EXPECTED_ENUM(name, word) EXPECTED_##name,
    EXPECTED_MAP(EXPECTED_ENUM)
#undef EXPECTED_ENUM
};

#define EXPECTED_KEY_LEN 16

struct expectations {
    bool given;
    enum expected of[MECHANISMS];
    bool names_key;
    uint8_t key[EXPECTED_KEY_LEN]; /* the name that all tickets begin with */
};

/* ticket12=all,id12=none,key=HEX: each at most once. */
enum rp_status expectations_parse(const char *list, struct expectations *out,
                                  struct rp_error *err) RP_MUST_USE;

/* The mechanisms of which something is expected, as a mask; the key is no mechanism. */
unsigned expectations_mask(const struct expectations *e);

/* A key, and nothing else: nothing need be offered to judge that. */
bool expectations_key_alone(const struct expectations *e);

/* Whether the facts are as expected of one mechanism; if not, why says so in one line. An address
 * that cannot be reached violates all and self. */
bool expectation_met(enum mechanism m, enum expected expected, const struct facts *facts,
                     struct rp_error *why);

/*
 * Whether the tickets of all full handshakes that were made for the sake of tickets bear this name,
 * and every address issued some in each version of TLS that was looked at and is spoken there.
 */
bool expectation_key_met(const uint8_t name[static EXPECTED_KEY_LEN], const struct facts *facts,
                         struct rp_error *why);

#endif
