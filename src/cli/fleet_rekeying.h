/*
 * Changes the secret of a fleet in three steps, each an edit of the file that all hosts have
 * (docs/formats/fleet-secret.md): the new secret behind the old one, then before it, then alone. A
 * comment in the file says which step it has had.
 */
#ifndef FLEET_REKEYING_H
#define FLEET_REKEYING_H

#include <stdbool.h>

#include <reprise/status.h>

#include "fleet_facts.h"

/*
 * Takes the next step; *step: which, 1 to 3. facts: NULL: not asked whether the hosts are ready for
 * it. at_once: at the third step alone; what was known under the old secret ends. RP_NOT_FOUND: the
 * hosts are not ready; RP_INVALID: it makes no sense with this file; RP_SYSTEM: the file cannot be
 * read or written. err says what and why, and the file is as it was.
 */
enum rp_status fleet_rekeying(const char *path, const struct fleet_facts *facts, bool at_once,
                              unsigned *step, struct rp_error *err) RP_MUST_USE;

/* What is to be done after it. Static storage. */
const char *fleet_rekeying_next(unsigned step);

#endif
