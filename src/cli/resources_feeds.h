/* What feeds need before anybody feeds: commands that are there, and folders. */
#ifndef RESOURCES_FEEDS_H
#define RESOURCES_FEEDS_H

#include <stdbool.h>

#include <reprise/status.h>

#include "config.h"
#include "privileges.h"

#define RESOURCES_PROBER "reprise" /* beside reprised, or in PATH: what `verify` runs */

/*
 * Checks all feeds: what their servers bear, that their commands can be executed, that keys may be
 * put where their files are. makes: folders that are missing are made, and given to the feeder.
 */
enum rp_status resources_feeds(const struct config *config, const struct privileges *privileges,
                               bool makes, struct rp_error *err) RP_MUST_USE;

/* That what `verify` of a feed runs is there to be executed; program: our own path. */
enum rp_status resources_feeds_prober(const struct config *config, const char *program,
                                      struct rp_error *err) RP_MUST_USE;

/* Whether what stands at this feed's place is a feed's of other (NULL: nobody's), too. */
bool resources_feed_is_of(const struct config_feed *feed, const struct config *other);

/*
 * That nobody feeds the places of config but us, who feed those of ours (NULL: none). A process
 * that was killed may take patience_ms to be gone. RP_INVALID: another reprised feeds one.
 */
enum rp_status resources_feeds_alone(const struct config *config, const struct config *ours,
                                     unsigned patience_ms, struct rp_error *err) RP_MUST_USE;

#endif
