#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin_answer.h"
#include "exposition.h"
#include "health.h"
#include "memory.h"
#include "status_json.h"
#include "text.h"

static const struct moment now = {.boot_ms = 100000, .wall_s = 1700000000, .courier_lost = 7};

static struct metrics_totals healthy(void)
{
    struct metrics_totals t = {0};

    t.parent[METRICS_KEEPER_READY] = 1;
    t.parent[METRICS_WORKERS_WANTED] = 2;
    t.parent[METRICS_WORKERS_READY] = 2;
    return t;
}

static void expect_line(const struct metrics_totals *totals, const char *line)
{
    char wanted[256];
    struct text t = text_of(wanted, sizeof wanted);
    char *text;
    size_t n;

    assert_int_equal(exposition_new(totals, &now, &text, &n), RP_OK);
    assert_int_equal(strlen(text), n);
    assert_int_equal(text[n - 1], '\n');
    text_addf(&t, "\n%s\n", line);
    if (strstr(text, wanted) == NULL) {
        fail_msg("%s is not in\n%s", line, text);
    }
    memory_free(text);
}

static void figures_have_names_and_labels(void **state)
{
    struct metrics_totals t = healthy();

    (void)state;
    t.worker[METRICS_OPEN] = 3;
    t.worker[METRICS_REFUSED + METRICS_REFUSAL_ADDRESS] = 4;
    t.worker[METRICS_VERDICTS + RP_VERDICT_WRONG_SNI] = 5;
    t.worker[METRICS_BYTES_UP] = UINT64_MAX;
    t.worker[METRICS_HANDSHAKES +
             metrics_handshake(METRICS_VERSION_TLS12, RP_MECHANISM_TICKET, true)] = 6;
    t.cache[METRICS_CACHE_HITS] = 8;
    t.parent[METRICS_RESTARTS + METRICS_ROLE_WORKER] = 9;
    expect_line(&t, "reprise_connections_open 3");
    expect_line(&t, "reprise_connections_refused_total{limit=\"per-address\"} 4");
    expect_line(&t, "reprise_verdicts_total{verdict=\"wrong-sni\"} 5");
    expect_line(&t, "reprise_relayed_bytes_total{direction=\"to_backend\"} 18446744073709551615");
    expect_line(&t, "reprise_handshakes_total{version=\"TLSv1.2\",session=\"resumed\",mechanism="
                    "\"ticket\"} 6");
    expect_line(&t, "reprise_handshakes_total{version=\"TLSv1.3\",session=\"full\",mechanism="
                    "\"none\"} 0");
    expect_line(&t, "reprise_cache_hits_total 8");
    expect_line(&t, "reprise_restarts_total{role=\"worker\"} 9");
    expect_line(&t, "reprise_log_lines_lost_total{role=\"courier\"} 7");
    expect_line(&t, "# TYPE reprise_verdicts_total counter");
}

static void every_verdict_and_failure_has_a_line(void **state)
{
    const struct metrics_totals t = healthy();

    (void)state;
    for (unsigned i = 0; i < RP_N_VERDICTS; i++) {
        char line[128];
        struct text text = text_of(line, sizeof line);

        text_addf(&text, "reprise_verdicts_total{verdict=\"%s\"} 0",
                  rp_verdict_text((enum rp_verdict)i));
        expect_line(&t, line);
    }
    for (unsigned i = 0; i < METRICS_N_FAILURES; i++) {
        char line[128];
        struct text text = text_of(line, sizeof line);

        text_addf(&text, "reprise_handshake_failures_total{reason=\"%s\"} 0",
                  metrics_failure_text((enum metrics_failure)i));
        expect_line(&t, line);
    }
}

static void what_cannot_be_is_not_shown_unless_it_was(void **state)
{
    struct metrics_totals t = healthy();
    const enum metrics_version v = METRICS_VERSION_TLS13;
    const enum rp_mechanism m = RP_MECHANISM_TICKET;

    (void)state;
    assert_false(exposition_has_handshake(&t, v, m, true));
    t.worker[METRICS_HANDSHAKES + metrics_handshake(v, m, true)] = 1;
    assert_true(exposition_has_handshake(&t, v, m, true));
}

