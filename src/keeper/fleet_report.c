#include "fleet_report.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "text.h"

#define RING_SHOWN 8     /* bytes of a ring's id */
#define LATELY_MS 600000 /* of a process that was replaced */

_Static_assert(METRICS_N_FLEET_EVENTS == (int)FLEET_N_EVENTS &&
                   METRICS_FLEET_EVENT_JOINED == (int)FLEET_JOINED &&
                   METRICS_FLEET_EVENT_SEEDED == (int)FLEET_SEEDED &&
                   METRICS_FLEET_EVENT_LATE == (int)FLEET_LATE,
               "the names of events are those of the fleet's");

/* Lines. */

static const struct fleet_member *member_of(const struct fleet *fleet, const char *name)
{
    const struct fleet_member *member = NULL;

    for (size_t i = 1; name != NULL && (member = fleet_member(fleet, i)) != NULL; i++) {
        if (strcmp(member->presence.name, name) == 0) {
            break;
        }
    }
    return member;
}

static void note_mismatch(const struct log *log, const struct fleet *fleet, const char *name)
{
    static const char message[] =
        "a member is configured for another rotate or accept: no session of one resumes at the "
        "other";
    const struct fleet_member *member = member_of(fleet, name);

    if (member == NULL) {
        LOG_LINE(log, LOG_LEVEL_WARNING, message, LOG_S("member", name));
    } else {
        LOG_LINE(log, LOG_LEVEL_WARNING, message, LOG_S("member", name),
                 LOG_N("its_rotate_ms", member->presence.rotate_ms),
                 LOG_N("its_accept_ms", member->presence.accept_ms));
    }
}

static void note_ring(const struct log *log, const struct fleet_note *note, const char *ring)
{
    switch (note->event) {
    case FLEET_JOINED:
        LOG_LINE(log, LOG_LEVEL_INFO, "the fleet is joined", LOG_S("ring", ring),
                 LOG_S("member", note->name), LOG_N("ms", note->ms));
        break;
    case FLEET_FOUNDED:
        LOG_LINE(log, LOG_LEVEL_WARNING,
                 "nobody of the fleet is there: it begins anew, and earlier sessions do not resume",
                 LOG_S("ring", ring));
        break;
    case FLEET_TOOK_UP:
        LOG_LINE(log, LOG_LEVEL_INFO, "another ring opens too", LOG_S("ring", ring),
                 LOG_S("member", note->name));
        break;
    case FLEET_SWITCHED:
        LOG_LINE(log, LOG_LEVEL_INFO, "another ring seals", LOG_S("ring", ring));
        break;
    case FLEET_DROPPED:
        LOG_LINE(log, LOG_LEVEL_INFO, "a ring is no longer held", LOG_S("ring", ring));
        break;
    case FLEET_SEEDED:
        LOG_LINE(log, LOG_LEVEL_INFO, "the fleet's next ring begins here", LOG_S("ring", ring));
        break;
    case FLEET_ALONE:
    case FLEET_FOREIGN:
    case FLEET_MISMATCH:
    case FLEET_REFUSED:
    case FLEET_LATE:
    case FLEET_N_EVENTS:
        break;
    }
}

/* Its rank and its last four bytes: those between are alike for all rings that begin under one
 * secret. */
static void shown_of(const uint8_t id[static RATCHET_ID_LEN], uint8_t out[static RING_SHOWN])
{
    memcpy(out, id, RING_SHOWN / 2);
    memcpy(out + RING_SHOWN / 2, id + RATCHET_ID_LEN - RING_SHOWN / 2, RING_SHOWN / 2);
}

void fleet_report_note(const struct log *log, const struct fleet *fleet,
                       const struct fleet_note *note)
{
    char ring[2 * RING_SHOWN + 1];
    struct text t = text_of(ring, sizeof ring);

    if (note->ring != NULL) {
        uint8_t shown[RING_SHOWN];

        shown_of(note->ring, shown);
        text_add_hex(&t, shown, sizeof shown);
    }
    switch (note->event) {
    case FLEET_ALONE:
        log_line(log, LOG_LEVEL_WARNING,
                 "the fleet is not found: this host serves on its own, and goes on looking", NULL,
                 0);
        break;
    case FLEET_FOREIGN:
        log_line(log, LOG_LEVEL_WARNING,
                 "a message under another fleet secret: is the file the same on all hosts?", NULL,
                 0);
        break;
    case FLEET_MISMATCH:
        note_mismatch(log, fleet, note->name);
        break;
    case FLEET_REFUSED:
        log_line(log, LOG_LEVEL_WARNING, "a message that no sound member of the fleet sends", NULL,
                 0);
        break;
    case FLEET_LATE:
        LOG_LINE(log, LOG_LEVEL_WARNING, "fleet time was behind and is set forward",
                 LOG_N("ms", note->ms));
        break;
    case FLEET_JOINED:
    case FLEET_FOUNDED:
    case FLEET_TOOK_UP:
    case FLEET_SWITCHED:
    case FLEET_DROPPED:
    case FLEET_SEEDED:
        note_ring(log, note, ring);
        break;
    case FLEET_N_EVENTS:
        break;
    }
}

