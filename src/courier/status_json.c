#include "status_json.h"

#include <inttypes.h>

#include <jansson.h>

#include "exposition.h"
#include "health.h"
#include "json_text.h"
#include "text.h"

#define MS_PER_S 1000
#define RING_SIZE 17
#define KEY_SIZE (2 * METRICS_NAME_LEN + 1)

/* A setter of jansson takes the value over, also where it fails; a NULL makes it fail. */

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static bool set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *health(const struct metrics_totals *totals)
{
    char sentence[HEALTH_SENTENCE_SIZE];
    const bool good = health_is_good(totals, sentence);

    return json_pack("{s:b, s:s}", "ok", good, "message", sentence);
}

static json_t *processes(const struct metrics_totals *totals)
{
    const uint64_t *const p = totals->parent;
    json_t *restarts = json_object();

    for (unsigned i = 0; i < METRICS_N_ROLES; i++) {
        if (!set(restarts, metrics_role_text((enum metrics_role)i),
                 number(p[METRICS_RESTARTS + i]))) {
            json_decref(restarts);
            return NULL;
        }
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:o}",                        //
                     "workers_wanted", number(p[METRICS_WORKERS_WANTED]),     //
                     "workers_ready", number(p[METRICS_WORKERS_READY]),       //
                     "workers_draining", number(p[METRICS_WORKERS_DRAINING]), //
                     "keeper_ready", p[METRICS_KEEPER_READY] != 0,            //
                     "draining", p[METRICS_DRAINING] != 0, "restarts", restarts);
}

static json_t *reloads(const uint64_t *p)
{
    return json_pack("{s:o, s:o, s:o}", "ok", number(p[METRICS_RELOADS_OK]), //
                     "failed", number(p[METRICS_RELOADS_FAILED]),            //
                     "last_s",
                     p[METRICS_RELOADED_S] != 0 ? number(p[METRICS_RELOADED_S]) : json_null());
}

static json_t *connections(const uint64_t *w)
{
    json_t *refused = json_object();

    for (unsigned i = 0; i < METRICS_N_REFUSALS; i++) {
        if (!set(refused, metrics_refusal_text((enum metrics_refusal)i),
                 number(w[METRICS_REFUSED + i]))) {
            json_decref(refused);
            return NULL;
        }
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "open", number(w[METRICS_OPEN]), //
                     "accepted", number(w[METRICS_ACCEPTED]), "refused", refused,  //
                     "bytes_to_backend", number(w[METRICS_BYTES_UP]),              //
                     "bytes_to_client", number(w[METRICS_BYTES_DOWN]));
}

static json_t *backend(const uint64_t *w)
{
    return json_pack("{s:o, s:o, s:o}", "connects", number(w[METRICS_BACKEND_CONNECTS]), //
                     "unreachable", number(w[METRICS_BACKEND_FAILURES]),                 //
                     "timed-out", number(w[METRICS_BACKEND_TIMEOUTS]));
}

static bool add_handshake(json_t *list, const struct metrics_totals *totals,
                          enum metrics_version version, enum rp_mechanism mechanism, bool resumed)
{
    if (!exposition_has_handshake(totals, version, mechanism, resumed)) {
        return true;
    }
    return json_array_append_new(
               list,
               json_pack("{s:s, s:s, s:s, s:o}", "version", metrics_version_text(version), //
                         "session", resumed ? "resumed" : "full",                          //
                         "mechanism", rp_mechanism_text(mechanism), "count",
                         number(totals->worker[METRICS_HANDSHAKES +
                                               metrics_handshake(version, mechanism, resumed)]))) ==
           0;
}

