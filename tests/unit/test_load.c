#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "load.h"
#include "load_report.h"
#include "memory.h"
#include "text.h"
#include "tls_server.h"

#define COUNT 40

struct fixture {
    struct tls_server server;
    struct load_options options;
    struct load_target target;
    struct load_result result;
    struct rp_error err;
};

static int set_up(void **state)
{
    *state = memory_new(1, sizeof(struct fixture));
    (void)signal(SIGPIPE, SIG_IGN);
    return *state == NULL;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->server.counts != NULL) {
        (void)munmap((void *)f->server.counts, sizeof *f->server.counts);
    }
    memory_free(f);
    return 0;
}

/* With a small number of slots, and a mode list and one more option (NULL: none) of the test's. */
static void prepare(struct fixture *f, const char *mode, const char *more)
{
    static char host[32];
    static char count[8];
    char *argv[] = {(char *)"load", (char *)"--connections",
                    (char *)"4",    (char *)"--count",
                    count,          (char *)"--mode",
                    (char *)mode,   host,
                    (char *)more,   NULL};
    struct text h = text_of(host, sizeof host);
    struct text c = text_of(count, sizeof count);

    text_addf(&h, "127.0.0.1:%u", (unsigned)f->server.port);
    text_addf(&c, "%d", COUNT);
    if (load_options_parse(more != NULL ? 9 : 8, argv, &f->options, &f->err) != RP_OK) {
        fail_msg("%s", f->err.text);
    }
    assert_int_equal(load_resolve(&f->options, &f->target, &f->err), RP_OK);
}

static void run(struct fixture *f)
{
    const struct load_observer observer = {0};

    if (load_run(&f->options, &f->target, &observer, &f->result, &f->err) != RP_OK) {
        fail_msg("%s", f->err.text);
    }
}

/* What the server counted must be what the client says. */
static void compare_counts(const struct fixture *f)
{
    uint64_t full = 0;
    uint64_t resumed = 0;

    for (size_t i = 0; i < f->result.n_modes; i++) {
        const struct tally *t = &f->result.modes[i];

        full += t->n_full + t->n_seeds + t->n_no_session;
        resumed += t->n_resumed;
        assert_int_equal(t->n_begun, t->n_full + t->n_seeds + t->n_resumed + tally_failed(t));
    }
    assert_int_equal(full, f->server.counts->full);
    assert_int_equal(resumed, f->server.counts->resumed);
}

static void measure_good(struct fixture *f, const char *more)
{
    uint64_t begun = 0;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, "full12,full13,id,ticket,psk", more);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.n_modes, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct tally *t = &f->result.modes[i];

        if (!tally_is_good(t)) {
            fail_msg("%s: %s %s", load_mode_word(t->mode), t->first_failure.text,
                     t->first_refusal.text);
        }
        assert_int_equal(tally_expected(t), COUNT);
        assert_int_equal(t->handshake.n, COUNT);
        assert_int_equal(t->connection.n, COUNT);
        assert_true(t->handshake.max_us <= t->connection.max_us);
        begun += t->n_begun;
    }
    compare_counts(f);
    assert_int_equal(f->server.counts->failed, 0);
    assert_int_equal(f->server.counts->requests, f->options.request_len != 0 ? begun : 0);
    assert_int_equal(load_judge(&f->result), LOAD_GOOD);
}

static void every_mode_does_as_it_says(void **state)
{
    struct fixture *f = *state;

    measure_good(f, NULL);
    assert_int_equal(f->result.modes[2].n_seeds, 4);
    assert_int_equal(f->result.modes[4].n_seeds, 4);
    assert_int_equal(f->result.modes[0].n_replies[2], COUNT);
}

static void every_mode_works_without_a_request(void **state)
{
    measure_good(*state, "--no-request");
}

static void fresh_uses_each_session_once(void **state)
{
    struct fixture *f = *state;

    measure_good(f, "--fresh");
    assert_true(f->result.modes[2].n_seeds >= COUNT);
    assert_true(f->result.modes[3].n_seeds >= COUNT);
    assert_int_equal(f->result.modes[4].n_seeds, 4); /* every resumption brings a new ticket */
}

