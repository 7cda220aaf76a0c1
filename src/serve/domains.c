#include "domains.h"

#include <stdlib.h>
#include <string.h>

static int compare_places(struct config_place a, struct config_place b)
{
    return a.line != b.line ? (a.line > b.line) - (a.line < b.line)
                            : (a.column > b.column) - (a.column < b.column);
}

/* By domain, then as they stand. */
static int compare(const void *a, const void *b)
{
    const struct domains_site *left = a;
    const struct domains_site *right = b;
    const int order = strcmp(left->site->domain_id, right->site->domain_id);

    return order != 0 ? order : compare_places(left->site->place, right->site->place);
}

enum rp_status domains_check(const struct config *config, struct domains_site *sites, size_t n,
                             struct rp_error *err)
{
    const struct domains_site *first = sites; /* of a domain */

    if (n != 0) {
        qsort(sites, n, sizeof *sites, compare);
    }
    for (size_t i = 0; i < n; i++) {
        const struct domains_site *at = &sites[i];

        if (strcmp(at->site->domain_id, first->site->domain_id) != 0) {
            first = at;
        } else if (at->site->domain != NULL && strcmp(at->policy, first->policy) != 0) {
            config_complain(config, at->site->place, err,
                            "the site %s names the domain %s, as the site %s in line %u does, but "
                            "demands other client certificates (client_verify, "
                            "client_verify_depth, client_ca); make them equal, or give it another "
                            "domain",
                            at->site->name, at->site->domain, first->site->name,
                            first->site->place.line);
            return RP_INVALID;
        }
    }
    return RP_OK;
}