/* Figures. */

/* NULL: by none yet. */
static const struct mailbox_held *sealing(const struct fleet_member *member)
{
    for (unsigned i = 0; i < member->presence.n_held; i++) {
        if (member->presence.held[i].seals) {
            return &member->presence.held[i];
        }
    }
    return NULL;
}

static void count_members(const struct fleet *fleet, metrics_cell *cells)
{
    const struct fleet_member *member = fleet_member(fleet, 0);
    const struct mailbox_held *const own = sealing(member);
    uint64_t n = 0;
    uint64_t n_in_step = 0;

    for (; member != NULL; member = fleet_member(fleet, ++n)) {
        const struct mailbox_held *const its = sealing(member);

        n_in_step += own != NULL && its != NULL && mailbox_id_equal(&own->ring, &its->ring);
    }
    metrics_set(&cells[METRICS_FLEET_MEMBERS], n);
    metrics_set(&cells[METRICS_FLEET_IN_STEP], n_in_step);
}

static void tell_health(struct fleet_report *report, struct fleet *fleet,
                        const metrics_cell *parent, int64_t now_ms)
{
    const uint64_t n_replaced = metrics_get(&parent[METRICS_RESTARTS + METRICS_ROLE_KEEPER]) +
                                metrics_get(&parent[METRICS_RESTARTS + METRICS_ROLE_WORKER]);
    const uint64_t n_failed = metrics_get(&parent[METRICS_RELOADS_FAILED]);
    const uint64_t n_reloaded = metrics_get(&parent[METRICS_RELOADS_OK]);

    if (n_replaced != report->n_replaced) {
        report->n_replaced = n_replaced;
        report->replaced_ms = now_ms;
    }
    if (n_failed != report->n_failed || n_reloaded != report->n_reloaded) {
        report->has_failed = n_failed != report->n_failed;
        report->n_failed = n_failed;
        report->n_reloaded = n_reloaded;
    }
    fleet_set_health(fleet,
                     (uint8_t)((report->replaced_ms != 0 && now_ms - report->replaced_ms < LATELY_MS
                                    ? MAILBOX_HEALTH_REPLACED
                                    : 0) |
                               (report->has_failed ? MAILBOX_HEALTH_RELOAD : 0)));
}

void fleet_report(struct fleet_report *report, struct fleet *fleet, const struct rings *rings,
                  struct metrics *metrics, const struct fleet_report_clock *clock)
{
    metrics_cell *const cells = metrics_keeper(metrics);
    const struct fleet_member *const self = fleet_member(fleet, 0);
    uint64_t ring = 0;
    uint64_t n_held = 0;

    for (unsigned i = 0; i < FLEET_N_EVENTS; i++) {
        metrics_cell *const cell = &cells[METRICS_FLEET_EVENTS + i];

        if (!report->has_begun) {
            report->counted[i] = metrics_get(cell);
        }
        metrics_set(cell, report->counted[i] + fleet_count(fleet, (enum fleet_event)i));
    }
    report->has_begun = true;
    for (unsigned i = 0; rings != NULL && i < rings->n; i++) {
        n_held += rings->ring[i].held;
    }
    if (rings != NULL) {
        uint8_t shown[RING_SHOWN];

        shown_of(rings->ring[rings->sealing].id, shown);
        for (unsigned i = 0; i < RING_SHOWN; i++) {
            ring = ring << 8 | shown[i];
        }
    }
    metrics_set(&cells[METRICS_FLEET], 1);
    metrics_set(&cells[METRICS_FLEET_STORE_UP], report->store_is_up);
    metrics_set(&cells[METRICS_FLEET_JOINED], self->presence.is_member);
    metrics_set(&cells[METRICS_FLEET_RINGS], n_held);
    metrics_set(&cells[METRICS_FLEET_RING], ring);
    metrics_set(&cells[METRICS_FLEET_UNCERTAINTY_MS], self->presence.uncertainty_ms);
    metrics_set(&cells[METRICS_FLEET_OFFSET_MS], (uint64_t)clock->offset_ms);
    count_members(fleet, cells);
    tell_health(report, fleet, metrics_parent(metrics), clock->now_ms);
}

/* The system's name is as long, and made of what, its owner likes. */
void fleet_report_host(const struct config *config, char out[static CONFIG_FLEET_TEXT_MAX + 1])
{
    struct text t = text_of(out, CONFIG_FLEET_TEXT_MAX + 1);
    char name[256] = "";

    if (config->fleet.host != NULL) {
        text_add(&t, config->fleet.host);
    } else if (gethostname(name, sizeof name - 1) == 0 && config_fleet_is_printable(name)) {
        text_add(&t, name);
    }
    if (t.len == 0) {
        text_add(&t, "unnamed");
    }
}
