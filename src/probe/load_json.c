#include "load_report.h"

#include <jansson.h>

/* json_object_set_new takes NULL, frees nothing then and says so: one look at the end is enough. */
struct object {
    json_t *json;
    bool failed;
};

static struct object object_new(void)
{
    json_t *json = json_object();

    return (struct object){json, json == NULL};
}

static void put(struct object *o, const char *key, json_t *value)
{
    if (json_object_set_new(o->json, key, value) != 0) {
        o->failed = true;
    }
}

static void put_count(struct object *o, const char *key, uint64_t value)
{
    put(o, key, json_integer((json_int_t)value));
}

static void put_text(struct object *o, const char *key, const char *s)
{
    put(o, key, s != NULL && s[0] != '\0' ? json_string(s) : json_null());
}

/* NULL if anything failed on the way. */
static json_t *object_done(struct object *o)
{
    if (o->failed) {
        json_decref(o->json);
        return NULL;
    }
    return o->json;
}

static json_t *latency_json(const struct latency *l)
{
    struct object o = object_new();

    put_count(&o, "mean", latency_mean(l));
    put_count(&o, "p50", latency_percentile(l, 500));
    put_count(&o, "p90", latency_percentile(l, 900));
    put_count(&o, "p99", latency_percentile(l, 990));
    put_count(&o, "max", l->max_us);
    return object_done(&o);
}

static json_t *failed_json(const struct tally *t)
{
    struct object o = object_new();

    put_count(&o, "total", tally_failed(t));
    for (unsigned i = 0; i < CLIENT_ENDS; i++) {
        if (i != CLIENT_OK) {
            put_count(&o, client_end_word((enum client_end)i), t->n_failed[i]);
        }
    }
    put_count(&o, "no_session", t->n_no_session);
    put_text(&o, "first", t->first_failure.text);
    return object_done(&o);
}

static json_t *replies_json(const struct tally *t)
{
    static const char *const keys[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct object o = object_new();

    for (unsigned i = 2; i < 6; i++) {
        put_count(&o, keys[i], t->n_replies[i]);
    }
    return object_done(&o);
}

static json_t *mode_json(const struct tally *t)
{
    struct object o = object_new();

    put_text(&o, "mode", load_mode_word(t->mode));
    put_text(&o, "what", load_mode_text(t->mode));
    put(&o, "good", json_boolean(tally_is_good(t)));
    put_text(&o, "cipher", t->cipher);
    put(&o, "seconds", json_real((double)t->elapsed_us / 1e6));
    put(&o, "per_second", json_real((double)tally_rate_tenths(t) / 10));
    put_count(&o, "connections", t->n_begun);
    put_count(&o, "seeds", t->n_seeds);
    put_count(&o, "measured", t->n_resumed + t->n_full);
    put_count(&o, "resumed", t->n_resumed);
    put_count(&o, "full", t->n_full);
    put_text(&o, "first_unexpected", t->first_refusal.text);
    put(&o, "failed", failed_json(t));
    put(&o, "replies", replies_json(t));
    put(&o, "handshake_us", latency_json(&t->handshake));
    put(&o, "connection_us", latency_json(&t->connection));
    put(&o, "client_us_per_connection",
        t->n_timed != 0 ? json_real((double)t->cpu_us / (double)t->n_timed) : json_null());
    put(&o, "client_cpu_share",
        t->elapsed_us != 0 ? json_real((double)t->cpu_us / (double)t->elapsed_us) : json_null());
    return object_done(&o);
}

static json_t *addresses_json(const struct load_target *target)
{
    json_t *list = json_array();

    for (size_t i = 0; i < target->n; i++) {
        if (json_array_append_new(list, json_string(target->addresses[i].text)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *modes_json(const struct load_result *result)
{
    json_t *list = json_array();

    for (size_t i = 0; i < result->n_modes; i++) {
        if (json_array_append_new(list, mode_json(&result->modes[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

enum rp_status load_report_json(const struct load_options *options,
                                const struct load_target *target, const struct load_result *result,
                                FILE *out)
{
    struct object o = object_new();
    json_t *json;
    enum rp_status status = RP_NO_MEMORY;

    put_text(&o, "host", options->target.host);
    put_count(&o, "port", options->target.port);
    put_text(&o, "servername", options->servername);
    put(&o, "addresses", addresses_json(target));
    put_count(&o, "concurrency", options->connections);
    put(&o, "request", json_boolean(options->request_len != 0));
    put(&o, "fresh", json_boolean(options->fresh));
    put(&o, "verified", json_boolean(options->cafile != NULL));
    put(&o, "interrupted", json_boolean(result->interrupted));
    put(&o, "good", json_boolean(load_judge(result) == LOAD_GOOD));
    put(&o, "modes", modes_json(result));
    json = object_done(&o);
    if (json != NULL) {
        status =
            json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 ? RP_OK : RP_SYSTEM;
        (void)fputc('\n', out);
    }
    json_decref(json);
    return status;
}
