#include "exposition.h"

#include <inttypes.h>

#include "memory.h"
#include "text.h"

#define SIZE_FIRST 32768
#define SIZE_MAX_ALLOWED (1 << 20)
#define US_PER_S 1000000
#define MS_PER_S 1000

/* Lines. */

static void head(struct text *t, const char *name, const char *type, const char *help)
{
    text_addf(t, "# HELP reprise_%s %s\n# TYPE reprise_%s %s\n", name, help, name, type);
}

static void plain(struct text *t, const char *name, uint64_t value)
{
    text_addf(t, "reprise_%s %" PRIu64 "\n", name, value);
}

static void labelled(struct text *t, const char *name, const char *label, const char *text,
                     uint64_t value)
{
    text_addf(t, "reprise_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, text, value);
}

static void counter(struct text *t, const char *name, const char *help, uint64_t value)
{
    head(t, name, "counter", help);
    plain(t, name, value);
}

static void gauge(struct text *t, const char *name, const char *help, uint64_t value)
{
    head(t, name, "gauge", help);
    plain(t, name, value);
}

static void seconds(struct text *t, uint64_t us)
{
    text_addf(t, "%" PRIu64 ".%06" PRIu64, us / US_PER_S, us % US_PER_S);
}

/* Connections. */

static void connections(struct text *t, const uint64_t *w)
{
    static const char refused[] = "connections_refused_total";

    gauge(t, "connections_open", "Connections that are open.", w[METRICS_OPEN]);
    counter(t, "connections_accepted_total", "Connections that were accepted.",
            w[METRICS_ACCEPTED]);
    head(t, refused, "counter",
         "Connections that were closed, or times that accepting was paused, for a limit.");
    for (unsigned i = 0; i < METRICS_N_REFUSALS; i++) {
        labelled(t, refused, "limit", metrics_refusal_text((enum metrics_refusal)i),
                 w[METRICS_REFUSED + i]);
    }
    head(t, "relayed_bytes_total", "counter", "Bytes passed on between clients and backends.");
    labelled(t, "relayed_bytes_total", "direction", "to_backend", w[METRICS_BYTES_UP]);
    labelled(t, "relayed_bytes_total", "direction", "to_client", w[METRICS_BYTES_DOWN]);
    counter(t, "backend_connects_total", "Connections to a backend that were begun.",
            w[METRICS_BACKEND_CONNECTS]);
    head(t, "backend_failures_total", "counter", "Connections to a backend that failed.");
    labelled(t, "backend_failures_total", "reason", "unreachable", w[METRICS_BACKEND_FAILURES]);
    labelled(t, "backend_failures_total", "reason", "timed-out", w[METRICS_BACKEND_TIMEOUTS]);
}

/* Handshakes. */

static bool is_possible(enum metrics_version version, enum rp_mechanism mechanism, bool resumed)
{
    switch (mechanism) {
    case RP_MECHANISM_NONE:
        return version != METRICS_VERSION_OTHER && !resumed;
    case RP_MECHANISM_SESSION_ID:
    case RP_MECHANISM_TICKET:
        return version == METRICS_VERSION_TLS12;
    case RP_MECHANISM_PSK:
        return version == METRICS_VERSION_TLS13;
    case RP_N_MECHANISMS:
        break;
    }
    return false;
}

bool exposition_has_handshake(const struct metrics_totals *totals, enum metrics_version version,
                              enum rp_mechanism mechanism, bool resumed)
{
    return is_possible(version, mechanism, resumed) ||
           totals->worker[METRICS_HANDSHAKES + metrics_handshake(version, mechanism, resumed)] != 0;
}

static void handshake(struct text *t, const struct metrics_totals *totals,
                      enum metrics_version version, enum rp_mechanism mechanism, bool resumed)
{
    if (exposition_has_handshake(totals, version, mechanism, resumed)) {
        text_addf(
            t,
            "reprise_handshakes_total{version=\"%s\",session=\"%s\",mechanism=\"%s\"} %" PRIu64
            "\n",
            metrics_version_text(version), resumed ? "resumed" : "full",
            rp_mechanism_text(mechanism),
            totals->worker[METRICS_HANDSHAKES + metrics_handshake(version, mechanism, resumed)]);
    }
}

static void completed(struct text *t, const struct metrics_totals *totals)
{
    head(t, "handshakes_total", "counter",
         "Handshakes that were completed; mechanism: of the session that the client offered.");
    for (unsigned v = 0; v < METRICS_N_VERSIONS; v++) {
        for (unsigned m = 0; m < RP_N_MECHANISMS; m++) {
            handshake(t, totals, (enum metrics_version)v, (enum rp_mechanism)m, false);
            handshake(t, totals, (enum metrics_version)v, (enum rp_mechanism)m, true);
        }
    }
}

static void histogram(struct text *t, const char *session, const uint64_t *buckets, uint64_t sum_us)
{
    uint64_t n = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        n += buckets[i];
        text_addf(t, "reprise_handshake_duration_seconds_bucket{session=\"%s\",le=\"", session);
        if (i < METRICS_BUCKETS - 1) {
            text_addf(t, "%g", (double)metrics_bucket_us[i] / US_PER_S);
        } else {
            text_add(t, "+Inf");
        }
        text_addf(t, "\"} %" PRIu64 "\n", n);
    }
    text_addf(t, "reprise_handshake_duration_seconds_sum{session=\"%s\"} ", session);
    seconds(t, sum_us);
    text_addf(t, "\nreprise_handshake_duration_seconds_count{session=\"%s\"} %" PRIu64 "\n",
              session, n);
}

