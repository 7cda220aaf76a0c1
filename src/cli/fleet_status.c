#include "fleet_status.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "text.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

#define RING_SHOWN 16 /* digits of a ring: as in the log */
#define ID_SHOWN 8
#define CELL_SIZE 40
#define LEAST_S 0.001

struct widths {
    int name;
    int address;
    int version;
};

static const char *paint(bool colour, const char *code)
{
    return colour ? code : "";
}

/* As few digits as say it. */
static void put_time(struct text *t, double s)
{
    if (s < 1) {
        text_addf(t, "%.0f ms", s * 1000);
    } else if (s < 120) {
        text_addf(t, "%.0f s", s);
    } else if (s < 7200) {
        text_addf(t, "%.0f min", s / 60);
    } else if (s < 172800) {
        text_addf(t, "%.0f h", s / 3600);
    } else {
        text_addf(t, "%.0f days", s / 86400);
    }
}

static int wider(int width, const char *s)
{
    const int n = (int)strlen(s);

    return n > width ? n : width;
}

static struct widths measure(const struct fleet_facts *facts)
{
    struct widths w = {(int)strlen("HOST"), (int)strlen("ADDRESS"), (int)strlen("VERSION")};

    for (size_t i = 0; i < facts->n; i++) {
        w.name = wider(w.name, facts->members[i].name);
        w.address = wider(w.address, facts->members[i].address);
        w.version = wider(w.version, facts->members[i].version);
    }
    return w;
}

static const char *state_of(const struct fleet_facts *facts, const struct fleet_facts_member *m)
{
    if (m->is_joining) {
        return "joining";
    }
    if (m->in_step) {
        return facts->n_in_store != 0 || !m->is_self ? "in step" : "alone";
    }
    return "other ring";
}

static void put_clock(struct text *t, const struct fleet_facts_member *m)
{
    const double ahead_s = m->clock_ahead_s;

    if (!m->is_measured) {
        text_add(t, "-");
    } else if (ahead_s > m->clock_bound_s || -ahead_s > m->clock_bound_s) {
        text_add(t, ahead_s > 0 ? "+" : "-");
        put_time(t, ahead_s > 0 ? ahead_s : -ahead_s);
    } else {
        text_add(t, "within ");
        put_time(t, m->clock_bound_s > LEAST_S ? m->clock_bound_s : LEAST_S);
    }
}

static void put_seen(struct text *t, const struct fleet_facts_member *m)
{
    if (m->is_self) {
        text_add(t, "here");
    } else {
        put_time(t, m->seen_age_s);
        text_add(t, " ago");
    }
}

/* The first eight digits and the last: what is between is alike for rings of one secret. */
static void put_ring(struct text *t, const char *ring)
{
    const size_t len = strlen(ring);

    if (len <= RING_SHOWN) {
        text_add(t, len != 0 ? ring : "-");
    } else {
        text_addf(t, "%.*s%s", RING_SHOWN / 2, ring, ring + len - RING_SHOWN / 2);
    }
}

static void put_member(const struct fleet_facts *facts, const struct fleet_facts_member *m,
                       const struct widths *w, bool colour, FILE *out)
{
    char epoch[CELL_SIZE] = "-";
    char clock[CELL_SIZE];
    char seen[CELL_SIZE];
    char ring[CELL_SIZE];
    struct text r = text_of(ring, sizeof ring);
    struct text e = text_of(epoch, sizeof epoch);
    struct text c = text_of(clock, sizeof clock);
    struct text s = text_of(seen, sizeof seen);
    const char *const tint = m->in_step ? GREEN : RED;

    text_add(&e, m->epoch >= 0 ? "" : "-");
    if (m->epoch >= 0) {
        text_addf(&e, "%" PRId64, m->epoch);
    }
    put_clock(&c, m);
    put_seen(&s, m);
    put_ring(&r, m->ring);
    (void)fprintf(out, "%-*s  %-*s  %-*.*s  %s%-10s%s  %-*s  %-8s  %-14s  %-11s  %s\n", w->name,
                  m->name, w->address, m->address[0] != '\0' ? m->address : "-", ID_SHOWN, ID_SHOWN,
                  m->id, paint(colour, tint), state_of(facts, m), paint(colour, PLAIN), RING_SHOWN,
                  ring, epoch, clock, seen, m->version);
}