static void a_server_that_forgets_is_found_out(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_FORGETS);
    prepare(f, "id,ticket,psk", NULL);
    run(f);
    tls_server_stop(&f->server);
    for (size_t i = 0; i < 3; i++) {
        const struct tally *t = &f->result.modes[i];

        assert_int_equal(t->n_resumed, 0);
        assert_int_equal(t->n_full, COUNT);
        assert_int_equal(tally_failed(t), 0);
        assert_int_equal(t->handshake.n, 0);
        assert_non_null(strstr(t->first_refusal.text, "127.0.0.1:"));
    }
    assert_non_null(strstr(f->result.modes[0].first_refusal.text, "another session ID"));
    assert_non_null(strstr(f->result.modes[1].first_refusal.text, "new ticket"));
    assert_non_null(strstr(f->result.modes[2].first_refusal.text, "PSK"));
    compare_counts(f);
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

static void a_server_without_sessions_is_found_out(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_GIVES_NOTHING);
    prepare(f, "id,ticket,psk", NULL);
    run(f);
    tls_server_stop(&f->server);
    for (size_t i = 0; i < 3; i++) {
        const struct tally *t = &f->result.modes[i];

        assert_int_equal(t->n_no_session, 4);
        assert_int_equal(t->n_begun, 4);
        assert_non_null(strstr(t->first_failure.text, "the server gave no"));
    }
    compare_counts(f);
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

static void resets_are_counted_and_end_the_mode(void **state)
{
    struct fixture *f = *state;
    const struct tally *t = &f->result.modes[0];

    tls_server_start(&f->server, TLS_SERVER_RESETS);
    prepare(f, "full13", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_true(t->n_connected > 0);
    assert_int_equal(t->n_failed[CLIENT_HANDSHAKE], t->n_begun);
    assert_in_range(t->n_begun, 32, COUNT);
    assert_non_null(strstr(t->first_failure.text, "reset"));
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

static void some_failures_do_not_hide_the_rest(void **state)
{
    struct fixture *f = *state;
    const struct tally *t = &f->result.modes[0];

    tls_server_start(&f->server, TLS_SERVER_DROPS_SOME);
    prepare(f, "full12", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(t->n_begun, COUNT);
    assert_int_equal(t->n_failed[CLIENT_HANDSHAKE], COUNT / 4);
    assert_int_equal(t->n_full, COUNT - COUNT / 4);
    assert_int_equal(t->handshake.n, COUNT - COUNT / 4);
    compare_counts(f);
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

static void an_alert_is_named(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_ONLY_12);
    prepare(f, "full13,full12", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.n_modes, 2);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "alert 70 (protocol version)"));
    assert_true(tally_is_good(&f->result.modes[1]));
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

static void what_is_not_http_fails(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_GARBLES);
    prepare(f, "full12", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.modes[0].n_failed[CLIENT_REPLY], f->result.modes[0].n_begun);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "not an HTTP reply"));
}

static void silence_times_out(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_SILENT);
    prepare(f, "psk", "--timeout=30ms");
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.modes[0].n_failed[CLIENT_TIMEOUT], 4);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "handshake"));
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
}

/* Who is quicker than the client reads keeps no timer from it. */
static void an_endless_reply_times_out(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_ENDLESS_BODY);
    prepare(f, "full13", "--timeout=100ms");
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.modes[0].n_failed[CLIENT_TIMEOUT], f->result.modes[0].n_begun);
    tls_server_start(&f->server, TLS_SERVER_ENDLESS_HEADER);
    prepare(f, "full13", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->result.modes[0].n_failed[CLIENT_REPLY], f->result.modes[0].n_begun);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "too long"));
}

