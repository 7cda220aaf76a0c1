/*
 * Finds the site that a server name belongs to. A name is exact or "*.suffix", which stands for
 * exactly one label in front of the suffix; an exact name goes before a wildcard.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define NAMES_NONE SIZE_MAX

struct names;

/*
 * The n names, lower case and copied; NULL among them belongs to nobody. Of equal names the first
 * is found.
 */
enum rp_status names_new(const char *const *names, size_t n, struct names **out) RP_MUST_USE;
void names_free(struct names **names);

/* The place of a name, lower case, in the list; NAMES_NONE if it is in none. name may be NULL. */
size_t names_find(const struct names *names, const char *name);

#endif
