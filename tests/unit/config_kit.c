#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"
#include "memory.h"

struct config *config_of(const char *text)
{
    struct config *config;
    struct rp_error err;

    if (config_parse("dir/x.yaml", text, strlen(text), &config, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

void expect_complaint_n(const char *text, size_t n, const char *complaint)
{
    struct config *config;
    struct rp_error err = {"untouched"};

    assert_int_equal(config_parse("x.yaml", text, n, &config, &err), RP_FORMAT);
    assert_null(config);
    assert_string_equal(err.text, complaint);
}

void expect_complaint(const char *text, const char *complaint)
{
    expect_complaint_n(text, strlen(text), complaint);
}

void expect_complaints(const struct config_broken *broken, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expect_complaint(broken[i].text, broken[i].complaint);
    }
}

void expect_survival(const char *text)
{
    struct config *config = NULL;
    struct rp_error err;

    for (long n = 0; config == NULL; n++) {
        enum rp_status status;

        assert_in_range(n, 0, 5000);
        memory_fail_after(n);
        status = config_parse("dir/x.yaml", text, strlen(text), &config, &err);
        memory_fail_after(-1);
        assert_int_equal(status, config == NULL ? RP_NO_MEMORY : RP_OK);
    }
    config_free(&config);
}
