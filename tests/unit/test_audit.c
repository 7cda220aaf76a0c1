#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit.h"
#include "auditor.h"
#include "memory.h"
#include "repeat.h"
#include "resumption.h"

/* A port that nobody listens on: bound, and kept. */
struct dead_end {
    int fd;
    struct peer_address address;
};

static int make_dead_end(void **state)
{
    static struct dead_end d;
    struct sockaddr_in6 *sa = (struct sockaddr_in6 *)&d.address.sa;

    d = (struct dead_end){.fd = socket(AF_INET6, SOCK_STREAM, 0)};
    sa->sin6_family = AF_INET6;
    sa->sin6_addr = in6addr_loopback;
    d.address.len = sizeof *sa;
    d.address.text[0] = 'x';
    *state = &d;
    return d.fd >= 0 && bind(d.fd, (const struct sockaddr *)sa, sizeof *sa) == 0 &&
                   getsockname(d.fd, (struct sockaddr *)&d.address.sa, &d.address.len) == 0
               ? 0
               : -1;
}

static int close_dead_end(void **state)
{
    const struct dead_end *d = *state;

    return close(d->fd);
}

static void every_word_is_there(void **state)
{
    (void)state;
    for (enum audit_check c = 0; c < AUDIT_CHECKS; c++) {
        assert_true(audit_check_word(c)[0] != '\0' && audit_check_text(c)[0] != '\0');
    }
    assert_string_equal(audit_check_word(AUDIT_CHECK_CERTIFICATES), "certificates");
    assert_string_equal(audit_outcome_word(AUDIT_NOT_JUDGED), "not-judged");
    assert_string_equal(finding_word(FINDING_TICKETBLEED), "ticketbleed");
    assert_string_equal(finding_source(FINDING_TICKETBLEED), "CVE-2016-9244");
    assert_int_equal(finding_severity(FINDING_PSK_KE), SEVERITY_WEAK);
    assert_true(finding_text(FINDING_PSK_KE)[0] != '\0');
}

static void there_must_be_an_address(void **state)
{
    const struct audit_config config = {0};
    struct audit *audit = NULL;
    struct rp_error err = {{0}};

    (void)state;
    assert_int_equal(audit_run(&config, NULL, &audit, &err), RP_INVALID);
    assert_null(audit);
    assert_true(err.text[0] != '\0');
}

static void a_client_certificate_must_be_readable(void **state)
{
    const struct dead_end *d = *state;
    const struct audit_config config = {
        .addresses = &d->address, .n = 1, .client_cert = "/nonexistent"};
    struct audit *audit = NULL;
    struct rp_error err = {{0}};

    assert_int_equal(audit_run(&config, NULL, &audit, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "/nonexistent"));
}

static void who_does_not_answer_is_not_judged(void **state)
{
    const struct dead_end *d = *state;
    const struct peer_address addresses[] = {d->address, d->address};
    const struct audit_config config = {.addresses = addresses, .n = 2};
    struct audit *audit = NULL;

    assert_int_equal(audit_run(&config, NULL, &audit, NULL), RP_OK);
    assert_int_equal(audit->n_addresses, 2);
    assert_int_equal(audit->n_results, 2 * AUDIT_CHECKS);
    assert_int_equal(audit->n_findings, 0);
    assert_false(audit->interrupted);
    for (size_t i = 0; i < audit->n_results; i++) {
        assert_int_equal(audit->results[i].outcome, AUDIT_NOT_JUDGED);
        assert_int_equal(audit->results[i].address, i / AUDIT_CHECKS);
        assert_true(audit->results[i].note[0] != '\0');
    }
    audit_free(&audit);
    audit_free(&audit);
    assert_null(audit);
}

static void only_what_is_asked_for_is_done(void **state)
{
    const struct dead_end *d = *state;
    const struct audit_config config = {
        .addresses = &d->address, .n = 1, .checks = 1U << AUDIT_CHECK_HASH};
    struct audit *audit = NULL;

    assert_int_equal(audit_run(&config, NULL, &audit, NULL), RP_OK);
    assert_int_equal(audit->n_results, 1);
    assert_int_equal(audit->results[0].check, AUDIT_CHECK_HASH);
    audit_free(&audit);
}

static void count_call(void *cookie, const struct audit_progress *progress)
{
    struct audit_progress *last = cookie;

    *last = *progress;
}

static void cancelled_it_hands_out_what_there_is(void **state)
{
    const struct dead_end *d = *state;
    const struct audit_config config = {.addresses = &d->address, .n = 1};
    const atomic_bool cancel = true;
    struct audit_progress last = {0};
    const struct audit_observer observer = {&last, count_call, &cancel};
    struct audit *audit = NULL;
    enum severity worst;

    assert_int_equal(audit_run(&config, &observer, &audit, NULL), RP_OK);
    assert_true(audit->interrupted);
    assert_int_equal(audit->n_connections, 0);
    assert_string_equal(audit->results[0].note, "interrupted");
    assert_int_equal(last.n_done, AUDIT_CHECKS);
    assert_int_equal(last.n_all, AUDIT_CHECKS);
    assert_false(audit_worst(audit, &worst));
    audit_free(&audit);
}

