/*
 * What a starting parent takes up of what was handed on (docs/formats/handover.md). What does not
 * fit the configuration is closed, and the log says why: it never keeps anybody from starting.
 */
#ifndef ADOPTION_H
#define ADOPTION_H

#include <reprise/keyring.h>

#include "config.h"
#include "generation.h"
#include "inherited.h"
#include "log.h"

/* *out is NULL if there is none that fits. */
void adoption_keyring(struct inherited *inherited, const struct config *config,
                      const struct log *log, struct rp_keyring **out);

/*
 * As the generation before the first, of which listening, cache and cache_bytes are set: for
 * generation_new, and then to be ended by adoption_end. RP_NO_MEMORY is the only failure.
 */
enum rp_status adoption_generation(struct inherited *inherited, const struct config *config,
                                   const struct log *log, struct generation *out) RP_MUST_USE;

/* Closes what heir (NULL: nobody) did not take. */
void adoption_end(struct generation *before, const struct generation *heir, const struct log *log);

#endif