static void a_fleet_is_shown_where_there_is_one(void **state)
{
    struct metrics_totals t = healthy();
    char *text;
    size_t n;

    (void)state;
    assert_int_equal(exposition_new(&t, &now, &text, &n), RP_OK);
    assert_null(strstr(text, "reprise_fleet_"));
    memory_free(text);
    t.keeper[METRICS_FLEET] = 1;
    t.keeper[METRICS_FLEET_MEMBERS] = 3;
    t.keeper[METRICS_FLEET_IN_STEP] = 2;
    t.keeper[METRICS_FLEET_OFFSET_MS] = (uint64_t)-1500;
    t.keeper[METRICS_FLEET_UNCERTAINTY_MS] = 42;
    t.keeper[METRICS_FLEET_EVENTS + METRICS_FLEET_EVENT_FOREIGN] = 7;
    expect_line(&t, "reprise_fleet_members 3");
    expect_line(&t, "reprise_fleet_members_in_step 2");
    expect_line(&t, "reprise_fleet_store_up 0");
    expect_line(&t, "reprise_fleet_clock_offset_seconds -1.500");
    expect_line(&t, "reprise_fleet_clock_uncertainty_seconds 0.042");
    expect_line(&t, "reprise_fleet_events_total{event=\"foreign\"} 7");
    t.keeper[METRICS_FLEET_OFFSET_MS] = (uint64_t)INT64_MIN;
    expect_line(&t, "reprise_fleet_clock_offset_seconds -9223372036854775.808");
}

static struct metrics_totals feeding(void)
{
    struct metrics_totals t = healthy();
    struct feed_row *const row = &t.feeds.rows[0];

    t.parent[METRICS_WORKERS_WANTED] = 0;
    t.parent[METRICS_WORKERS_READY] = 0;
    t.feeds.n = 2;
    feed_table_text(row->name, sizeof row->name, "a");
    feed_table_text(row->server, sizeof row->server, "nginx");
    t.feeds.rows[1] = *row;
    row->state = FEED_TABLE_UP;
    row->n_keys = 5;
    row->n_updates = 6;
    row->told_ms = 98000;
    row->accept_ms = 1500;
    row->wanted_ms = 3000;
    memcpy(row->key, "\x01\x02\xab\xcd", 4);
    t.feeds.rows[1].name[0] = 'b';
    t.feeds.rows[1].state = FEED_TABLE_BEHIND;
    t.feeds.rows[1].n_failures = 7;
    feed_table_text(t.feeds.rows[1].why, sizeof row->why, "no \"way\"");
    return t;
}

static void feeds_are_shown_where_there_are_some(void **state)
{
    struct metrics_totals t = healthy();
    char *text;
    size_t n;

    (void)state;
    assert_int_equal(exposition_new(&t, &now, &text, &n), RP_OK);
    assert_null(strstr(text, "reprise_feed_"));
    memory_free(text);
    t = feeding();
    expect_line(&t, "reprise_feed_up{feed=\"a\",server=\"nginx\"} 1");
    expect_line(&t, "reprise_feed_up{feed=\"b\",server=\"nginx\"} 0");
    expect_line(&t, "reprise_feed_keys{feed=\"a\",server=\"nginx\"} 5");
    expect_line(&t, "reprise_feed_updates_total{feed=\"a\",server=\"nginx\"} 6");
    expect_line(&t, "reprise_feed_failures_total{feed=\"b\",server=\"nginx\"} 7");
    expect_line(&t, "reprise_feed_accept_seconds{feed=\"a\",server=\"nginx\"} 1.500");
    expect_line(&t, "reprise_feed_told_age_seconds{feed=\"a\",server=\"nginx\"} 2.000");
    assert_int_equal(exposition_new(&t, &now, &text, &n), RP_OK);
    assert_null(strstr(text, "told_age_seconds{feed=\"b\"")); /* never */
    memory_free(text);
}

static void the_object_has_a_list_of_feeds(void **state)
{
    const struct metrics_totals t = feeding();
    char *text;
    size_t n;
    json_t *object;
    json_t *list;
    const char *name;
    const char *why;
    const char *key;
    const char *is_state;

    (void)state;
    assert_int_equal(status_json_new(&t, &now, &text, &n), RP_OK);
    object = json_loads(text, 0, NULL);
    list = json_object_get(object, "feeds");
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_unpack(json_array_get(list, 0), "{s:s, s:s, s:s, s:n, s:F}", "feed",
                                 &name, "state", &is_state, "key", &key, "reason", "told_age_s",
                                 &(double){0}),
                     0);
    assert_string_equal(name, "a");
    assert_string_equal(is_state, "up");
    assert_string_equal(key, "0102abcd");
    assert_int_equal(json_unpack(json_array_get(list, 1), "{s:s, s:s, s:n, s:n}", "state",
                                 &is_state, "reason", &why, "key", "told_age_s"),
                     0);
    assert_string_equal(is_state, "behind");
    assert_string_equal(why, "no \"way\"");
    json_decref(object);
    memory_free(text);
}

