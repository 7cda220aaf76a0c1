#include "member_report.h"

#include <stddef.h>
#include <string.h>

#include "memory.h"
#include "text.h"

/* Two lists: what is told, and what was told last. */
struct member_report {
    struct member_list now;
    struct member_list told;
    uint64_t n_foreign;
    int64_t foreign_ms;
};

enum rp_status member_report_new(struct member_report **out)
{
    *out = memory_new(1, sizeof **out);
    return *out != NULL ? RP_OK : RP_NO_MEMORY;
}

void member_report_free(struct member_report **report)
{
    memory_free(*report);
    *report = NULL;
}

static void copy_text(char out[static MEMBER_TABLE_TEXT_SIZE], const char *s)
{
    struct text t = text_of(out, MEMBER_TABLE_TEXT_SIZE);

    text_add(&t, s);
}

static void describe(const struct fleet *fleet, const struct fleet_member *member,
                     struct member_row *row)
{
    const struct mailbox_presence *const p = &member->presence;

    *row = (struct member_row){
        .seen_ms = member->seen_ms,
        .rotate_ms = p->rotate_ms,
        .accept_ms = p->accept_ms,
        .reseed_ms = p->reseed_ms,
        .uncertainty_ms = p->uncertainty_ms,
        .n_held = (uint16_t)p->n_held,
        .flags = (uint8_t)((member->is_self ? MEMBER_TABLE_SELF : 0) |
                           (p->is_member ? MEMBER_TABLE_JOINED : 0)),
        .health = p->health,
    };
    memcpy(row->id, member->id.bytes, sizeof row->id);
    for (unsigned i = 0; i < p->n_held; i++) {
        if (p->held[i].seals) {
            memcpy(row->ring, p->held[i].ring.bytes, sizeof row->ring);
            row->epoch = p->held[i].epoch;
            row->genesis_ms = member->seen_ms - p->held[i].ring_ms;
            row->flags |= MEMBER_TABLE_SEALS;
        }
    }
    if (fleet_clock_of(fleet, &member->id, &row->ahead_ms, &row->bound_ms)) {
        row->flags |= MEMBER_TABLE_MEASURED;
    }
    if (fleet_secret_of(fleet, &member->id) != 0) {
        row->flags |= MEMBER_TABLE_SECOND;
    }
    copy_text(row->name, p->name);
    copy_text(row->address, p->address);
    copy_text(row->version, p->version);
}

static uint32_t mark_of(const struct fleet *fleet, unsigned i)
{
    const uint8_t *const m = fleet_secret_mark(fleet, i);

    return m == NULL ? 0 : (uint32_t)m[0] << 24 | (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
}

/* The host itself says it seldom, and not at all without a store. */
static void describe_self(struct member_row *row, const struct member_report_now *now)
{
    const struct ring *ring;

    row->seen_ms = 0;
    row->flags = (uint8_t)(row->flags & ~MEMBER_TABLE_SEALS);
    row->n_held = 0;
    if (now->rings == NULL) {
        return;
    }
    ring = &now->rings->ring[now->rings->sealing];
    memcpy(row->ring, ring->id, sizeof row->ring);
    row->epoch = ring->epoch;
    row->genesis_ms = ring->genesis_ms - now->offset_ms;
    row->flags |= MEMBER_TABLE_SEALS;
    for (uint32_t i = 0; i < now->rings->n; i++) {
        row->n_held = (uint16_t)(row->n_held + now->rings->ring[i].held);
    }
}

void member_report(struct member_report *report, const struct fleet *fleet,
                   struct member_table *table, const struct member_report_now *now)
{
    struct member_list *const list = &report->now;
    const uint64_t n_foreign = fleet_count(fleet, FLEET_FOREIGN);
    const struct fleet_member *member;

    if (n_foreign != report->n_foreign) {
        report->n_foreign = n_foreign;
        report->foreign_ms = now->now_ms;
    }
    list->total = fleet_total(fleet);
    list->pace_ms = fleet_pace_ms(fleet);
    list->foreign_ms = report->foreign_ms;
    list->marks = (uint64_t)mark_of(fleet, 0) << 32 | mark_of(fleet, 1);
    list->n = 0;
    while (list->n < MEMBER_TABLE_MAX && (member = fleet_member(fleet, list->n)) != NULL) {
        describe(fleet, member, &list->rows[list->n]);
        list->n++;
    }
    describe_self(&list->rows[0], now);
    if (memcmp(list, &report->told,
               offsetof(struct member_list, rows) + list->n * sizeof list->rows[0]) != 0) {
        member_table_write(table, list);
        memcpy(&report->told, list, sizeof *list);
    }
}
