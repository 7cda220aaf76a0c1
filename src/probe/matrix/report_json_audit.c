#include "audit.h"
#include "report_findings.h"
#include "report_json.h"
#include "report_object.h"

static json_t *finding_json(const struct finding *f)
{
    struct object o = object_new();

    object_put_own(&o, "finding", finding_word(f->name));
    object_put_own(&o, "severity", report_severity_word(finding_severity(f->name)));
    object_put_own(&o, "text", finding_text(f->name));
    object_put_own(&o, "source", finding_source(f->name));
    object_put_text(&o, "address", f->address);
    object_put_text(&o, "evidence", f->evidence);
    return object_done(&o);
}

static json_t *check_json(const struct facts *facts, const struct audit_result *r)
{
    struct object o = object_new();

    object_put_own(&o, "check", audit_check_word(r->check));
    object_put_text(&o, "address",
                    r->address < facts->n ? facts->addresses[r->address].address.text : NULL);
    object_put_own(&o, "outcome", audit_outcome_word(r->outcome));
    object_put_count(&o, "connections", r->n_connections);
    object_put_text(&o, "note", r->note);
    return object_done(&o);
}

json_t *report_json_audit(const struct facts *facts, const struct audit *audit)
{
    struct list findings = list_new();
    struct list checks = list_new();
    struct object o = object_new();

    for (size_t i = 0; i < audit->n_findings; i++) {
        list_add(&findings, finding_json(&audit->findings[i]));
    }
    for (size_t i = 0; i < audit->n_results; i++) {
        list_add(&checks, check_json(facts, &audit->results[i]));
    }
    object_put(&o, "findings", list_done(&findings));
    object_put(&o, "checks", list_done(&checks));
    object_put_count(&o, "connections", audit->n_connections);
    object_put(&o, "seconds", json_real((double)audit->took_ms / 1000));
    object_put_flag(&o, "interrupted", audit->interrupted);
    return object_done(&o);
}
