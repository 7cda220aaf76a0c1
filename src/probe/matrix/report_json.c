#include "report_json.h"

#include <time.h>

#include "report.h"
#include "report_object.h"
#include "text.h"

#define JSON_VERSION 1

static void put_began(struct object *o, int64_t unix_s)
{
    const time_t t = (time_t)unix_s;
    struct tm tm;
    char buffer[32];

    if (gmtime_r(&t, &tm) != NULL && strftime(buffer, sizeof buffer, "%FT%TZ", &tm) != 0) {
        object_put_own(o, "began", buffer);
    } else {
        object_put(o, "began", json_null());
    }
}

/* What a visit to the address showed first, over all mechanisms. */
static const struct visit *first_established(const struct address_facts *a)
{
    for (unsigned m = 0; m < MECHANISMS; m++) {
        for (unsigned i = 0; i < a->issue[m].n_tries; i++) {
            if (a->issue[m].visits[i].established && a->issue[m].visits[i].certificate.present) {
                return &a->issue[m].visits[i];
            }
        }
    }
    return NULL;
}

static json_t *address_json(const struct address_facts *a)
{
    const struct visit *v = first_established(a);
    struct object o = object_new();

    object_put_text(&o, "address", a->address.text);
    object_put_flag(&o, "reachable", a->reachable);
    object_put_flag(&o, "tls", a->tls);
    object_put(&o, "certificate",
               v != NULL ? report_json_certificate(&v->certificate) : json_null());
    object_put_text(&o, "server", v != NULL ? v->http_server : NULL);
    return object_done(&o);
}

static json_t *addresses_json(const struct facts *facts)
{
    struct list l = list_new();

    for (size_t i = 0; i < facts->n; i++) {
        list_add(&l, address_json(&facts->addresses[i]));
    }
    return list_done(&l);
}

static json_t *mechanisms_json(const struct facts *facts)
{
    struct list l = list_new();

    for (unsigned m = 0; m < MECHANISMS; m++) {
        struct view *view = NULL;

        if ((facts->mechanisms & 1U << m) == 0 || facts->cells[m] == NULL) {
            continue;
        }
        if (view_new(facts, (enum mechanism)m, &view) != RP_OK) {
            l.failed = true;
            break;
        }
        list_add(&l, report_json_mechanism(view));
        view_free(&view);
    }
    return list_done(&l);
}

static json_t *names_json(const struct facts *facts, const size_t *addresses, size_t n)
{
    struct list l = list_new();

    for (size_t i = 0; i < n; i++) {
        list_add(&l, json_string(facts->addresses[addresses[i]].address.text));
    }
    return list_done(&l);
}

static json_t *words_json(unsigned mechanisms)
{
    struct list l = list_new();

    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((mechanisms & 1U << m) != 0) {
            list_add(&l, json_string(mechanism_word((enum mechanism)m)));
        }
    }
    return list_done(&l);
}

static json_t *cells_json(const struct facts *facts, const struct diagnosis *d)
{
    struct list l = list_new();

    for (size_t i = 0; i < d->n_cells; i++) {
        list_add(&l, json_pack("[I, I]", (json_int_t)(d->cells[i] / facts->n),
                               (json_int_t)(d->cells[i] % facts->n)));
    }
    return list_done(&l);
}

static json_t *diagnosis_json(const struct facts *facts, const struct diagnosis *d)
{
    struct object o = object_new();

    object_put_own(&o, "cause", cause_word(d->cause));
    object_put_own(&o, "text", cause_text(d->cause));
    object_put_flag(&o, "harmless", d->harmless);
    object_put(&o, "mechanisms", words_json(d->mechanisms));
    object_put_own(&o, "where", d->where);
    object_put_own(&o, "evidence", d->evidence);
    object_put_own(&o, "advice", d->advice);
    object_put(&o, "addresses", names_json(facts, d->addresses, d->n_addresses));
    object_put(&o, "cells", cells_json(facts, d));
    return object_done(&o);
}