static void each_allocation_may_fail(void **state)
{
    const struct dead_end *d = *state;
    const struct audit_config config = {.addresses = &d->address, .n = 1};
    enum rp_status status = RP_NO_MEMORY;

    for (long n = 0; status != RP_OK; n++) {
        struct audit *audit = NULL;

        assert_in_range(n, 0, 500);
        memory_fail_after(n);
        status = audit_run(&config, NULL, &audit, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && audit == NULL));
        audit_free(&audit);
    }
}

struct script {
    const char *votes; /* h, m, v; its last one goes on for ever */
    size_t at;
};

static enum vote play(struct auditor *a, void *cookie)
{
    struct script *s = cookie;
    const char c = s->votes[s->at];

    (void)a;
    s->at += s->votes[s->at + 1] != '\0' ? 1 : 0;
    if (c == 'v') {
        return VOTE_VOID;
    }
    return c == 'h' ? VOTE_HIT : VOTE_MISS;
}

static struct votes repeated(const char *votes)
{
    const struct peer_address address = {.text = "x"};
    const struct audit_config config = {.addresses = &address, .n = 1};
    struct audit_shared shared = {.config = &config};
    struct script script = {votes, 0};
    struct auditor a;
    struct votes v;

    auditor_init(&a, &shared, 0);
    auditor_begin(&a, AUDIT_CHECK_EMS);
    repeat(&a, play, &script, &v);
    auditor_end(&a);
    auditor_fini(&a);
    return v;
}

static void what_is_always_so_is_known_at_once(void **state)
{
    const struct votes v = repeated("h");

    (void)state;
    assert_int_equal(v.n, 3);
    assert_true(votes_found(&v));
}

static void what_was_seen_once_is_looked_for_again(void **state)
{
    const struct votes once = repeated("mhm");
    const struct votes twice = repeated("mhmmmmmmmmmmmmmmmmmmhm");

    (void)state;
    assert_int_equal(once.n, 30);
    assert_int_equal(once.n_hits, 1);
    assert_false(votes_found(&once));
    assert_true(votes_found(&twice));
}

static void nothing_to_try_is_not_judged(void **state)
{
    const struct votes v = repeated("v");

    (void)state;
    assert_int_equal(v.n, 0);
    assert_in_range(v.n_void, 1, 10);
    assert_false(votes_judged(&v));
    assert_false(votes_found(&v));
}

/* Where one in three of all connections ends, six that did not would be no proof. */
static void rare_ends_take_many_controls(void **state)
{
    (void)state;
    assert_int_equal(resumption_controls(30, 30), 4);
    assert_in_range(resumption_controls(90, 30), 17, 18);
    assert_in_range(resumption_controls(100, 10), 65, 67);
    assert_int_equal(resumption_controls(300, 1), 80);
}

static void a_finding_outweighs_what_is_concluded(void **state)
{
    const struct peer_address address = {.text = "192.0.2.1:443"};
    const struct audit_config config = {.addresses = &address, .n = 1};
    struct audit_shared shared = {.config = &config};
    struct auditor a;

    (void)state;
    auditor_init(&a, &shared, 0);
    auditor_begin(&a, AUDIT_CHECK_EMS);
    auditor_find(&a, FINDING_EMS_DOWNGRADE, "%u of %u", 2U, 3U);
    auditor_conclude(&a, AUDIT_PASSED, "all is well");
    auditor_end(&a);
    assert_int_equal(a.results[AUDIT_CHECK_EMS].outcome, AUDIT_FOUND);
    assert_int_equal(a.n_findings, 1);
    assert_string_equal(a.findings[0].address, "192.0.2.1:443");
    assert_string_equal(a.findings[0].evidence, "2 of 3");
    auditor_begin(&a, AUDIT_CHECK_HASH);
    memory_fail_after(0);
    auditor_find(&a, FINDING_HASH_MISMATCH, "lost");
    memory_fail_after(-1);
    auditor_end(&a);
    assert_true(a.no_memory);
    assert_int_equal(a.n_findings, 1);
    auditor_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_is_there),
        cmocka_unit_test(there_must_be_an_address),
        cmocka_unit_test(a_client_certificate_must_be_readable),
        cmocka_unit_test(who_does_not_answer_is_not_judged),
        cmocka_unit_test(only_what_is_asked_for_is_done),
        cmocka_unit_test(cancelled_it_hands_out_what_there_is),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(what_is_always_so_is_known_at_once),
        cmocka_unit_test(what_was_seen_once_is_looked_for_again),
        cmocka_unit_test(nothing_to_try_is_not_judged),
        cmocka_unit_test(rare_ends_take_many_controls),
        cmocka_unit_test(a_finding_outweighs_what_is_concluded),
    };

    return cmocka_run_group_tests(tests, make_dead_end, close_dead_end);
}