static json_t *handshakes(const struct metrics_totals *totals)
{
    json_t *list = json_array();
    bool added = list != NULL;

    for (unsigned v = 0; v < METRICS_N_VERSIONS; v++) {
        for (unsigned m = 0; m < RP_N_MECHANISMS; m++) {
            added =
                added &&
                add_handshake(list, totals, (enum metrics_version)v, (enum rp_mechanism)m, false) &&
                add_handshake(list, totals, (enum metrics_version)v, (enum rp_mechanism)m, true);
        }
    }
    if (!added) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* Verdicts, failures and the like: a name and a number each. */
static json_t *by_name(const uint64_t *cells, unsigned n, const char *(*name)(unsigned i))
{
    json_t *object = json_object();

    for (unsigned i = 0; i < n; i++) {
        if (!set(object, name(i), number(cells[i]))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static const char *verdict(unsigned i)
{
    return rp_verdict_text((enum rp_verdict)i);
}

static const char *failure(unsigned i)
{
    return metrics_failure_text((enum metrics_failure)i);
}

static const char *version_name(unsigned i)
{
    return metrics_version_text((enum metrics_version)i);
}

static json_t *keys(const struct metrics_totals *totals, const struct moment *now)
{
    json_t *list = json_array();

    for (size_t i = 0; i < totals->n_keys; i++) {
        const struct metrics_key *key = &totals->keys[i];
        char name[KEY_SIZE];
        struct text t = text_of(name, sizeof name);

        text_add_hex(&t, key->name, sizeof key->name);
        if (json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:f}", "key", name, "epoch",
                                                  number(key->epoch), "role",
                                                  metrics_key_role_text(key->role), "age_s",
                                                  moment_age_s(now, key->since_ms))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *keyring(const struct metrics_totals *totals, const struct moment *now)
{
    const uint64_t *const k = totals->keeper;

    return json_pack("{s:o, s:b, s:f, s:o, s:o}", "epoch", number(k[METRICS_EPOCH]),         //
                     "static", k[METRICS_IS_STATIC] != 0,                                    //
                     "changed_age_s", moment_age_s(now, (int64_t)k[METRICS_EPOCH_SINCE_MS]), //
                     "domains", number(k[METRICS_DOMAINS]), "keys", keys(totals, now));
}

static const char *event_name(unsigned i)
{
    return metrics_fleet_event_text((enum metrics_fleet_event)i);
}

/* null where there is none. */
static json_t *fleet(const uint64_t *k)
{
    char ring[RING_SIZE];
    struct text t = text_of(ring, sizeof ring);

    if (k[METRICS_FLEET] == 0) {
        return json_null();
    }
    text_addf(&t, "%016" PRIx64, k[METRICS_FLEET_RING]);
    return json_pack("{s:b, s:b, s:o, s:o, s:s, s:o, s:f, s:f, s:o}",                           //
                     "store_up", k[METRICS_FLEET_STORE_UP] != 0,                                //
                     "joined", k[METRICS_FLEET_JOINED] != 0,                                    //
                     "members", number(k[METRICS_FLEET_MEMBERS]),                               //
                     "members_in_step", number(k[METRICS_FLEET_IN_STEP]),                       //
                     "ring", ring,                                                              //
                     "rings_held", number(k[METRICS_FLEET_RINGS]),                              //
                     "clock_offset_s", (double)(int64_t)k[METRICS_FLEET_OFFSET_MS] / MS_PER_S,  //
                     "clock_uncertainty_s", (double)k[METRICS_FLEET_UNCERTAINTY_MS] / MS_PER_S, //
                     "events",
                     by_name(&k[METRICS_FLEET_EVENTS], METRICS_N_FLEET_EVENTS, event_name));
}

static json_t *cache(const uint64_t *c)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",          //
                     "records", number(c[METRICS_CACHE_RECORDS]),         //
                     "bytes", number(c[METRICS_CACHE_BYTES]),             //
                     "capacity_bytes", number(c[METRICS_CACHE_CAPACITY]), //
                     "stored", number(c[METRICS_CACHE_STORED]),           //
                     "hits", number(c[METRICS_CACHE_HITS]),               //
                     "misses", number(c[METRICS_CACHE_MISSES]),           //
                     "evictions", number(c[METRICS_CACHE_EVICTED]),       //
                     "emptied_shards", number(c[METRICS_CACHE_EMPTIED]));
}

static const char *feed_state(const struct feed_row *row)
{
    switch ((enum feed_table_state)row->state) {
    case FEED_TABLE_STARTS:
        return "starting";
    case FEED_TABLE_UP:
        return "up";
    case FEED_TABLE_BEHIND:
        break;
    }
    return "behind";
}

static json_t *feed(const struct feed_row *row, const struct moment *now)
{
    char key[KEY_SIZE];
    struct text t = text_of(key, sizeof key);

    text_add_hex(&t, row->key, sizeof row->key);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f}",           //
                     "feed", row->name, "server", row->server, "state", feed_state(row),  //
                     "reason", row->why[0] != '\0' ? json_string(row->why) : json_null(), //
                     "key", row->n_keys != 0 ? json_string(key) : json_null(),            //
                     "keys", number(row->n_keys), "updates", number(row->n_updates),      //
                     "failures", number(row->n_failures),                                 //
                     "told_age_s",                                                        //
                     row->told_ms != 0 ? json_real(moment_age_s(now, row->told_ms))
                                       : json_null(), //
                     "accept_s", (double)row->accept_ms / MS_PER_S, "wanted_accept_s",
                     (double)row->wanted_ms / MS_PER_S);
}

static json_t *feeds(const struct feed_list *rows, const struct moment *now)
{
    json_t *list = json_array();

    for (size_t i = 0; i < rows->n; i++) {
        if (json_array_append_new(list, feed(&rows->rows[i], now)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *lost(const struct metrics_totals *totals, const struct moment *now)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}",                           //
                     "parent", number(totals->parent[METRICS_PARENT_LOST]), //
                     "keeper", number(totals->keeper[METRICS_KEEPER_LOST]), //
                     "worker", number(totals->worker[METRICS_WORKER_LOST]), //
                     "courier", number(now->courier_lost), "feeder",
                     number(totals->feeder[METRICS_FEEDER_LOST]));
}

static json_t *status_object(const struct metrics_totals *totals, const struct moment *now)
{
    const uint64_t *const w = totals->worker;

    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
        "version", REPRISE_VERSION,                                                              //
        "started_s", number(totals->parent[METRICS_STARTED_S]),                                  //
        "now_s", json_integer((json_int_t)now->wall_s),                                          //
        "health", health(totals),                                                                //
        "processes", processes(totals),                                                          //
        "reloads", reloads(totals->parent),                                                      //
        "connections", connections(w),                                                           //
        "backend", backend(w),                                                                   //
        "handshakes", handshakes(totals),                                                        //
        "verdicts", by_name(&w[METRICS_VERDICTS], RP_N_VERDICTS, verdict),                       //
        "handshake_failures", by_name(&w[METRICS_FAILURES], METRICS_N_FAILURES, failure),        //
        "issued", by_name(&w[METRICS_ISSUED], METRICS_N_VERSIONS, version_name),                 //
        "keyring", keyring(totals, now), "fleet", fleet(totals->keeper),                         //
        "cache", cache(totals->cache), "feeds", feeds(&totals->feeds, now),                      //
        "log_lines_lost", lost(totals, now));
}

enum rp_status status_json_new(const struct metrics_totals *totals, const struct moment *now,
                               char **out, size_t *n)
{
    return json_text_new(status_object(totals, now), out, n);
}