static void without_workers_to_feed_is_health(void **state)
{
    struct metrics_totals t = feeding();
    char sentence[HEALTH_SENTENCE_SIZE];

    (void)state;
    assert_true(health_is_good(&t, sentence));
    t.feeds.n = 0;
    assert_false(health_is_good(&t, sentence));
}

static void durations_add_up(void **state)
{
    struct metrics_totals t = healthy();

    (void)state;
    t.worker[METRICS_DURATION_FULL] = 2;
    t.worker[METRICS_DURATION_FULL + 1] = 3;
    t.worker[METRICS_DURATION_FULL + METRICS_BUCKETS - 1] = 1;
    t.worker[METRICS_SUM_US_FULL] = 12000345;
    expect_line(&t, "reprise_handshake_duration_seconds_bucket{session=\"full\",le=\"0.0005\"} 2");
    expect_line(&t, "reprise_handshake_duration_seconds_bucket{session=\"full\",le=\"0.001\"} 5");
    expect_line(&t, "reprise_handshake_duration_seconds_bucket{session=\"full\",le=\"10\"} 5");
    expect_line(&t, "reprise_handshake_duration_seconds_bucket{session=\"full\",le=\"+Inf\"} 6");
    expect_line(&t, "reprise_handshake_duration_seconds_sum{session=\"full\"} 12.000345");
    expect_line(&t, "reprise_handshake_duration_seconds_count{session=\"full\"} 6");
}

static struct metrics_totals with_keys(size_t n)
{
    struct metrics_totals t = healthy();

    t.n_keys = n;
    for (size_t i = 0; i < n; i++) {
        t.keys[i] = (struct metrics_key){
            {0xab, 0x01, 0x02, 0x03}, METRICS_KEY_OPENS, UINT64_MAX - i, INT64_MIN + 100001};
    }
    t.keys[0] = (struct metrics_key){{0xff, 0, 0, 1}, METRICS_KEY_SEALS, 12, 98500};
    return t;
}

static void keys_have_name_epoch_role_and_age(void **state)
{
    struct metrics_totals t = with_keys(1);

    (void)state;
    expect_line(&t, "reprise_key_age_seconds{key=\"ff000001\",epoch=\"12\",role=\"seals\"} 1.500");
    t.keys[0].since_ms = now.boot_ms + 1; /* the next one's epoch has not begun */
    expect_line(&t, "reprise_key_age_seconds{key=\"ff000001\",epoch=\"12\",role=\"seals\"} 0.000");
}

static void the_most_keys_fit(void **state)
{
    const struct metrics_totals t = with_keys(METRICS_KEYS_MAX);

    (void)state;
    expect_line(&t, "reprise_keys 578"); /* METRICS_KEYS_MAX */
}

static void json_is_an_object_of_the_same_figures(void **state)
{
    struct metrics_totals t = with_keys(2);
    json_t *object;
    json_t *key;
    char *text;
    size_t n;

    (void)state;
    t.worker[METRICS_VERDICTS + RP_VERDICT_FORGED] = 11;
    t.worker[METRICS_ACCEPTED] = 12;
    assert_int_equal(status_json_new(&t, &now, &text, &n), RP_OK);
    assert_int_equal(strlen(text), n);
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    memory_free(text);
    assert_non_null(object);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(object, "verdicts"), "forged")), 11);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(object, "connections"), "accepted")),
        12);
    assert_true(json_is_true(json_object_get(json_object_get(object, "health"), "ok")));
    assert_true(json_is_null(json_object_get(json_object_get(object, "reloads"), "last_s")));
    key = json_array_get(json_object_get(json_object_get(object, "keyring"), "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(key, "key")), "ff000001");
    assert_string_equal(json_string_value(json_object_get(key, "role")), "seals");
    json_decref(object);
}

static void the_object_has_a_fleet_or_none(void **state)
{
    struct metrics_totals t = healthy();
    json_t *object;
    json_t *fleet;
    char *text;
    size_t n;

    (void)state;
    assert_int_equal(status_json_new(&t, &now, &text, &n), RP_OK);
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    memory_free(text);
    assert_true(json_is_null(json_object_get(object, "fleet")));
    json_decref(object);
    t.keeper[METRICS_FLEET] = 1;
    t.keeper[METRICS_FLEET_JOINED] = 1;
    t.keeper[METRICS_FLEET_RING] = 0xfffffffe00000001;
    t.keeper[METRICS_FLEET_EVENTS + METRICS_FLEET_EVENT_TOOK_UP] = 5;
    assert_int_equal(status_json_new(&t, &now, &text, &n), RP_OK);
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    memory_free(text);
    fleet = json_object_get(object, "fleet");
    assert_true(json_is_true(json_object_get(fleet, "joined")));
    assert_true(json_is_false(json_object_get(fleet, "store_up")));
    assert_string_equal(json_string_value(json_object_get(fleet, "ring")), "fffffffe00000001");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(fleet, "events"), "took-up")), 5);
    json_decref(object);
}

