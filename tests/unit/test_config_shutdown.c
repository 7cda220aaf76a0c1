/* How long workers that are on their way out may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"

#define LISTEN "listen: [{address: \"127.0.0.1:0\", sites: [{name: a, certificate: c, key: k}]}]\n"

static void bounds_are_read(void **state)
{
    struct config *config = config_of(LISTEN);

    (void)state;
    assert_int_equal(config->worker_shutdown_timeout_ms, 600000);
    assert_int_equal(config->shutdown_timeout_ms, 10000);
    config_free(&config);
    config = config_of("shutdown_timeout: 30s\nworker_shutdown_timeout: 2h\n" LISTEN);
    assert_int_equal(config->worker_shutdown_timeout_ms, 7200000);
    assert_int_equal(config->shutdown_timeout_ms, 30000);
    config_free(&config);
}

static void wrong_values_are_named(void **state)
{
    static const struct config_broken broken[] = {
        {"shutdown_timeout: soon\n", "x.yaml:1:19: shutdown_timeout takes a duration from 1s to "
                                     "365d, such as 10s, not \"soon\""},
        {"shutdown_timeout: 0s\n",
         "x.yaml:1:19: shutdown_timeout takes a duration from 1s to 365d, such as 10s, not \"0s\""},
        {"worker_shutdown_timeout: 366d\n", "x.yaml:1:26: worker_shutdown_timeout takes a duration "
                                            "from 1s to 365d, such as 10m, not \"366d\""},
        {"worker_shutdown_timeout: [1s]\n", "x.yaml:1:26: worker_shutdown_timeout takes a duration "
                                            "from 1s to 365d, such as 10m, not a list"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_read),
        cmocka_unit_test(wrong_values_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