static void handshakes(struct text *t, const struct metrics_totals *totals)
{
    const uint64_t *const w = totals->worker;

    completed(t, totals);
    head(t, "verdicts_total", "counter",
         "What became of the session that the client of a completed handshake offered.");
    for (unsigned i = 0; i < RP_N_VERDICTS; i++) {
        labelled(t, "verdicts_total", "verdict", rp_verdict_text((enum rp_verdict)i),
                 w[METRICS_VERDICTS + i]);
    }
    head(t, "handshake_failures_total", "counter", "Handshakes that were not completed.");
    for (unsigned i = 0; i < METRICS_N_FAILURES; i++) {
        labelled(t, "handshake_failures_total", "reason",
                 metrics_failure_text((enum metrics_failure)i), w[METRICS_FAILURES + i]);
    }
    head(t, "sessions_issued_total", "counter",
         "Handshakes that gave the client something to resume by.");
    for (unsigned i = 0; i < METRICS_N_VERSIONS; i++) {
        labelled(t, "sessions_issued_total", "version",
                 metrics_version_text((enum metrics_version)i), w[METRICS_ISSUED + i]);
    }
    head(t, "handshake_duration_seconds", "histogram",
         "Time from the accepted connection to the end of the handshake.");
    histogram(t, "full", &w[METRICS_DURATION_FULL], w[METRICS_SUM_US_FULL]);
    histogram(t, "resumed", &w[METRICS_DURATION_RESUMED], w[METRICS_SUM_US_RESUMED]);
}

/* Keys. */

static void key_rows(struct text *t, const struct metrics_totals *totals, const struct moment *now)
{
    head(t, "key_age_seconds", "gauge",
         "Keys in the window: time since a key's epoch began, or its file was read.");
    for (size_t i = 0; i < totals->n_keys; i++) {
        const struct metrics_key *key = &totals->keys[i];

        text_add(t, "reprise_key_age_seconds{key=\"");
        text_add_hex(t, key->name, sizeof key->name);
        text_addf(t, "\",epoch=\"%" PRIu64 "\",role=\"%s\"} %.3f\n", key->epoch,
                  metrics_key_role_text(key->role), moment_age_s(now, key->since_ms));
    }
}

static void keys(struct text *t, const struct metrics_totals *totals, const struct moment *now)
{
    const uint64_t *const k = totals->keeper;

    key_rows(t, totals, now);
    gauge(t, "keys", "Keys in the window.", totals->n_keys);
    gauge(t, "keys_static", "1 if the keys come from files, 0 if they rotate by themselves.",
          k[METRICS_IS_STATIC]);
    gauge(t, "epoch", "The epoch whose key seals.", k[METRICS_EPOCH]);
    head(t, "keys_changed_age_seconds", "gauge", "Time since the key that seals began to.");
    text_addf(t, "reprise_keys_changed_age_seconds %.3f\n",
              moment_age_s(now, (int64_t)k[METRICS_EPOCH_SINCE_MS]));
    gauge(t, "security_domains", "Security domains in the keyring.", k[METRICS_DOMAINS]);
}

/* The fleet. */

static void milliseconds(struct text *t, const char *name, int64_t ms)
{
    text_addf(t, "reprise_%s %s%" PRIu64 ".%03u\n", name, ms < 0 ? "-" : "",
              (ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms) / MS_PER_S,
              (unsigned)((ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms) % MS_PER_S));
}