static void expect_health(const struct metrics_totals *t, bool good, const char *sentence)
{
    char said[HEALTH_SENTENCE_SIZE];

    assert_int_equal(health_is_good(t, said), good);
    assert_string_equal(said, sentence);
}

static void health_says_what_is_not(void **state)
{
    struct metrics_totals t = healthy();

    (void)state;
    expect_health(&t, true, "ok");
    t.parent[METRICS_WORKERS_DRAINING] = 5;
    expect_health(&t, true, "ok");
    t.parent[METRICS_WORKERS_READY] = 1;
    expect_health(&t, false, "1 of 2 workers are ready");
    t.parent[METRICS_KEEPER_READY] = 0;
    expect_health(&t, false, "the keeper is not ready");
    t.parent[METRICS_DRAINING] = 1;
    expect_health(&t, false, "draining");
    t = (struct metrics_totals){0};
    t.parent[METRICS_KEEPER_READY] = 1;
    expect_health(&t, false, "0 of 0 workers are ready");
}

static unsigned status_of(const struct metrics_totals *t, const char *method, const char *path,
                          const char *type)
{
    struct http_answer answer;
    unsigned status;

    assert_int_equal(admin_answer_new(t, &now, method, path, &answer), RP_OK);
    status = answer.status;
    assert_string_equal(answer.type, type);
    assert_int_equal(strlen(answer.body), answer.body_len);
    http_answer_fini(&answer);
    return status;
}

static void there_are_three_paths_and_two_methods(void **state)
{
    static const char plain[] = "text/plain; charset=utf-8";
    struct metrics_totals t = healthy();

    (void)state;
    assert_int_equal(status_of(&t, "GET", "/metrics", "text/plain; version=0.0.4; charset=utf-8"),
                     200);
    assert_int_equal(status_of(&t, "HEAD", "/status.json", "application/json"), 200);
    assert_int_equal(status_of(&t, "GET", "/healthz", plain), 200);
    assert_int_equal(status_of(&t, "GET", "/metrics/", plain), 404);
    assert_int_equal(status_of(&t, "GET", "", plain), 404);
    assert_int_equal(status_of(&t, "POST", "/metrics", plain), 405);
    assert_int_equal(status_of(&t, "get", "/metrics", plain), 405);
    t.parent[METRICS_DRAINING] = 1;
    assert_int_equal(status_of(&t, "GET", "/healthz", plain), 503);
}

static void without_memory_there_is_no_answer(void **state)
{
    static const char *const paths[] = {"/metrics", "/status.json", "/healthz", "/"};
    const struct metrics_totals t = with_keys(METRICS_KEYS_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct http_answer answer;
        enum rp_status status = RP_NO_MEMORY;

        for (long n = 0; status != RP_OK; n++) {
            assert_true(n < 10);
            memory_fail_after(n);
            status = admin_answer_new(&t, &now, "GET", paths[i], &answer);
            memory_fail_after(-1);
            assert_true(status == RP_OK || (status == RP_NO_MEMORY && answer.body == NULL));
            http_answer_fini(&answer);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_names_and_labels),
        cmocka_unit_test(every_verdict_and_failure_has_a_line),
        cmocka_unit_test(what_cannot_be_is_not_shown_unless_it_was),
        cmocka_unit_test(a_fleet_is_shown_where_there_is_one),
        cmocka_unit_test(feeds_are_shown_where_there_are_some),
        cmocka_unit_test(the_object_has_a_list_of_feeds),
        cmocka_unit_test(without_workers_to_feed_is_health),
        cmocka_unit_test(durations_add_up),
        cmocka_unit_test(keys_have_name_epoch_role_and_age),
        cmocka_unit_test(the_most_keys_fit),
        cmocka_unit_test(json_is_an_object_of_the_same_figures),
        cmocka_unit_test(the_object_has_a_fleet_or_none),
        cmocka_unit_test(health_says_what_is_not),
        cmocka_unit_test(there_are_three_paths_and_two_methods),
        cmocka_unit_test(without_memory_there_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
