/* What answers for /fleet.json: what is read of it is within bounds, and shown in printable text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fleet_facts.h"
#include "fleet_findings.h"
#include "fleet_status.h"
#include "fuzz_kit.h"

static void require_shown(const char *text, size_t size)
{
    const char *const end = memchr(text, '\0', size);

    require(end != NULL);
    for (; text < end; text++) {
        require(*text > ' ' && *text <= '~');
    }
}

static void require_member(const struct fleet_facts_member *m)
{
    require_shown(m->id, sizeof m->id);
    require_shown(m->name, sizeof m->name);
    require_shown(m->address, sizeof m->address);
    require_shown(m->version, sizeof m->version);
    require_shown(m->ring, sizeof m->ring);
    require(m->id[0] != '\0' && m->name[0] != '\0' && m->epoch >= -1);
}

static void require_facts(const struct fleet_facts *facts)
{
    require_shown(facts->fleet, sizeof facts->fleet);
    require_shown(facts->ring, sizeof facts->ring);
    require(facts->n <= FLEET_FACTS_MEMBERS_MAX && facts->n_secrets <= 2);
    for (unsigned i = 0; i < facts->n_secrets; i++) {
        require_shown(facts->secrets[i], sizeof facts->secrets[i]);
    }
    for (size_t i = 0; i < facts->n; i++) {
        require_member(&facts->members[i]);
    }
}

static void require_findings(const struct fleet_facts *facts, const struct fleet_findings *findings)
{
    size_t n = 0;

    for (unsigned i = 0; i < FLEET_N_FINDINGS; i++) {
        require(findings->of[i].n <= facts->n && (findings->of[i].is_so || findings->of[i].n == 0));
        n += findings->of[i].n != 0 ? findings->of[i].n : (findings->of[i].is_so ? 1 : 0);
        for (size_t j = 0; j < findings->of[i].n && j < FLEET_FINDINGS_SHOWN; j++) {
            require(findings->of[i].who[j] >= facts->members &&
                    findings->of[i].who[j] < facts->members + facts->n);
        }
    }
    require(n == findings->n);
}

static void show(const char *json, size_t n, const struct fleet_facts *facts,
                 const struct fleet_findings *findings)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *const out = open_memstream(&shown, &len);

    require(out != NULL);
    fleet_status_put(facts, findings, false, out);
    require(fflush(out) == 0);
    for (size_t i = 0; i < len; i++) {
        require(shown[i] == '\n' || (shown[i] >= ' ' && shown[i] <= '~'));
    }
    require(fleet_status_put_json(json, n, facts, findings, out));
    require(fclose(out) == 0);
    free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const json = (const char *)data;
    struct fleet_findings findings;
    struct fleet_facts facts;
    struct rp_error err = {""};
    const enum rp_status status = fleet_facts_read(json, size, &facts, &err);

    require((status == RP_OK) == (err.text[0] == '\0'));
    require_facts(&facts);
    if (status != RP_OK) {
        require(facts.members == NULL && facts.fleet[0] == '\0');
    } else if (facts.fleet[0] != '\0') {
        fleet_findings(&facts, &findings);
        require_findings(&facts, &findings);
        show(json, size, &facts, &findings);
    }
    fleet_facts_fini(&facts);
    return 0;
}
