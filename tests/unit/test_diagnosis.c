#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "advice.h"
#include "diagnosis.h"
#include "facts_kit.h"
#include "memory.h"

#define TICKET12 (1U << MECHANISM_TICKET12)
#define TICKET13 (1U << MECHANISM_TICKET13)
#define ID12 (1U << MECHANISM_ID12)
#define EARLY (1U << MECHANISM_EARLY)
#define TRIES 4

/* Hosts, how they are looked at, and the one cause that there is. */
struct fault {
    const char *name;
    struct kit_host hosts[KIT_HOSTS_MAX];
    size_t n;
    unsigned mechanisms;
    enum cause cause;
    size_t n_cells;
    const char *where;
    const char *evidence; /* a part of it */
};

static const struct fault faults[] = {
    {"separate keys",
     {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}, {KIT_KEYS(1, 3)}},
     3,
     TICKET12 | TICKET13,
     CAUSE_KEY_NOT_SHARED,
     6,
     "between 127.0.0.1, 127.0.0.2 and 127.0.0.3",
     "127.0.0.1 issues under key "},
    {"one host with another key",
     {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 1)}, {KIT_KEYS(1, 3)}},
     3,
     TICKET12,
     CAUSE_KEY_NOT_SHARED,
     4,
     "issued at 127.0.0.1 and 127.0.0.2, offered at 127.0.0.3, and the reverse",
     "127.0.0.1 and 127.0.0.2 issue under key "},
    {"separate keys, no key name",
     {{KIT_KEYS(1, 1), .nameless = true}, {KIT_KEYS(1, 2), .nameless = true}},
     2,
     TICKET13,
     CAUSE_KEY_NOT_SHARED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "no key name"},
    {"other sites",
     {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2), .subject = "CN = other.example"}},
     2,
     TICKET12,
     CAUSE_KEY_NOT_SHARED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "is it the same site?"},
    {"a host that lags",
     {{KIT_KEYS(1, 2), .opens = 1U << 1}, {KIT_KEYS(1, 2), .opens = 1U << 1}, {KIT_KEYS(1, 1)}},
     3,
     TICKET12 | TICKET13,
     CAUSE_KEY_LAGGING,
     2,
     "at 127.0.0.3",
     "127.0.0.1 resumes 4 of 4 sessions of 127.0.0.3, but not the reverse"},
    {"a key in each process",
     {{KIT_KEYS(3, 1, 2, 3), .own_alone = true}},
     1,
     TICKET12,
     CAUSE_KEY_PER_PROCESS,
     1,
     "at 127.0.0.1",
     "under 3 keys"},
    {"a key in each process of one host of three",
     {{KIT_KEYS(1, 1), .opens = 14},
      {KIT_KEYS(1, 1), .opens = 14},
      {KIT_KEYS(2, 1, 2), .own_alone = true}},
     3,
     TICKET13,
     CAUSE_KEY_PER_PROCESS,
     3,
     "at 127.0.0.3",
     "under 2 keys"},
    {"two sites behind one address",
     {{KIT_KEYS(2, 1, 2), .own_alone = true, .subjects = {"CN = a", "CN = b"}}},
     1,
     TICKET12,
     CAUSE_MIXED,
     1,
     "at 127.0.0.1",
     "2 certificates were shown, \"CN = a\""},
    {"session ID context",
     {{.context = "a", .subject = "CN = a"}, {.context = "b", .subject = "CN = b"}},
     2,
     TICKET12 | TICKET13,
     CAUSE_SAME_KEY_REFUSED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "the certificates differ: \"CN = a\" and \"CN = b\""},
    {"session ID context, for a client certificate",
     {{.context = "a"}, {.context = "b", .asks = true}},
     2,
     TICKET13,
     CAUSE_SAME_KEY_REFUSED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "127.0.0.2 alone asks for a client certificate"},
    {"session ID context, nothing to be seen",
     {{.context = "a"}, {.context = "b"}},
     2,
     TICKET13,
     CAUSE_SAME_KEY_REFUSED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "nothing else that can be seen differs"},
    {"a cache on each host",
     {{.own_cache = true}, {.own_cache = true}, {.own_cache = true}},
     3,
     ID12,
     CAUSE_CACHE_NOT_SHARED,
     6,
     "between 127.0.0.1, 127.0.0.2 and 127.0.0.3",
     "resumed 12 of 12 times where they were issued, 0 of 24 elsewhere"},
    {"stateful tickets",
     {{.own_cache = true, .stateful = true}, {.own_cache = true, .stateful = true}},
     2,
     TICKET13,
     CAUSE_CACHE_NOT_SHARED,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "resumed 8 of 8"},
    {"a cache in each process",
     {{KIT_KEYS(3, 1, 2, 3), .own_alone = true, .own_cache = true}},
     1,
     ID12,
     CAUSE_CACHE_PER_PROCESS,
     1,
     "at 127.0.0.1",
     "of its own sessions"},
    {"no cache",
     {{.forgets = true}, {.forgets = true}},
     2,
     ID12,
     CAUSE_NOT_KEPT,
     4,
     "at 127.0.0.1 and 127.0.0.2",
     "resumed 0 of 4"},
    {"tickets off on one host",
     {{KIT_KEYS(1, 2), .no_sessions = true}, {KIT_KEYS(1, 1)}},
     2,
     TICKET12,
     CAUSE_NOT_ISSUED,
     3,
     "at 127.0.0.1",
     "no NewSessionTicket in 4 full handshakes"},
    {"no tickets on one host",
     {{.no_sessions = true}, {0}},
     2,
     TICKET12,
     CAUSE_NOT_ISSUED,
     2,
     "at 127.0.0.1",
     "no NewSessionTicket in 4 full handshakes"},
    {"no session IDs",
     {{.no_sessions = true}},
     1,
     ID12,
     CAUSE_NOT_ISSUED,
     1,
     "at 127.0.0.1",
     "session ID is empty"},
    {"no extended master secret on one host",
     {{.no_ems = true}, {0}},
     2,
     TICKET12,
     CAUSE_EMS,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "127.0.0.2 negotiates it, 127.0.0.1 does not"},
    {"another hash",
     {{.cipher = "TLS_AES_128_GCM_SHA256", .hash = "SHA256"}, {.hash = "SHA384"}},
     2,
     TICKET13,
     CAUSE_CIPHER,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "127.0.0.1 chooses TLS_AES_128_GCM_SHA256, 127.0.0.2 TLS_AES_256_GCM_SHA384"},
    {"a name that breaks it",
     {{.sni_only = true}, {.sni_only = true}},
     2,
     TICKET12,
     CAUSE_SNI,
     4,
     "at 127.0.0.1 and 127.0.0.2",
     "without a name 3 of 3"},
    {"an alert",
     {{KIT_KEYS(1, 1), .alert = 80}, {KIT_KEYS(1, 2), .alert = 80}},
     2,
     TICKET13,
     CAUSE_ALERT,
     2,
     "between 127.0.0.1 and 127.0.0.2",
     "internal error (80); 4 of 4 full handshakes are well"},
    {"cut off",
     {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2), .resets = true, .opens = 0}},
     2,
     TICKET13,
     CAUSE_CUT,
     1,
     NULL,
     "the connection was reset"},
    {"refused early data",
     {{.no_early = true}},
     1,
     EARLY,
     CAUSE_EARLY_REFUSED,
     1,
     "at 127.0.0.1",
     "resumed 4 of 4 times, early data accepted 0 times"},
    {"unreachable",
     {{.unreachable = true}, {0}, {0}},
     3,
     TICKET12,
     CAUSE_UNREACHABLE,
     5,
     "at 127.0.0.1",
     "connection refused"},
    {"not TLS",
     {{.no_tls = true}},
     1,
     TICKET12,
     CAUSE_NO_TLS,
     1,
     "at 127.0.0.1",
     "this port speaks plain HTTP"},
    {"another version",
     {{0}, {.no_version = true}},
     2,
     TICKET13,
     CAUSE_VERSION,
     3,
     "at 127.0.0.2",
     "does not speak TLS 1.3"},
};

