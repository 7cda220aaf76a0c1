#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "survey.h"
#include "text.h"
#include "tls_server.h"

struct fixture {
    struct tls_server server;
    struct probe_options options;
    struct peer_address addresses[PROBE_ADDRESSES_MAX];
    size_t n;
    struct facts *facts;
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

    facts_free(&f->facts);
    if (f->server.counts != NULL) {
        (void)munmap((void *)f->server.counts, sizeof *f->server.counts);
    }
    memory_free(f);
    return 0;
}

/* localhost at the port on 127.0.0.1, and more options of the test's. */
static void prepare(struct fixture *f, uint16_t port, const char *more, const char *value)
{
    static char host[32];
    char *argv[] = {(char *)"probe",
                    host,
                    (char *)"--at",
                    (char *)"127.0.0.1",
                    (char *)"--timeout",
                    (char *)"20s",
                    (char *)"--patience",
                    (char *)"2s",
                    (char *)more,
                    (char *)value,
                    NULL};
    struct text h = text_of(host, sizeof host);
    const int argc = more == NULL ? 8 : value == NULL ? 9 : 10;

    text_addf(&h, "localhost:%u", (unsigned)port);
    assert_int_equal(probe_options_parse(argc, argv, &f->options, &f->err), RP_OK);
    assert_int_equal(survey_resolve(&f->options, f->addresses, &f->n, &f->err), RP_OK);
    assert_int_equal(f->n, 1);
}

static void run(struct fixture *f)
{
    const struct survey_observer observer = {0};

    assert_int_equal(survey_run(&f->options, f->addresses, f->n, &observer, &f->facts, &f->err),
                     RP_OK);
    assert_false(f->facts->interrupted);
}

static void survey_of(struct fixture *f, enum tls_server_kind kind, const char *more,
                      const char *value)
{
    tls_server_start(&f->server, kind);
    prepare(f, f->server.port, more, value);
    run(f);
    tls_server_stop(&f->server);
}

static const struct visit *first_visit(const struct fixture *f, enum mechanism m)
{
    assert_true(f->facts->addresses[0].issue[m].n_tries > 0);
    return &f->facts->addresses[0].issue[m].visits[0];
}

static void every_way_of_resuming_is_found(void **state)
{
    static const enum mechanism all[] = {MECHANISM_ID12, MECHANISM_TICKET12, MECHANISM_TICKET13};
    struct fixture *f = *state;
    const struct tls_server_counts *counts;

    survey_of(f, TLS_SERVER_GOOD, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        const enum mechanism m = all[i];
        const struct cell *c = facts_cell(f->facts, m, 0, 0);
        const struct visit *v = first_visit(f, m);

        assert_int_equal(c->n_tries, 3);
        assert_int_equal(c->n_resumed, 3);
        assert_non_null(c->resumed);
        assert_null(c->full);
        assert_int_equal(f->facts->addresses[0].own[m].n_twice_tries, 3);
        assert_int_equal(f->facts->addresses[0].own[m].n_twice, 3);
        assert_int_equal(f->facts->addresses[0].own[m].n_again_tries, -1);
        assert_int_equal(v->version, mechanism_version(m));
        assert_int_equal(v->http_status, 200);
        assert_true(v->ems);
        assert_true(v->certificate.present);
        assert_true(v->certificate.names_host);
        assert_string_equal(v->certificate.subject, "CN=localhost");
        assert_string_equal(v->certificate.trouble, "self-signed certificate");
    }
    counts = (const struct tls_server_counts *)f->server.counts;
    assert_int_equal(counts->full + counts->resumed, f->facts->n_connections);
    assert_int_equal(counts->resumed, 3 * 3 + 3 * 3);
    assert_int_equal(counts->failed, 0);
}

static void tickets_are_written_down(void **state)
{
    struct fixture *f = *state;
    const struct visit *v;

    survey_of(f, TLS_SERVER_GOOD, "--versions", "1.2,1.3");
    v = first_visit(f, MECHANISM_TICKET13);
    assert_int_equal(v->n_tickets, 2);
    assert_int_equal(v->tickets[0].version, 0x0304);
    assert_true(v->tickets[0].len > 64);
    assert_true(v->tickets[0].lifetime_s > 0);
    assert_memory_equal(v->tickets[0].start, v->tickets[1].start, 16);
    assert_memory_not_equal(v->tickets[0].digest, v->tickets[1].digest, 32);
    v = first_visit(f, MECHANISM_TICKET12);
    assert_int_equal(v->n_tickets, 1);
    assert_int_equal(v->tickets[0].version, 0x0303);
    v = first_visit(f, MECHANISM_ID12);
    assert_int_equal(v->n_tickets, 0);
    assert_int_equal(v->session_id_len, 32);
}