static void fleet(struct text *t, const uint64_t *k)
{
    if (k[METRICS_FLEET] == 0) {
        return;
    }
    gauge(t, "fleet_store_up", "1 if the store can be reached.", k[METRICS_FLEET_STORE_UP]);
    gauge(t, "fleet_joined", "1 if this host is a member of its fleet.", k[METRICS_FLEET_JOINED]);
    gauge(t, "fleet_members", "Members of the fleet that this host sees, itself included.",
          k[METRICS_FLEET_MEMBERS]);
    gauge(t, "fleet_members_in_step",
          "Those of them that seal by the ring that this host seals by.", k[METRICS_FLEET_IN_STEP]);
    gauge(t, "fleet_rings_held", "Rings that this host holds.", k[METRICS_FLEET_RINGS]);
    head(t, "fleet_clock_offset_seconds", "gauge",
         "Fleet time, minus the time since this host's boot.");
    milliseconds(t, "fleet_clock_offset_seconds", (int64_t)k[METRICS_FLEET_OFFSET_MS]);
    head(t, "fleet_clock_uncertainty_seconds", "gauge",
         "How late this host's fleet time may be, at most.");
    milliseconds(t, "fleet_clock_uncertainty_seconds", (int64_t)k[METRICS_FLEET_UNCERTAINTY_MS]);
    head(t, "fleet_events_total", "counter", "What happened in the fleet, as seen by this host.");
    for (unsigned i = 0; i < METRICS_N_FLEET_EVENTS; i++) {
        labelled(t, "fleet_events_total", "event",
                 metrics_fleet_event_text((enum metrics_fleet_event)i),
                 k[METRICS_FLEET_EVENTS + i]);
    }
}

/* Feeds. */

static void feed_head(struct text *t, const struct feed_row *row, const char *name)
{
    text_addf(t, "reprise_%s{feed=\"%s\",server=\"%s\"} ", name, row->name, row->server);
}

static void feed_numbers(struct text *t, const struct feed_list *list, const char *name,
                         uint64_t (*value)(const struct feed_row *row))
{
    for (size_t i = 0; i < list->n; i++) {
        feed_head(t, &list->rows[i], name);
        text_addf(t, "%" PRIu64 "\n", value(&list->rows[i]));
    }
}

static uint64_t feed_up(const struct feed_row *row)
{
    return row->state == FEED_TABLE_UP;
}

static uint64_t feed_keys(const struct feed_row *row)
{
    return row->n_keys;
}

static uint64_t feed_updates(const struct feed_row *row)
{
    return row->n_updates;
}

static uint64_t feed_failures(const struct feed_row *row)
{
    return row->n_failures;
}

static void feed_times(struct text *t, const struct feed_list *list, const struct moment *now)
{
    head(t, "feed_accept_seconds", "gauge",
         "How long past the end of the time in which it seals a key opens at the server.");
    for (size_t i = 0; i < list->n; i++) {
        feed_head(t, &list->rows[i], "feed_accept_seconds");
        text_addf(t, "%.3f\n", (double)list->rows[i].accept_ms / MS_PER_S);
    }
    head(t, "feed_told_age_seconds", "gauge",
         "Time since the server was last brought up to date; absent if it never was.");
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i].told_ms != 0) {
            feed_head(t, &list->rows[i], "feed_told_age_seconds");
            text_addf(t, "%.3f\n", moment_age_s(now, list->rows[i].told_ms));
        }
    }
}

static void feeds(struct text *t, const struct feed_list *list, const struct moment *now)
{
    if (list->n == 0) {
        return;
    }
    head(t, "feed_up", "gauge",
         "1 if the server has the keys that it should have, as far as can be seen.");
    feed_numbers(t, list, "feed_up", feed_up);
    head(t, "feed_keys", "gauge", "Keys that the server was given last.");
    feed_numbers(t, list, "feed_keys", feed_keys);
    head(t, "feed_updates_total", "counter", "Times that the server was brought up to date.");
    feed_numbers(t, list, "feed_updates_total", feed_updates);
    head(t, "feed_failures_total", "counter", "Attempts at that which failed.");
    feed_numbers(t, list, "feed_failures_total", feed_failures);
    feed_times(t, list, now);
}

/* The session cache. */