#define N_FAULTS (sizeof faults / sizeof faults[0])

static const struct diagnosis *find(const struct findings *findings, enum cause cause)
{
    for (size_t i = 0; i < findings->n; i++) {
        if (findings->items[i].cause == cause) {
            return &findings->items[i];
        }
    }
    return NULL;
}

static void check_fault(const struct fault *fault, const struct findings *findings)
{
    const struct diagnosis *d = find(findings, fault->cause);

    if (d == NULL) {
        fail_msg("%s: %zu others, first %s: %s", fault->name, findings->n,
                 findings->n != 0 ? cause_word(findings->items[0].cause) : "none",
                 findings->n != 0 ? findings->items[0].evidence : "");
        return;
    }
    if (findings->n != 1 && fault->cause != CAUSE_CUT) {
        fail_msg("%s: also %s and %s", fault->name, cause_word(findings->items[0].cause),
                 cause_word(findings->items[1].cause));
    }
    if (d->n_cells != fault->n_cells || strstr(d->evidence, fault->evidence) == NULL ||
        (fault->where != NULL && strcmp(d->where, fault->where) != 0)) {
        fail_msg("%s: %zu cells, %s, %s", fault->name, d->n_cells, d->where, d->evidence);
    }
    assert_int_equal(d->mechanisms, fault->mechanisms);
    assert_string_not_equal(d->advice, "");
    assert_string_not_equal(findings->summary, "");
}

