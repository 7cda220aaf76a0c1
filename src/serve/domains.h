/* A domain is a set of sites under one policy. */
#ifndef DOMAINS_H
#define DOMAINS_H

#include <stddef.h>

#include <reprise/status.h>

#include "config.h"

struct domains_site {
    const struct config_site *site;
    const char *policy;
};

/*
 * Refuses two sites that name one domain (by the directive; two listeners may well have a site of
 * one name under different policies, for sessions are bound to the policy too) under different
 * policies. Sorts the sites.
 */
enum rp_status domains_check(const struct config *config, struct domains_site *sites, size_t n,
                             struct rp_error *err) RP_MUST_USE;

#endif
