/* What /fleet.json says, read; and what of it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_findings.h"
#include "memory.h"
#include "text.h"

#define SIZE 8192

static const char head[] =
    "{\"fleet\": \"shop\", \"version\": \"1\", \"now_s\": 5, \"store_up\": true, \"joined\": true, "
    "\"ring\": \"fffffffe0011\", \"ring_age_s\": 5.5, \"epoch\": 2, \"next_epoch_s\": 0.5, "
    "\"secrets\": [\"01020304\"], \"pace_s\": 0.5, \"foreign_age_s\": null, "
    "\"members_in_store\": 2, \"members\": [";
static const char self[] =
    "{\"id\": \"aa\", \"name\": \"h1\", \"address\": \"\", \"version\": \"1\", \"self\": true, "
    "\"state\": \"member\", \"ring\": \"fffffffe0011\", \"epoch\": 2, \"in_step\": true, "
    "\"rings_held\": 1, \"seen_age_s\": null, \"clock_ahead_s\": null, \"clock_bound_s\": null, "
    "\"uncertainty_s\": 0.1, \"rotate_s\": 2.0, \"accept_s\": 60.0, \"reseed_s\": null, "
    "\"replaced_lately\": false, \"reload_failed\": false, \"two_secrets\": false, "
    "\"speaks_second\": false}";

static enum rp_status read_text(const char *json, struct fleet_facts *facts)
{
    struct rp_error err = {""};
    const enum rp_status status = fleet_facts_read(json, strlen(json), facts, &err);

    assert_true((status == RP_OK) == (err.text[0] == '\0'));
    return status;
}

static void make(char out[static SIZE])
{
    struct text t = text_of(out, SIZE);

    text_add(&t, head);
    text_add(&t, self);
    text_add(&t, "]}");
}

static void facts_are_read(void **state)
{
    struct fleet_facts facts;
    char json[SIZE];

    (void)state;
    make(json);
    assert_int_equal(read_text(json, &facts), RP_OK);
    assert_string_equal(facts.fleet, "shop");
    assert_int_equal(facts.n, 1);
    assert_string_equal(facts.members[0].name, "h1");
    assert_true(facts.members[0].is_self && facts.members[0].in_step);
    assert_string_equal(facts.secrets[0], "01020304");
    fleet_facts_fini(&facts);
    assert_int_equal(read_text("{\"fleet\": null}", &facts), RP_OK);
    assert_string_equal(facts.fleet, "");
    fleet_facts_fini(&facts);
}

/* The name that ends here is of no use to the tool. */
static bool is_unread(const char *json, const char *end)
{
    static const char *const unread[] = {"version", "now_s", "ring_age_s", "rings_held",
                                         "reseed_s"};
    bool found = false;

    for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++) {
        const size_t n = strlen(unread[i]);

        found = found || ((size_t)(end - json) > n && memcmp(end - n, unread[i], n) == 0 &&
                          end[-(ptrdiff_t)n - 1] == '"');
    }
    return found;
}

/* Cut anywhere, with every name spoilt in turn, and with every value of another type. */
static void what_is_not_of_this_format_is_not_read(void **state)
{
    struct fleet_facts facts;
    char json[SIZE];
    char edited[SIZE];

    (void)state;
    make(json);
    for (size_t n = 0; n < strlen(json); n++) {
        struct rp_error err;

        assert_int_equal(fleet_facts_read(json, n, &facts, &err), RP_FORMAT);
    }
    for (const char *at = strstr(json, "\":"); at != NULL; at = strstr(at + 1, "\":")) {
        memcpy(edited, json, sizeof edited);
        edited[at - json - 1] = '#';
        if (!is_unread(json, at)) {
            assert_int_equal(read_text(edited, &facts), RP_FORMAT);
        }
    }
    assert_int_equal(read_text("[]", &facts), RP_FORMAT);
    assert_int_equal(read_text("{\"fleet\": \"a\\u001bb\"}", &facts), RP_FORMAT);
    assert_int_equal(read_text("{\"fleet\": \"a b\"}", &facts), RP_FORMAT);
    assert_int_equal(read_text("{\"fleet\": 7}", &facts), RP_FORMAT);
}

static struct fleet_facts_member member(const char *name)
{
    struct fleet_facts_member m = {.in_step = true, .epoch = 1, .rotate_s = 2, .accept_s = 60};
    struct text t = text_of(m.name, sizeof m.name);

    text_add(&t, name);
    return m;
}

static void all_is_well(void **state)
{
    struct fleet_facts_member members[2] = {member("a"), member("b")};
    struct fleet_facts facts = {.store_is_up = true,
                                .is_joined = true,
                                .foreign_age_s = FLEET_FACTS_NONE,
                                .pace_s = 0.5,
                                .n = 2,
                                .members = members};
    struct fleet_findings findings;

    (void)state;
    members[0].is_self = true;
    fleet_findings(&facts, &findings);
    assert_int_equal(findings.n, 0);
}

static void each_fault_is_found_and_no_other(void **state)
{
    struct fleet_facts_member members[12];
    struct fleet_facts facts = {
        .store_is_up = false, .foreign_age_s = 1, .pace_s = 0.5, .n = 12, .members = members};
    struct fleet_findings findings;

    (void)state;
    for (size_t i = 0; i < 12; i++) {
        members[i] = member("m");
        members[i].seen_age_s = 100; /* nobody can be heard */
    }
    members[0].is_self = true;
    members[1].rotate_s = 3;
    members[1].in_step = false;
    members[2].in_step = false;
    members[3].is_joining = true;
    members[4].is_measured = true;
    members[4].clock_ahead_s = -0.6;
    members[5].uncertainty_s = 2.5;
    members[6].has_reload_failed = true;
    members[7].has_two_secrets = true;
    fleet_findings(&facts, &findings);
    for (unsigned i = 0; i < FLEET_N_FINDINGS; i++) {
        assert_true(findings.of[i].is_so == (i != FLEET_FINDING_SILENT));
        assert_true(findings.of[i].n <= 1);
        assert_true(fleet_finding_word((enum fleet_finding)i)[0] != '\0');
        assert_true(fleet_finding_text((enum fleet_finding)i)[0] != '\0');
        assert_true(fleet_finding_advice((enum fleet_finding)i)[0] != '\0');
    }
    facts.store_is_up = true;
    fleet_findings(&facts, &findings);
    assert_int_equal(findings.of[FLEET_FINDING_SILENT].n, 12);
    assert_ptr_equal(findings.of[FLEET_FINDING_SILENT].who[7], &members[7]);
}

static void without_memory_nothing_is_read(void **state)
{
    struct rp_error err;
    struct fleet_facts facts;
    char json[SIZE];

    (void)state;
    make(json);
    memory_fail_after(0);
    assert_int_not_equal(fleet_facts_read(json, strlen(json), &facts, &err), RP_OK);
    memory_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(what_is_not_of_this_format_is_not_read),
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(each_fault_is_found_and_no_other),
        cmocka_unit_test(without_memory_nothing_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