static void each_fault_has_its_cause(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FAULTS; i++) {
        struct facts *facts = kit_facts(faults[i].hosts, faults[i].n, faults[i].mechanisms, TRIES);
        struct findings *findings = NULL;

        assert_int_equal(diagnose(facts, &findings), RP_OK);
        check_fault(&faults[i], findings);
        findings_free(&findings);
        facts_free(&facts);
    }
}

static struct findings *findings_of(const struct kit_host *hosts, size_t n, unsigned mechanisms)
{
    struct facts *facts = kit_facts(hosts, n, mechanisms, TRIES);
    struct findings *findings = NULL;

    assert_int_equal(diagnose(facts, &findings), RP_OK);
    facts_free(&facts);
    return findings;
}

static void what_is_sound_has_none(void **state)
{
    static const struct kit_host sound[][KIT_HOSTS_MAX] = {
        {{0}, {0}, {0}},
        {{.nameless = true}, {.nameless = true}, {.nameless = true}},
        {{.stateful = true}, {.stateful = true}, {.stateful = true}},
        /* two keys that everybody opens, issued under in turn */
        {{KIT_KEYS(2, 1, 2), .opens = 6},
         {KIT_KEYS(2, 1, 2), .opens = 6},
         {KIT_KEYS(2, 1, 2), .opens = 6}},
        /* a host that is ahead, in the way it should be */
        {{KIT_KEYS(1, 1), .opens = 6}, {KIT_KEYS(1, 1), .opens = 6}, {KIT_KEYS(1, 2), .opens = 6}},
        {{.subject = "CN = a"}, {.subject = "CN = b"}, {.asks = true}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        struct findings *findings = findings_of(sound[i], 3, ID12 | TICKET12 | TICKET13);

        if (findings->n != 0) {
            fail_msg("sound %zu: %s: %s", i, cause_word(findings->items[0].cause),
                     findings->items[0].evidence);
        }
        assert_int_equal(findings->n_groups, 3);
        assert_int_equal(findings->groups[0].n_addresses, 3);
        assert_string_equal(findings->summary,
                            "Sessions resume between all 3 addresses: TLS 1.2 session ID, TLS 1.2 "
                            "ticket, TLS 1.3 PSK");
        findings_free(&findings);
    }
}

static void what_a_ticket_makes_up_for_is_harmless(void **state)
{
    static const struct kit_host hosts[] = {{.own_cache = true}, {.own_cache = true}};
    struct findings *findings = findings_of(hosts, 2, ID12 | TICKET12);

    (void)state;
    assert_int_equal(findings->n, 1);
    assert_int_equal(findings->items[0].cause, CAUSE_CACHE_NOT_SHARED);
    assert_true(findings->items[0].harmless);
    findings_free(&findings);
    findings = findings_of(hosts, 2, ID12);
    assert_false(findings->items[0].harmless);
    findings_free(&findings);
}

static void a_version_that_nobody_speaks_is_harmless(void **state)
{
    static const struct kit_host hosts[] = {{.no_version = true}, {.no_version = true}};
    struct findings *findings = findings_of(hosts, 2, TICKET13);

    (void)state;
    assert_int_equal(findings->n, 1);
    assert_true(findings->items[0].harmless);
    findings_free(&findings);
}

static void what_resumes_once_only_is_noted(void **state)
{
    static const struct kit_host hosts[] = {{.single_use = true}, {.single_use = true}};
    struct findings *findings = findings_of(hosts, 2, ID12 | TICKET13);

    (void)state;
    assert_int_equal(findings->n, 1);
    assert_int_equal(findings->items[0].cause, CAUSE_SINGLE_USE);
    assert_int_equal(findings->items[0].mechanisms, ID12 | TICKET13);
    assert_true(findings->items[0].harmless);
    findings_free(&findings);
}

static void mechanisms_with_one_cause_share_a_diagnosis(void **state)
{
    static const struct kit_host hosts[] = {
        {KIT_KEYS(2, 1, 2), .own_alone = true, .subjects = {"CN = a", "CN = b"}}};
    struct findings *findings = findings_of(hosts, 1, TICKET12 | TICKET13);

    (void)state;
    assert_int_equal(findings->n, 1);
    assert_int_equal(findings->items[0].mechanisms, TICKET12 | TICKET13);
    findings_free(&findings);
}

static void keys_and_groups_are_found(void **state)
{
    static const struct kit_host hosts[] = {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}, {KIT_KEYS(1, 1)}};
    struct findings *findings = findings_of(hosts, 3, TICKET13);

    (void)state;
    assert_int_equal(findings->n_keys, 2);
    assert_int_equal(findings->keys[0].n_addresses, 2);
    assert_int_equal(findings->keys[0].addresses[1], 2);
    assert_int_equal(findings->keys[0].name.len, 16);
    assert_non_null(strstr(findings->keys[0].stack, "OpenSSL"));
    assert_int_equal(findings->n_groups, 2);
    assert_int_equal(findings->groups[0].n_addresses, 2);
    assert_int_equal(findings->groups[1].addresses[0], 1);
    findings_free(&findings);
}

