#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <reprise/status.h>
#include <reprise/verdict.h>

#define LAST_STATUS RP_NOT_KEEPER

static void every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i <= (int)LAST_STATUS; i++) {
        assert_string_not_equal(rp_status_text((enum rp_status)i), "unknown status");
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(rp_status_text((enum rp_status)i),
                                    rp_status_text((enum rp_status)j));
        }
    }
    assert_string_equal(rp_status_text(RP_OK), "ok");
    assert_string_equal(rp_status_text((enum rp_status)(LAST_STATUS + 1)), "unknown status");
}

/* Metrics and logs key on them: a lower-case word, perhaps with hyphens. */
static void assert_label(const char *s)
{
    assert_true(*s != '\0');
    assert_int_equal(strspn(s, "abcdefghijklmnopqrstuvwxyz-"), strlen(s));
}

static void every_verdict_has_a_label_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < (int)RP_N_VERDICTS; i++) {
        assert_label(rp_verdict_text((enum rp_verdict)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(rp_verdict_text((enum rp_verdict)i),
                                    rp_verdict_text((enum rp_verdict)j));
        }
    }
    assert_string_equal(rp_verdict_text(RP_VERDICT_RENEWED), "accepted-renew");
    assert_string_equal(rp_verdict_text(RP_N_VERDICTS), "unknown verdict");
}

static void every_mechanism_has_a_label_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < (int)RP_N_MECHANISMS; i++) {
        assert_label(rp_mechanism_text((enum rp_mechanism)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(rp_mechanism_text((enum rp_mechanism)i),
                                    rp_mechanism_text((enum rp_mechanism)j));
        }
    }
    assert_string_equal(rp_mechanism_text(RP_N_MECHANISMS), "unknown mechanism");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text_of_its_own),
        cmocka_unit_test(every_verdict_has_a_label_of_its_own),
        cmocka_unit_test(every_mechanism_has_a_label_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
