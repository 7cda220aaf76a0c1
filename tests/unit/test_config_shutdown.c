/* How long workers that are on their way out may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define LISTEN "listen: [{address: \"127.0.0.1:0\", sites: [{name: a, certificate: c, key: k}]}]\n"

static void bounds_are_read(void **state)
{
    struct config *config;
    struct rp_error err;
    static const char text[] = "shutdown_timeout: 30s\nworker_shutdown_timeout: 2h\n" LISTEN;

    (void)state;
    assert_int_equal(config_parse("x.yaml", LISTEN, strlen(LISTEN), &config, &err), RP_OK);
    assert_int_equal(config->worker_shutdown_timeout_ms, 600000);
    assert_int_equal(config->shutdown_timeout_ms, 10000);
    config_free(&config);
    assert_int_equal(config_parse("x.yaml", text, strlen(text), &config, &err), RP_OK);
    assert_int_equal(config->worker_shutdown_timeout_ms, 7200000);
    assert_int_equal(config->shutdown_timeout_ms, 30000);
    config_free(&config);
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
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
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config;
        struct rp_error err;

        assert_int_not_equal(
            config_parse("x.yaml", cases[i].text, strlen(cases[i].text), &config, &err), RP_OK);
        assert_string_equal(err.text, cases[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_read),
        cmocka_unit_test(wrong_values_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