static void advice_speaks_the_language_of_the_server(void **state)
{
    static const struct kit_host nginx[] = {{KIT_KEYS(1, 1), .server = "nginx/1.22.1"},
                                            {KIT_KEYS(1, 2)}};
    static const struct kit_host apache[] = {{KIT_KEYS(1, 1), .server = "Apache/2.4.57 (Debian)"},
                                             {KIT_KEYS(1, 2)}};
    static const struct kit_host other[] = {{KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}};
    struct findings *findings = findings_of(nginx, 2, TICKET12);

    (void)state;
    assert_non_null(strstr(findings->items[0].advice, "nginx: name the same files"));
    findings_free(&findings);
    findings = findings_of(apache, 2, TICKET12);
    assert_non_null(strstr(findings->items[0].advice, "SSLSessionTicketKeyFile in every virtual"));
    findings_free(&findings);
    findings = findings_of(other, 2, TICKET12);
    assert_non_null(strstr(findings->items[0].advice, "HAProxy by tls-ticket-keys"));
    findings_free(&findings);
}

static void every_cause_has_advice(void **state)
{
    static const enum cause causes[] = {
#define CAUSE_ITEM(name, word, text) CAUSE_##name,
        CAUSE_MAP(CAUSE_ITEM)
#undef CAUSE_ITEM
    };

    (void)state;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        const bool of_tickets =
            causes[i] >= CAUSE_KEY_NOT_SHARED && causes[i] <= CAUSE_SAME_KEY_REFUSED;

        for (unsigned m = 0; m < MECHANISMS; m++) {
            const char *text = advice_text(causes[i], (enum mechanism)m, SERVER_OTHER);

            if (text[0] == '\0' && !(of_tickets && mechanism_by_session_id((enum mechanism)m))) {
                fail_msg("%s: nothing for %s", cause_word(causes[i]),
                         mechanism_word((enum mechanism)m));
            }
        }
    }
}

static void advice_for_early_data_is_not_that_for_tickets(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind <= SERVER_REPRISED; kind++) {
        const char *text = advice_text(CAUSE_NOT_ISSUED, MECHANISM_EARLY, (enum server_kind)kind);

        assert_non_null(strstr(text, "Leave it so"));
    }
}

static void servers_are_told_by_their_header(void **state)
{
    (void)state;
    assert_int_equal(server_kind_of_header("nginx"), SERVER_NGINX);
    assert_int_equal(server_kind_of_header("openresty/1.21"), SERVER_NGINX);
    assert_int_equal(server_kind_of_header("Apache/2.4"), SERVER_APACHE);
    assert_int_equal(server_kind_of_header("Apache-Coyote/1.1"), SERVER_JAVA);
    assert_int_equal(server_kind_of_header("Caddy"), SERVER_CADDY);
    assert_int_equal(server_kind_of_header(""), SERVER_OTHER);
    assert_int_equal(server_kind_of_header("gws"), SERVER_OTHER);
}

