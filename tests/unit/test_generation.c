#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"
#include "generation.h"
#include "memory.h"
#include "resources.h"

#define SITES "    sites: [{ name: a, certificate: x.pem, key: x.key }]\n"
#define PAGE "listen:\n  - address: 127.0.0.1:0\n" SITES
#define CACHE(size) "listen:\n  - address: 127.0.0.1:0\n    session_cache: " size "\n" SITES
#define FLEET "fleet: { store: \"dir:/s\", name: a, secret: s }\n"
#define FILES "session_ticket_key: /dev/null\n"

static struct generation *generation_of(const char *text, const struct generation *before)
{
    struct generation *generation;
    struct rp_error err = {""};

    if (generation_new(config_of(text), before, &generation, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return generation;
}

/* One that needs no key file to be there. */
static struct generation with_config(const char *text)
{
    struct generation generation = {.config = config_of(text)};

    return generation;
}

static void expect_refusal(const char *before, const char *next, const char *why)
{
    struct generation old = with_config(before);
    struct generation new = with_config(next);
    struct rp_error err = {""};

    assert_int_equal(generation_can_follow(&new, &old, &err), RP_INVALID);
    assert_string_equal(err.text, why);
    config_free(&old.config);
    config_free(&new.config);
}

#define REMEDY ", which takes a restart, or SIGUSR2 to keep the connections"

static void what_only_a_restart_can_change(void **state)
{
    (void)state;
    expect_refusal("fleet: { rotate: 1h }\n" PAGE, "fleet: { rotate: 2h }\n" PAGE,
                   "dir/x.yaml:1:18: fleet.rotate changed" REMEDY);
    expect_refusal("fleet: { accept: 1h }\n" PAGE, PAGE, "dir/x.yaml: fleet.accept changed" REMEDY);
    expect_refusal(PAGE, FLEET PAGE, "dir/x.yaml:1:17: fleet.store was added" REMEDY);
    expect_refusal(FLEET PAGE, PAGE, "dir/x.yaml: fleet.store was removed" REMEDY);
    expect_refusal(PAGE, FILES PAGE, "dir/x.yaml:1:21: session_ticket_key was added" REMEDY);
    expect_refusal(FILES PAGE, PAGE, "dir/x.yaml: session_ticket_key was removed" REMEDY);
}

static void another_keeper_takes_a_restart(void **state)
{
    struct generation old = with_config(PAGE);
    struct generation new = with_config("user: other\n" PAGE);
    struct rp_error err = {""};

    (void)state;
    assert_int_equal(generation_can_follow(&new, &old, &err), RP_OK);
    new.privileges.worker.uid = 7;
    assert_int_equal(generation_can_follow(&new, &old, &err), RP_OK);
    new.privileges.keeper.uid = 8;
    assert_int_equal(generation_can_follow(&new, &old, &err), RP_INVALID);
    assert_string_equal(err.text, "dir/x.yaml:1:7: the keeper would run as another user" REMEDY);
    config_free(&old.config);
    config_free(&new.config);
}

static void all_else_can_follow(void **state)
{
    struct generation old = with_config(PAGE);
    struct generation new = with_config("workers: 3\nlog: { format: json }\n" CACHE("off"));
    struct rp_error err = {""};

    (void)state;
    assert_int_equal(generation_can_follow(&new, &old, &err), RP_OK);
    config_free(&old.config);
    config_free(&new.config);
}

static void the_cache_goes_on_if_its_size_does(void **state)
{
    struct generation *one = generation_of(CACHE("1mb"), NULL);
    struct generation *two = generation_of(CACHE("1mb"), one);
    struct generation *three = generation_of(CACHE("2mb"), two);
    struct generation *four = generation_of(CACHE("off"), three);
    struct rp_cache_stats stats;

    (void)state;
    assert_int_equal(one->number, 1);
    assert_int_equal(four->number, 4);
    assert_non_null(one->cache);
    assert_ptr_equal(one->cache, two->cache);
    assert_ptr_not_equal(two->cache, three->cache);
    assert_null(four->cache);
    generation_free(&one, two);
    rp_cache_stats(two->cache, &stats); /* it is still there */
    generation_free(&four, three);      /* a reload that failed */
    rp_cache_stats(three->cache, &stats);
    generation_free(&two, three);
    generation_free(&three, NULL);
    generation_free(&three, NULL);
}

static void a_bad_file_is_found_first(void **state)
{
    struct generation *generation;
    struct rp_error err = {""};

    (void)state;
    assert_int_not_equal(generation_new(config_of(FILES PAGE), NULL, &generation, &err), RP_OK);
    assert_null(generation);
    assert_memory_equal(err.text, "dir/x.yaml:1:21: ", 17);
}

static void a_keyring_has_room_for_more(void **state)
{
    struct config *config = config_of(PAGE);
    struct rp_keyring *keyring;
    struct rp_keyring_info info;
    struct rp_error err = {""};

    (void)state;
    assert_int_equal(resources_keyring(config, NULL, &keyring, &err), RP_OK);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.max_domains, 64);
    rp_keyring_free(&keyring);
    config_free(&config);
}

static void survives_failing_allocations(void **state)
{
    enum rp_status status = RP_NO_MEMORY;
    struct generation *before = generation_of(CACHE("1mb"), NULL);
    struct generation *generation;
    struct rp_error err;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        struct config *config = config_of(CACHE("2mb"));

        memory_fail_after(n);
        status = generation_new(config, before, &generation, &err);
        memory_fail_after(-1);
        assert_true((status == RP_OK) == (generation != NULL));
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
    }
    generation_free(&generation, before);
    generation_free(&before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_a_restart_can_change),
        cmocka_unit_test(another_keeper_takes_a_restart),
        cmocka_unit_test(all_else_can_follow),
        cmocka_unit_test(the_cache_goes_on_if_its_size_does),
        cmocka_unit_test(a_bad_file_is_found_first),
        cmocka_unit_test(a_keyring_has_room_for_more),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
