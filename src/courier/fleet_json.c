#include "fleet_json.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "json_text.h"
#include "text.h"

#define MS_PER_S 1000
#define ID_SIZE (2 * MEMBER_TABLE_ID_LEN + 1)
#define MARK_SIZE 9
#define REPLACED 0x01 /* bits of a member's health (docs/formats/mailbox.md) */
#define NOT_RELOADED 0x02
#define TWO_SECRETS 0x04

/* A setter of jansson takes the value over, also where it fails; a NULL makes it fail. */

static json_t *seconds(int64_t ms)
{
    return json_real((double)ms / MS_PER_S);
}

static json_t *hex(const uint8_t id[static MEMBER_TABLE_ID_LEN])
{
    char digits[ID_SIZE];
    struct text t = text_of(digits, sizeof digits);

    text_add_hex(&t, id, MEMBER_TABLE_ID_LEN);
    return json_string(digits);
}

static bool has(const struct member_row *row, unsigned flag)
{
    return (row->flags & flag) != 0;
}

/* Since genesis; what a falsified one gives is a number as well. */
static int64_t ring_time_ms(const struct member_row *row, const struct moment *now)
{
    int64_t ms;

    return __builtin_sub_overflow(now->boot_ms, row->genesis_ms, &ms) || ms < 0 ? 0 : ms;
}

/* It goes on counting since it said so. */
static json_t *epoch(const struct member_row *row, const struct moment *now)
{
    const uint64_t by_now = (uint64_t)(ring_time_ms(row, now) / row->rotate_ms);

    if (!has(row, MEMBER_TABLE_SEALS)) {
        return json_null();
    }
    return json_integer(
        (json_int_t)(by_now > row->epoch && !has(row, MEMBER_TABLE_SELF) ? by_now : row->epoch));
}

static json_t *next_epoch(const struct member_row *row, const struct moment *now)
{
    const int64_t in_ms = row->rotate_ms - ring_time_ms(row, now) % row->rotate_ms;

    return has(row, MEMBER_TABLE_SEALS) ? seconds(in_ms) : json_null();
}

static bool in_step(const struct member_row *row, const struct member_row *self)
{
    return has(row, MEMBER_TABLE_JOINED) && has(row, MEMBER_TABLE_SEALS) &&
           has(self, MEMBER_TABLE_SEALS) && memcmp(row->ring, self->ring, sizeof row->ring) == 0;
}

static json_t *member(const struct member_row *row, const struct member_row *self,
                      const struct moment *now)
{
    const bool is_self = has(row, MEMBER_TABLE_SELF);
    const bool is_measured = has(row, MEMBER_TABLE_MEASURED);

    return json_pack(
        "{s:o, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:b, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:b, s:b, s:b, s:b}",                                                            //
        "id", hex(row->id), "name", row->name, "address", row->address,                   //
        "version", row->version, "self", is_self,                                         //
        "state", has(row, MEMBER_TABLE_JOINED) ? "member" : "joining",                    //
        "ring", has(row, MEMBER_TABLE_SEALS) ? hex(row->ring) : json_null(),              //
        "epoch", epoch(row, now), "in_step", in_step(row, self),                          //
        "rings_held", (int)row->n_held,                                                   //
        "seen_age_s", is_self ? json_null() : json_real(moment_age_s(now, row->seen_ms)), //
        "clock_ahead_s", is_measured ? seconds(row->ahead_ms) : json_null(),              //
        "clock_bound_s", is_measured ? seconds(row->bound_ms) : json_null(),              //
        "uncertainty_s", seconds(row->uncertainty_ms),                                    //
        "rotate_s", seconds(row->rotate_ms), "accept_s", seconds(row->accept_ms),         //
        "reseed_s", row->reseed_ms != 0 ? seconds(row->reseed_ms) : json_null(),          //
        "replaced_lately", (row->health & REPLACED) != 0,                                 //
        "reload_failed", (row->health & NOT_RELOADED) != 0, "two_secrets",
        (row->health & TWO_SECRETS) != 0, "speaks_second", has(row, MEMBER_TABLE_SECOND));
}

static json_t *members(const struct member_list *list, const struct moment *now)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++) {
        if (json_array_append_new(array, member(&list->rows[i], &list->rows[0], now)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *mark(uint64_t m)
{
    char digits[MARK_SIZE];
    struct text t = text_of(digits, sizeof digits);

    text_addf(&t, "%08" PRIx32, (uint32_t)m);
    return json_string(digits);
}

static json_t *marks(uint64_t both)
{
    return (uint32_t)both != 0 ? json_pack("[o, o]", mark(both >> 32), mark(both))
                               : json_pack("[o]", mark(both >> 32));
}

/* Before the keeper has told of any, there is nothing more to say than that. */
static json_t *fleet_object(const struct metrics_totals *totals, const struct moment *now)
{
    static const struct member_row none = {.rotate_ms = 1};
    const struct member_list *const list = &totals->members;
    const struct member_row *const self = list->n != 0 ? &list->rows[0] : &none;
    const uint64_t *const k = totals->keeper;

    if (now->fleet == NULL) {
        return json_pack("{s:n, s:s, s:I}", "fleet", "version", REPRISE_VERSION, "now_s",
                         (json_int_t)now->wall_s);
    }
    return json_pack(
        "{s:s, s:s, s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", //
        "fleet", now->fleet, "version", REPRISE_VERSION,                          //
        "now_s", (json_int_t)now->wall_s,                                         //
        "store_up", k[METRICS_FLEET_STORE_UP] != 0,                               //
        "joined", k[METRICS_FLEET_JOINED] != 0,                                   //
        "ring", has(self, MEMBER_TABLE_SEALS) ? hex(self->ring) : json_null(),    //
        "ring_age_s",
        has(self, MEMBER_TABLE_SEALS) ? seconds(ring_time_ms(self, now)) : json_null(), //
        "epoch", epoch(self, now), "next_epoch_s", next_epoch(self, now),               //
        "secrets", marks(list->marks), "pace_s", seconds(list->pace_ms),                //
        "foreign_age_s",
        list->foreign_ms != 0 ? json_real(moment_age_s(now, list->foreign_ms)) : json_null(), //
        "members_in_store", (json_int_t)list->total, "members", members(list, now));
}

enum rp_status fleet_json_new(const struct metrics_totals *totals, const struct moment *now,
                              char **out, size_t *n)
{
    return json_text_new(fleet_object(totals, now), out, n);
}