static void what_is_refused_is_offered_again(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_FORGETS, "--mechanisms", "ticket12,ticket13");
    for (unsigned i = 0; i < 2; i++) {
        const enum mechanism m = i == 0 ? MECHANISM_TICKET12 : MECHANISM_TICKET13;
        const struct cell *c = facts_cell(f->facts, m, 0, 0);

        assert_int_equal(c->n_tries, 3);
        assert_int_equal(c->n_full, 3);
        assert_non_null(c->full);
        assert_false(c->full->resumed);
        assert_int_equal(f->facts->addresses[0].own[m].n_twice_tries, -1);
        assert_int_equal(f->facts->addresses[0].own[m].n_again_tries, 3);
        assert_int_equal(f->facts->addresses[0].own[m].n_again, 0);
        assert_int_equal(f->facts->addresses[0].own[m].n_no_sni_tries, 3);
    }
}

static void where_nothing_is_issued_nothing_is_offered(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_GIVES_NOTHING, NULL, NULL);
    assert_true(f->facts->addresses[0].tls);
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((MECHANISMS_DEFAULT & (1U << m)) != 0) {
            assert_int_equal(f->facts->addresses[0].issue[m].n_established, 3);
            assert_int_equal(f->facts->addresses[0].issue[m].n_issued, 0);
            assert_int_equal(facts_cell(f->facts, (enum mechanism)m, 0, 0)->n_tries, 0);
        }
    }
}

static void a_version_that_is_not_spoken(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_ONLY_12, NULL, NULL);
    assert_int_equal(first_visit(f, MECHANISM_TICKET13)->end, VISIT_VERSION);
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET13, 0, 0)->n_tries, 0);
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET12, 0, 0)->n_resumed, 3);
}

static void a_reset_is_told_from_a_refusal(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_RESETS, "--tries", "1");
    assert_true(f->facts->addresses[0].reachable);
    assert_false(f->facts->addresses[0].tls);
    assert_int_equal(first_visit(f, MECHANISM_ID12)->end, VISIT_RESET);
    facts_free(&f->facts);
    run(f);
    assert_false(f->facts->addresses[0].reachable);
    assert_int_equal(first_visit(f, MECHANISM_ID12)->end, VISIT_REFUSED);
    assert_string_equal(first_visit(f, MECHANISM_ID12)->why.text, "connection refused");
    assert_int_equal(f->facts->addresses[0].issue[MECHANISM_TICKET13].n_tries, 0);
}

static void silence_ends_in_time(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_SILENT);
    prepare(f, f->server.port, "--tries", "1");
    f->options.timeout_ms = 200;
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(first_visit(f, MECHANISM_ID12)->end, VISIT_TIMEOUT);
    assert_true(first_visit(f, MECHANISM_ID12)->connected);
    assert_string_equal(first_visit(f, MECHANISM_ID12)->why.text,
                        "the server does not answer the ClientHello");
    assert_int_equal(f->facts->n_connections, 1);
}

static void interrupt_when_only_silence_is_left(void *cookie, const struct survey_progress *p)
{
    bool *done = cookie;

    if (!*done && strstr(p->doing, "do not answer") != NULL) {
        *done = true;
        (void)raise(SIGINT);
    }
}

/* What a silent address has to say is not even waited for: the run is interrupted before. */
static void silence_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    struct tls_server silent = {0};
    bool done = false;
    const struct survey_observer observer = {
        .cookie = &done, .progress = interrupt_when_only_silence_is_left, .catch_signals = true};

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    tls_server_start(&silent, TLS_SERVER_SILENT);
    prepare(f, silent.port, NULL, NULL);
    f->addresses[1] = f->addresses[0];
    prepare(f, f->server.port, NULL, NULL);
    f->n = 2;
    f->options.timeout_ms = 60000;
    assert_int_equal(survey_run(&f->options, f->addresses, f->n, &observer, &f->facts, &f->err),
                     RP_OK);
    tls_server_stop(&f->server);
    tls_server_stop(&silent);
    assert_true(f->facts->interrupted);
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((MECHANISMS_DEFAULT & (1U << m)) != 0) {
            assert_int_equal(facts_cell(f->facts, (enum mechanism)m, 0, 0)->n_resumed, 3);
        }
    }
    assert_int_equal(f->facts->addresses[1].issue[MECHANISM_ID12].n_tries, 0);
    assert_true(f->facts->addresses[1].awaited);
    assert_false(f->facts->addresses[0].awaited);
    (void)munmap((void *)silent.counts, sizeof *silent.counts);
}

