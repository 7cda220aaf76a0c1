/* What feeds need before anybody feeds: commands that are there, and folders. */
#ifndef RESOURCES_FEEDS_H
#define RESOURCES_FEEDS_H

#include <stdbool.h>

#include <reprise/status.h>

#include "config.h"
#include "privileges.h"

/*
 * Checks all feeds: what their servers bear, that their commands can be executed, that keys may be
 * put where their files are. makes: folders that are missing are made, and given to the feeder.
 */
enum rp_status resources_feeds(const struct config *config, const struct privileges *privileges,
                               bool makes, struct rp_error *err) RP_MUST_USE;

#endif