static void put_table(const struct fleet_facts *facts, bool colour, FILE *out)
{
    const struct widths w = measure(facts);

    (void)fprintf(out, "%-*s  %-*s  %-*s  %-10s  %-*s  %-8s  %-14s  %-11s  %s\n", w.name, "HOST",
                  w.address, "ADDRESS", ID_SHOWN, "ID", "STATE", RING_SHOWN, "RING", "EPOCH",
                  "CLOCK", "SEEN", "VERSION");
    for (size_t i = 0; i < facts->n; i++) {
        put_member(facts, &facts->members[i], &w, colour, out);
    }
}

static void put_sum(const struct fleet_facts *facts, FILE *out)
{
    char next[CELL_SIZE];
    char ring[CELL_SIZE];
    struct text t = text_of(next, sizeof next);
    struct text r = text_of(ring, sizeof ring);
    size_t n_in_step = 0;

    for (size_t i = 0; i < facts->n; i++) {
        n_in_step += facts->members[i].in_step ? 1 : 0;
    }
    (void)fprintf(out, "%s: ", facts->fleet);
    if (n_in_step == facts->n) {
        (void)fprintf(out, "%zu %s, %s", facts->n, facts->n == 1 ? "host" : "hosts",
                      facts->n == 1 ? "sealing by" : "all in step on");
    } else {
        (void)fprintf(out, "%zu of %zu hosts in step on", n_in_step, facts->n);
    }
    if (facts->ring[0] == '\0') {
        (void)fputs(" no ring yet\n", out);
        return;
    }
    put_time(&t, facts->next_epoch_s);
    put_ring(&r, facts->ring);
    (void)fprintf(out, " ring %s, epoch %" PRId64 "; next epoch in %s\n", ring, facts->epoch, next);
}

static void put_finding(const struct fleet_findings *findings, enum fleet_finding finding,
                        bool colour, FILE *out)
{
    const size_t n = findings->of[finding].n;

    (void)fputs(paint(colour, YELLOW), out);
    for (size_t i = 0; i < n && i < FLEET_FINDINGS_SHOWN; i++) {
        (void)fprintf(out, "%s%s", i != 0 ? ", " : "", findings->of[finding].who[i]->name);
    }
    if (n > FLEET_FINDINGS_SHOWN) {
        (void)fprintf(out, " and %zu more", n - FLEET_FINDINGS_SHOWN);
    }
    (void)fprintf(out, "%s%s%s\n    %s\n", n != 0 ? ": " : "", fleet_finding_text(finding),
                  paint(colour, PLAIN), fleet_finding_advice(finding));
}

void fleet_status_put(const struct fleet_facts *facts, const struct fleet_findings *findings,
                      bool colour, FILE *out)
{
    put_table(facts, colour, out);
    if (facts->n_in_store > (int64_t)facts->n) {
        (void)fprintf(out, "(%" PRId64 " are in the store; these are seen from here)\n",
                      facts->n_in_store);
    }
    (void)fputs("\n", out);
    put_sum(facts, out);
    for (unsigned i = 0; i < FLEET_N_FINDINGS; i++) {
        if (findings->of[i].is_so) {
            put_finding(findings, (enum fleet_finding)i, colour, out);
        }
    }
}

/* As JSON. A setter of jansson takes the value over, also where it fails. */

static json_t *names_of(const struct fleet_findings *findings, unsigned finding)
{
    json_t *names = json_array();

    for (size_t i = 0; i < findings->of[finding].n && i < FLEET_FINDINGS_SHOWN; i++) {
        (void)json_array_append_new(names, json_string(findings->of[finding].who[i]->name));
    }
    return names;
}

static json_t *list_of(const struct fleet_findings *findings)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < FLEET_N_FINDINGS; i++) {
        const enum fleet_finding finding = (enum fleet_finding)i;

        if (findings->of[i].is_so) {
            (void)json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:I, s:o}", "finding", fleet_finding_word(finding),
                                "text", fleet_finding_text(finding), "advice",
                                fleet_finding_advice(finding), "members",
                                (json_int_t)findings->of[i].n, "names", names_of(findings, i)));
        }
    }
    return list;
}

bool fleet_status_put_json(const char *json, size_t n, const struct fleet_facts *facts,
                           const struct fleet_findings *findings, FILE *out)
{
    json_t *object = json_loadb(json, n, 0, NULL);
    const bool ok = facts->fleet[0] != '\0' && findings->n == 0;
    bool done = json_object_set_new(object, "ok", json_boolean(ok)) == 0 &&
                json_object_set_new(object, "findings", list_of(findings)) == 0;

    done = done && json_dumpf(object, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(object);
    return done;
}