static void a_reply_that_is_not_http_does_not_matter(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_GARBLES, "--mechanisms", "ticket13");
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET13, 0, 0)->n_resumed, 3);
    assert_int_equal(first_visit(f, MECHANISM_TICKET13)->http_status, 0);
}

static void an_endless_reply_is_left(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_ENDLESS_BODY, "--mechanisms", "ticket13");
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET13, 0, 0)->n_resumed, 3);
}

static void without_a_request(void **state)
{
    struct fixture *f = *state;

    survey_of(f, TLS_SERVER_GOOD, "--handshake-only", NULL);
    assert_int_equal(facts_cell(f->facts, MECHANISM_ID12, 0, 0)->n_resumed, 3);
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET12, 0, 0)->n_resumed, 3);
    assert_int_equal(facts_cell(f->facts, MECHANISM_TICKET13, 0, 0)->n_resumed, 3);
    assert_int_equal(f->server.counts->requests, 0);
}

static void sessions_age(void **state)
{
    struct fixture *f = *state;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, f->server.port, "--aged", "50ms,100ms");
    f->options.mechanisms = 1U << MECHANISM_TICKET13;
    run(f);
    tls_server_stop(&f->server);
    assert_int_equal(f->facts->n_aged, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(f->facts->aged[i].n_tries, 3);
        assert_int_equal(f->facts->aged[i].n_resumed, 3);
        assert_true(f->facts->aged[i].age_ms >= (i == 0 ? 50 : 100));
        assert_true(f->facts->aged[i].lifetime_s > 0);
    }
    assert_int_equal(f->facts->addresses[0].own[MECHANISM_TICKET13].n_cut_tries, -1);
}

struct lines {
    unsigned n;
    unsigned n_resumed;
};

static void count_line(void *cookie, const struct survey_connection *c)
{
    struct lines *lines = cookie;

    assert_int_equal(c->index, lines->n % 4);
    lines->n++;
    lines->n_resumed += c->visit->resumed;
}

static void reconnections_are_told(void **state)
{
    struct fixture *f = *state;
    struct lines lines = {0};
    const struct survey_observer observer = {.cookie = &lines, .connected = count_line};

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, f->server.port, "--reconnect", "3");
    assert_int_equal(survey_run(&f->options, f->addresses, f->n, &observer, &f->facts, &f->err),
                     RP_OK);
    tls_server_stop(&f->server);
    assert_int_equal(lines.n, 3 * 4);
    assert_int_equal(lines.n_resumed, 3 * 3);
    assert_true(f->facts->addresses[0].reachable);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct fixture *f = *state;
    const struct survey_observer observer = {0};

    prepare(f, 1, "--cafile", "/nonexistent");
    assert_int_equal(survey_run(&f->options, f->addresses, f->n, &observer, &f->facts, &f->err),
                     RP_INVALID);
    assert_non_null(strstr(f->err.text, "/nonexistent"));
    assert_null(f->facts);
}

/* Each allocation in turn fails; the run ends in order, whatever it was for. */
static void without_memory(void **state)
{
    struct fixture *f = *state;
    const struct survey_observer observer = {0};
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    tls_server_start(&f->server, TLS_SERVER_GOOD);
    prepare(f, f->server.port, "--mechanisms", "ticket12");
    f->options.tries = 1;
    f->options.concurrency = 2;
    for (; status != RP_OK; n++) {
        memory_fail_after(n);
        status = survey_run(&f->options, f->addresses, f->n, &observer, &f->facts, &f->err);
        memory_fail_after(-1);
        assert_int_equal(f->facts != NULL, status == RP_OK);
        assert_true(n < 200);
    }
    assert_true(n > 8);
    tls_server_stop(&f->server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_way_of_resuming_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tickets_are_written_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused_is_offered_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_nothing_is_issued_nothing_is_offered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_version_that_is_not_spoken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_is_told_from_a_refusal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_holds_up_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_ends_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_that_is_not_http_does_not_matter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_endless_reply_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reconnections_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