static void nobody_there_is_unreachable(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, never listening */

    assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    f->server.port = ntohs(at.sin_port);
    prepare(f, "full12,full13", NULL);
    run(f);
    (void)close(fd);
    assert_int_equal(f->result.n_modes, 1);
    assert_int_equal(f->result.modes[0].n_connected, 0);
    assert_int_equal(f->result.modes[0].n_failed[CLIENT_CONNECT], f->result.modes[0].n_begun);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "refused"));
    assert_int_equal(load_judge(&f->result), LOAD_UNREACHABLE);
}

static void certificates_are_verified_if_asked(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, "full13,psk", "--servername=localhost");
    f->options.cafile = f->server.certificate;
    run(f);
    assert_int_equal(load_judge(&f->result), LOAD_GOOD);
    f->options.servername = "other.example";
    run(f);
    assert_int_equal(load_judge(&f->result), LOAD_BAD);
    assert_non_null(strstr(f->result.modes[0].first_failure.text, "not trusted"));
    f->options.cafile = "/nonexistent";
    assert_int_equal(
        load_run(&f->options, &f->target, &(struct load_observer){0}, &f->result, &f->err),
        RP_INVALID);
    tls_server_stop(&f->server);
}

/* A ticket of one second is offered while it lives and replaced before it dies: no refusal. */
static void expired_sessions_are_replaced(void **state)
{
    struct fixture *f = *state;
    const struct tally *t = &f->result.modes[0];

    tls_server_start(&f->server, TLS_SERVER_SHORT_LIVED);
    prepare(f, "ticket", NULL);
    f->options.count = 0;
    f->options.time_ms = 1600;
    run(f);
    tls_server_stop(&f->server);
    assert_true(t->n_seeds >= 8);
    assert_int_equal(t->n_full, 0);
    assert_true(t->n_resumed > 0);
    compare_counts(f);
}

static void every_constructor_survives_no_memory(void **state)
{
    struct fixture *f = *state;
    const struct load_observer observer = {0};
    enum rp_status status = RP_NO_MEMORY;
    long n;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, "psk", NULL);
    for (n = 0; status != RP_OK && n < 100; n++) {
        memory_fail_after(n);
        status = load_run(&f->options, &f->target, &observer, &f->result, &f->err);
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
    }
    tls_server_stop(&f->server);
    assert_int_equal(status, RP_OK);
    assert_true(n > 5);
}

static void reports_are_whole(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const json_t *mode;
    json_t *json;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, "id", NULL);
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(load_report_json(&f->options, &f->target, &f->result, out), RP_OK);
    (void)fflush(out);
    json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_true(json_is_true(json_object_get(json, "good")));
    mode = json_array_get(json_object_get(json, "modes"), 0);
    assert_string_equal(json_string_value(json_object_get(mode, "mode")), "id");
    assert_int_equal(json_integer_value(json_object_get(mode, "resumed")), COUNT);
    json_decref(json);
    rewind(out);
    load_report_table(&f->options, &f->target, &f->result, false, out);
    (void)fclose(out);
    assert_non_null(strstr(text, "40 of 40"));
    assert_null(strchr(text, '\033'));
    free(text);
}

#define LOAD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(every_mode_does_as_it_says),
        LOAD_TEST(every_mode_works_without_a_request),
        LOAD_TEST(fresh_uses_each_session_once),
        LOAD_TEST(a_server_that_forgets_is_found_out),
        LOAD_TEST(a_server_without_sessions_is_found_out),
        LOAD_TEST(resets_are_counted_and_end_the_mode),
        LOAD_TEST(some_failures_do_not_hide_the_rest),
        LOAD_TEST(an_alert_is_named),
        LOAD_TEST(what_is_not_http_fails),
        LOAD_TEST(silence_times_out),
        LOAD_TEST(an_endless_reply_times_out),
        LOAD_TEST(nobody_there_is_unreachable),
        LOAD_TEST(certificates_are_verified_if_asked),
        LOAD_TEST(expired_sessions_are_replaced),
        LOAD_TEST(every_constructor_survives_no_memory),
        LOAD_TEST(reports_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