static void what_was_interrupted_is_not_judged(void **state)
{
    static const struct kit_host hosts[] = {{0}, {0}};
    struct facts *facts = kit_facts(hosts, 2, TICKET12, TRIES);
    struct cell *cell = facts_cell(facts, MECHANISM_TICKET12, 0, 1);
    struct findings *findings = NULL;

    (void)state;
    memory_free(cell->resumed);
    *cell = (struct cell){0};
    facts->interrupted = true;
    assert_int_equal(diagnose(facts, &findings), RP_OK);
    assert_int_equal(findings->n, 0);
    assert_non_null(strstr(findings->summary, "interrupted"));
    findings_free(&findings);
    facts_free(&facts);
}

static void what_was_not_begun_is_not_said_to_fail(void **state)
{
    static const struct kit_host hosts[] = {{0}, {0}};
    struct facts *facts = kit_facts(hosts, 2, ID12, TRIES);
    struct findings *findings = NULL;
    struct cell *none = memory_new(4, sizeof *none);

    (void)state;
    assert_non_null(none);
    facts->cells[MECHANISM_TICKET12] = none;
    facts->mechanisms |= TICKET12;
    facts->interrupted = true;
    assert_int_equal(diagnose(facts, &findings), RP_OK);
    assert_int_equal(findings->n, 0);
    assert_non_null(strstr(findings->summary, "TLS 1.2 ticket: not tried"));
    findings_free(&findings);
    facts_free(&facts);
}

static void what_ages_too_early_is_told(void **state)
{
    static const struct kit_host hosts[] = {{0}};
    struct facts *facts = kit_facts(hosts, 1, TICKET13, TRIES);
    struct findings *findings = NULL;

    (void)state;
    facts->aged = memory_new(1, sizeof *facts->aged);
    assert_non_null(facts->aged);
    facts->n_aged = 1;
    facts->aged[0] = (struct aged_facts){0, MECHANISM_TICKET13, 10000, 300, 3, 0};
    assert_int_equal(diagnose(facts, &findings), RP_OK);
    assert_int_equal(findings->n, 1);
    assert_int_equal(findings->items[0].cause, CAUSE_EXPIRED_EARLY);
    assert_non_null(strstr(findings->items[0].evidence, "after 10.000 s none of 3"));
    findings_free(&findings);
    facts_free(&facts);
}

static void a_large_fleet_is_told_in_few_words(void **state)
{
    struct kit_host hosts[50];
    struct facts *facts;
    struct findings *findings = NULL;

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        hosts[i] = (struct kit_host){KIT_KEYS(1, (uint8_t)(i + 1))};
    }
    facts = kit_facts(hosts, 50, TICKET12, 3);
    assert_int_equal(diagnose(facts, &findings), RP_OK);
    assert_int_equal(findings->n, 1);
    assert_int_equal(findings->items[0].n_cells, 50 * 49);
    assert_string_equal(findings->items[0].where, "between all 50 addresses");
    assert_true(strlen(findings->items[0].evidence) < 300);
    assert_int_equal(findings->n_keys, 50);
    findings_free(&findings);
    facts_free(&facts);
}

static void no_memory_at_any_place(void **state)
{
    static const struct kit_host hosts[] = {
        {KIT_KEYS(1, 1)}, {KIT_KEYS(1, 2)}, {.unreachable = true}};
    struct facts *facts = kit_facts(hosts, 3, ID12 | TICKET12 | TICKET13, TRIES);
    struct findings *findings = NULL;
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    for (; status != RP_OK; n++) {
        memory_fail_after(n);
        status = diagnose(facts, &findings);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && findings == NULL));
    }
    assert_true(n > 30);
    findings_free(&findings);
    facts_free(&facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_cause),
        cmocka_unit_test(what_is_sound_has_none),
        cmocka_unit_test(what_a_ticket_makes_up_for_is_harmless),
        cmocka_unit_test(a_version_that_nobody_speaks_is_harmless),
        cmocka_unit_test(what_resumes_once_only_is_noted),
        cmocka_unit_test(mechanisms_with_one_cause_share_a_diagnosis),
        cmocka_unit_test(keys_and_groups_are_found),
        cmocka_unit_test(advice_speaks_the_language_of_the_server),
        cmocka_unit_test(every_cause_has_advice),
        cmocka_unit_test(advice_for_early_data_is_not_that_for_tickets),
        cmocka_unit_test(servers_are_told_by_their_header),
        cmocka_unit_test(what_was_interrupted_is_not_judged),
        cmocka_unit_test(what_was_not_begun_is_not_said_to_fail),
        cmocka_unit_test(what_ages_too_early_is_told),
        cmocka_unit_test(a_large_fleet_is_told_in_few_words),
        cmocka_unit_test(no_memory_at_any_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
