#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_record.h"

static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};

static void a_record_goes_round(void **state)
{
    struct tls_record r;
    uint8_t header[TLS_RECORD_HEADER_LEN];

    (void)state;
    assert_int_equal(tls_record_decode(alert, sizeof alert, 2, &r), TLS_RECORD_WHOLE);
    assert_int_equal(r.type, TLS_RECORD_ALERT);
    assert_int_equal(r.version, 0x0303);
    assert_int_equal(r.len, 2);
    tls_record_encode(&r, header);
    assert_memory_equal(header, alert, sizeof header);
}

static void a_part_of_a_record_waits_for_more(void **state)
{
    struct tls_record r;

    (void)state;
    for (size_t n = 0; n < sizeof alert; n++) {
        assert_int_equal(tls_record_decode(alert, n, 2, &r), TLS_RECORD_PART);
    }
    assert_int_equal(tls_record_decode(NULL, 0, 2, &r), TLS_RECORD_PART);
}

static void more_than_a_record_is_whole(void **state)
{
    static const uint8_t two[] = {20, 3, 1, 0, 1, 1, 21};
    struct tls_record r;

    (void)state;
    assert_int_equal(tls_record_decode(two, sizeof two, 1, &r), TLS_RECORD_WHOLE);
    assert_int_equal(r.len, 1);
}

static void what_is_no_record_is_told_at_once(void **state)
{
    static const uint8_t http[] = {'H'};
    static const uint8_t low[] = {19};
    static const uint8_t high[] = {24};
    static const uint8_t version[] = {22, 2};
    struct tls_record r;

    (void)state;
    assert_int_equal(tls_record_decode(http, 1, 9, &r), TLS_RECORD_NOT_TLS);
    assert_int_equal(tls_record_decode(low, 1, 9, &r), TLS_RECORD_NOT_TLS);
    assert_int_equal(tls_record_decode(high, 1, 9, &r), TLS_RECORD_NOT_TLS);
    assert_int_equal(tls_record_decode(version, 1, 9, &r), TLS_RECORD_PART);
    assert_int_equal(tls_record_decode(version, 2, 9, &r), TLS_RECORD_NOT_TLS);
}

static void a_record_is_too_long_by_its_header(void **state)
{
    struct tls_record r;

    (void)state;
    assert_int_equal(tls_record_decode(alert, sizeof alert, 1, &r), TLS_RECORD_TOO_LONG);
    assert_int_equal(tls_record_decode(alert, TLS_RECORD_HEADER_LEN, 1, &r), TLS_RECORD_TOO_LONG);
    assert_int_equal(tls_record_decode(alert, TLS_RECORD_HEADER_LEN - 1, 1, &r), TLS_RECORD_PART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_goes_round),
        cmocka_unit_test(a_part_of_a_record_waits_for_more),
        cmocka_unit_test(more_than_a_record_is_whole),
        cmocka_unit_test(what_is_no_record_is_told_at_once),
        cmocka_unit_test(a_record_is_too_long_by_its_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