static void cache(struct text *t, const uint64_t *c)
{
    gauge(t, "cache_records", "Sessions in the session cache.", c[METRICS_CACHE_RECORDS]);
    gauge(t, "cache_bytes", "Bytes that they take.", c[METRICS_CACHE_BYTES]);
    gauge(t, "cache_capacity_bytes", "Bytes for sessions; 0: no listener has a session cache.",
          c[METRICS_CACHE_CAPACITY]);
    counter(t, "cache_stored_total", "Sessions stored.", c[METRICS_CACHE_STORED]);
    counter(t, "cache_hits_total", "Sessions asked for and found.", c[METRICS_CACHE_HITS]);
    counter(t, "cache_misses_total", "Sessions asked for and not found.", c[METRICS_CACHE_MISSES]);
    counter(t, "cache_evictions_total", "Sessions pushed out while they were still good.",
            c[METRICS_CACHE_EVICTED]);
    counter(t, "cache_emptied_shards_total", "Shards emptied because a process died in them.",
            c[METRICS_CACHE_EMPTIED]);
}

/* Processes. */

static void processes(struct text *t, const struct metrics_totals *totals, const struct moment *now)
{
    const uint64_t *const p = totals->parent;

    head(t, "build_info", "gauge", "The version that runs.");
    text_addf(t, "reprise_build_info{version=\"%s\"} 1\n", REPRISE_VERSION);
    gauge(t, "start_time_seconds", "When the parent started, since 1970.", p[METRICS_STARTED_S]);
    head(t, "workers", "gauge", "Worker processes; draining: of earlier configurations.");
    labelled(t, "workers", "state", "wanted", p[METRICS_WORKERS_WANTED]);
    labelled(t, "workers", "state", "ready", p[METRICS_WORKERS_READY]);
    labelled(t, "workers", "state", "draining", p[METRICS_WORKERS_DRAINING]);
    gauge(t, "keeper_ready", "1 if the keeper is ready.", p[METRICS_KEEPER_READY]);
    gauge(t, "draining", "1 if the service is coming to its end.", p[METRICS_DRAINING]);
    head(t, "restarts_total", "counter", "Processes that ended and were started again.");
    for (unsigned i = 0; i < METRICS_N_ROLES; i++) {
        labelled(t, "restarts_total", "role", metrics_role_text((enum metrics_role)i),
                 p[METRICS_RESTARTS + i]);
    }
    head(t, "reloads_total", "counter", "Reloads of the configuration.");
    labelled(t, "reloads_total", "result", "ok", p[METRICS_RELOADS_OK]);
    labelled(t, "reloads_total", "result", "failed", p[METRICS_RELOADS_FAILED]);
    gauge(t, "last_reload_timestamp_seconds", "When the last reload went well; 0: never.",
          p[METRICS_RELOADED_S]);
    counter(t, "upgrades_failed_total", "New binaries that did not take over.",
            p[METRICS_UPGRADES_FAILED]);
    head(t, "log_lines_lost_total", "counter", "Log lines that nobody took.");
    labelled(t, "log_lines_lost_total", "role", "parent", p[METRICS_PARENT_LOST]);
    labelled(t, "log_lines_lost_total", "role", "keeper", totals->keeper[METRICS_KEEPER_LOST]);
    labelled(t, "log_lines_lost_total", "role", "worker", totals->worker[METRICS_WORKER_LOST]);
    labelled(t, "log_lines_lost_total", "role", "courier", now->courier_lost);
    labelled(t, "log_lines_lost_total", "role", "feeder", totals->feeder[METRICS_FEEDER_LOST]);
}

enum rp_status exposition_new(const struct metrics_totals *totals, const struct moment *now,
                              char **out, size_t *n)
{
    *out = NULL;
    *n = 0;
    for (size_t size = SIZE_FIRST; size <= SIZE_MAX_ALLOWED; size *= 2) {
        char *buffer = memory_new(size, 1);
        struct text t;

        if (buffer == NULL) {
            return RP_NO_MEMORY;
        }
        t = text_of(buffer, size);
        processes(&t, totals, now);
        connections(&t, totals->worker);
        handshakes(&t, totals);
        keys(&t, totals, now);
        fleet(&t, totals->keeper);
        cache(&t, totals->cache);
        feeds(&t, &totals->feeds, now);
        if (!t.cut) {
            *out = buffer; /* transferred */
            *n = t.len;
            return RP_OK;
        }
        memory_free(buffer);
    }
    return RP_FULL;
}
