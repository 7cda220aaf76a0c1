#include "fleet_facts.h"

#include <string.h>

#include <jansson.h>

#include "error.h"
#include "memory.h"

/* Reads members of one object; one that is wrong makes all wrong. */
struct source {
    const json_t *object;
    bool failed;
};

static const json_t *get(struct source *s, const char *key)
{
    const json_t *value = json_object_get(s->object, key);

    s->failed = s->failed || value == NULL;
    return value;
}

static bool is_shown(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~') {
            return false;
        }
    }
    return true;
}

/* null gives an empty one. */
static void get_text(struct source *s, const char *key, char *out, size_t size)
{
    const json_t *value = get(s, key);
    const size_t n = json_string_length(value);

    out[0] = '\0';
    if (json_is_null(value)) {
        return;
    }
    if (!json_is_string(value) || n >= size || !is_shown(json_string_value(value), n)) {
        s->failed = true;
        return;
    }
    memcpy(out, json_string_value(value), n);
    out[n] = '\0';
}

static bool get_flag(struct source *s, const char *key)
{
    const json_t *value = get(s, key);

    s->failed = s->failed || !json_is_boolean(value);
    return json_is_true(value);
}

static int64_t get_count(struct source *s, const char *key)
{
    const json_t *value = get(s, key);

    if (json_is_null(value)) {
        return -1;
    }
    s->failed = s->failed || !json_is_integer(value) || json_integer_value(value) < 0;
    return json_integer_value(value);
}

static double get_seconds(struct source *s, const char *key)
{
    const json_t *value = get(s, key);

    if (json_is_null(value)) {
        return FLEET_FACTS_NONE;
    }
    s->failed = s->failed || !json_is_number(value);
    return json_number_value(value);
}

static bool read_member(const json_t *object, struct fleet_facts_member *m)
{
    struct source s = {.object = object};
    char state[FLEET_FACTS_TEXT_SIZE];

    get_text(&s, "id", m->id, sizeof m->id);
    get_text(&s, "name", m->name, sizeof m->name);
    get_text(&s, "address", m->address, sizeof m->address);
    get_text(&s, "version", m->version, sizeof m->version);
    get_text(&s, "ring", m->ring, sizeof m->ring);
    get_text(&s, "state", state, sizeof state);
    m->is_self = get_flag(&s, "self");
    m->is_joining = strcmp(state, "joining") == 0;
    m->in_step = get_flag(&s, "in_step");
    m->was_replaced = get_flag(&s, "replaced_lately");
    m->has_reload_failed = get_flag(&s, "reload_failed");
    m->has_two_secrets = get_flag(&s, "two_secrets");
    m->speaks_second = get_flag(&s, "speaks_second");
    m->epoch = get_count(&s, "epoch");
    m->seen_age_s = get_seconds(&s, "seen_age_s");
    m->clock_ahead_s = get_seconds(&s, "clock_ahead_s");
    m->clock_bound_s = get_seconds(&s, "clock_bound_s");
    m->is_measured = !json_is_null(json_object_get(object, "clock_ahead_s"));
    m->uncertainty_s = get_seconds(&s, "uncertainty_s");
    m->rotate_s = get_seconds(&s, "rotate_s");
    m->accept_s = get_seconds(&s, "accept_s");
    return !s.failed && m->id[0] != '\0' && m->name[0] != '\0';
}

static bool read_members(const json_t *array, struct fleet_facts *out)
{
    const size_t n = json_array_size(array);

    if (!json_is_array(array) || n > FLEET_FACTS_MEMBERS_MAX) {
        return false;
    }
    out->members = memory_new(n != 0 ? n : 1, sizeof *out->members);
    if (out->members == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_member(json_array_get(array, i), &out->members[i])) {
            return false;
        }
        out->n++;
    }
    return true;
}

static bool read_secrets(const json_t *array, struct fleet_facts *out)
{
    const size_t n = json_array_size(array);

    for (size_t i = 0; i < n && n <= 2; i++) {
        const char *const mark = json_string_value(json_array_get(array, i));

        if (mark == NULL || strlen(mark) >= sizeof out->secrets[i] ||
            !is_shown(mark, strlen(mark))) {
            return false;
        }
        memcpy(out->secrets[i], mark, strlen(mark) + 1);
    }
    out->n_secrets = (unsigned)n;
    return n == 1 || n == 2;
}

static bool read_all(const json_t *object, struct fleet_facts *out)
{
    struct source s = {.object = object};

    get_text(&s, "fleet", out->fleet, sizeof out->fleet);
    if (s.failed || out->fleet[0] == '\0') {
        return !s.failed;
    }
    get_text(&s, "ring", out->ring, sizeof out->ring);
    out->store_is_up = get_flag(&s, "store_up");
    out->is_joined = get_flag(&s, "joined");
    out->epoch = get_count(&s, "epoch");
    out->next_epoch_s = get_seconds(&s, "next_epoch_s");
    out->pace_s = get_seconds(&s, "pace_s");
    out->foreign_age_s = get_seconds(&s, "foreign_age_s");
    out->n_in_store = get_count(&s, "members_in_store");
    if (!read_secrets(get(&s, "secrets"), out)) {
        return false;
    }
    return read_members(get(&s, "members"), out) && !s.failed;
}

enum rp_status fleet_facts_read(const char *json, size_t n, struct fleet_facts *out,
                                struct rp_error *err)
{
    json_t *object = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
    bool good;

    *out = (struct fleet_facts){0};
    good = json_is_object(object) && read_all(object, out);
    json_decref(object);
    if (!good) {
        fleet_facts_fini(out);
        error_set(err, "the answer is not that of reprised, or of another version of it");
        return RP_FORMAT;
    }
    return RP_OK;
}

void fleet_facts_fini(struct fleet_facts *facts)
{
    memory_free(facts->members);
    *facts = (struct fleet_facts){0};
}