static json_t *diagnoses_json(const struct facts *facts, const struct findings *findings)
{
    struct list l = list_new();

    for (size_t i = 0; i < findings->n; i++) {
        list_add(&l, diagnosis_json(facts, &findings->items[i]));
    }
    return list_done(&l);
}

static json_t *key_json(const struct facts *facts, const struct key_group *g)
{
    struct object o = object_new();

    object_put_own(&o, "mechanism", mechanism_word(g->mechanism));
    object_put_hex(&o, "key_name", g->name.bytes, g->name.len);
    object_put_own(&o, "stack", g->stack);
    object_put(&o, "addresses", names_json(facts, g->addresses, g->n_addresses));
    return object_done(&o);
}

static json_t *keys_json(const struct facts *facts, const struct findings *findings)
{
    struct list l = list_new();

    for (size_t i = 0; i < findings->n_keys; i++) {
        list_add(&l, key_json(facts, &findings->keys[i]));
    }
    return list_done(&l);
}

static json_t *groups_json(const struct facts *facts, const struct findings *findings)
{
    struct list l = list_new();

    for (size_t i = 0; i < findings->n_groups; i++) {
        const struct resume_group *g = &findings->groups[i];
        struct object o = object_new();

        object_put_own(&o, "mechanism", mechanism_word(g->mechanism));
        object_put(&o, "addresses", names_json(facts, g->addresses, g->n_addresses));
        list_add(&l, object_done(&o));
    }
    return list_done(&l);
}

static json_t *aged_json(const struct facts *facts)
{
    struct list l = list_new();

    for (size_t i = 0; i < facts->n_aged; i++) {
        const struct aged_facts *a = &facts->aged[i];
        struct object o = object_new();

        object_put_text(&o, "address", facts->addresses[a->address].address.text);
        object_put_own(&o, "mechanism", mechanism_word(a->mechanism));
        object_put_count(&o, "age_ms", (uint64_t)a->age_ms);
        object_put_count(&o, "lifetime_s", a->lifetime_s);
        object_put_count(&o, "tries", a->n_tries);
        object_put_count(&o, "resumed", a->n_resumed);
        list_add(&l, object_done(&o));
    }
    return list_done(&l);
}

static void put_head(struct object *o, const struct facts *facts, const struct findings *findings)
{
    object_put_own(o, "format", "reprise-probe");
    object_put_count(o, "version", JSON_VERSION);
    object_put_own(o, "tool", "reprise " REPRISE_VERSION);
    object_put_text(o, "host", facts->endpoint.host);
    object_put_count(o, "port", facts->endpoint.port);
    object_put_text(o, "servername", facts->servername);
    put_began(o, facts->began_s);
    object_put(o, "seconds", json_real((double)facts->took_ms / 1000));
    object_put_count(o, "connections", facts->n_connections);
    object_put_count(o, "tries", facts->n_tries);
    object_put_flag(o, "interrupted", facts->interrupted);
    object_put_text(o, "trouble", facts->trouble.text);
    object_put_own(o, "summary", findings->summary);
}

enum rp_status report_json(const struct facts *facts, const struct findings *findings,
                           const struct audit *audit, FILE *out, const struct report_style *style)
{
    struct object o = object_new();
    enum rp_status status = RP_NO_MEMORY;
    json_t *json;

    (void)style;
    put_head(&o, facts, findings);
    object_put(&o, "addresses", addresses_json(facts));
    object_put(&o, "mechanisms", mechanisms_json(facts));
    object_put(&o, "diagnoses", diagnoses_json(facts, findings));
    object_put(&o, "keys", keys_json(facts, findings));
    object_put(&o, "groups", groups_json(facts, findings));
    object_put(&o, "aged", aged_json(facts));
    object_put(&o, "audit", audit != NULL ? report_json_audit(facts, audit) : json_null());
    json = object_done(&o);
    if (json != NULL) {
        status =
            json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 ? RP_OK : RP_SYSTEM;
        (void)fputc('\n', out);
    }
    json_decref(json);
    return status;
}
