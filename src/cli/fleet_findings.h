/* What is wrong with a fleet, as one of its hosts sees it. A pure function of the facts. */
#ifndef FLEET_FINDINGS_H
#define FLEET_FINDINGS_H

#include "fleet_facts.h"

#define FLEET_FINDINGS_SHOWN 8 /* members of each kind, by name */

enum fleet_finding {
    FLEET_FINDING_STORE_DOWN,
    FLEET_FINDING_NOT_JOINED,
    FLEET_FINDING_FOREIGN,
    FLEET_FINDING_MISMATCH,
    FLEET_FINDING_OTHER_RING,
    FLEET_FINDING_JOINING,
    FLEET_FINDING_SILENT,
    FLEET_FINDING_CLOCK,
    FLEET_FINDING_UNCERTAIN,
    FLEET_FINDING_RELOAD,
    FLEET_FINDING_SECRETS,
    FLEET_N_FINDINGS,
};

struct fleet_findings {
    size_t n; /* of all kinds */
    struct {
        bool is_so;
        size_t n; /* members; 0: it is not about any */
        const struct fleet_facts_member *who[FLEET_FINDINGS_SHOWN]; /* borrowed of the facts */
    } of[FLEET_N_FINDINGS];
};

/* The facts are of a host in a fleet. */
void fleet_findings(const struct fleet_facts *facts, struct fleet_findings *out);

/* One word; what is wrong; what to do. Static storage. */
const char *fleet_finding_word(enum fleet_finding finding);
const char *fleet_finding_text(enum fleet_finding finding);
const char *fleet_finding_advice(enum fleet_finding finding);

#endif
