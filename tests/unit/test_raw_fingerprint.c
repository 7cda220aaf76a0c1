#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handshake.h"
#include "raw_fingerprint.h"

static void data(struct raw_fingerprint *f)
{
    raw_fingerprint_open(f, 23);
    raw_fingerprint_word(f, "d");
    raw_fingerprint_close(f);
}

static void records_and_messages_are_written_down(void **state)
{
    char buffer[256];
    struct raw_fingerprint f = raw_fingerprint_of(buffer, sizeof buffer);

    (void)state;
    raw_fingerprint_open(&f, 22);
    raw_fingerprint_message(&f, HANDSHAKE_SERVER_HELLO, 90);
    raw_fingerprint_close(&f);
    raw_fingerprint_open(&f, 20);
    raw_fingerprint_close(&f);
    raw_fingerprint_open(&f, 23);
    raw_fingerprint_message(&f, HANDSHAKE_CERTIFICATE, 700);
    raw_fingerprint_message(&f, HANDSHAKE_CERTIFICATE_VERIFY, 75);
    raw_fingerprint_message(&f, HANDSHAKE_ENCRYPTED_EXTENSIONS, 0);
    raw_fingerprint_close(&f);
    raw_fingerprint_open(&f, 21);
    raw_fingerprint_alert(&f, 2, 40);
    raw_fingerprint_end(&f, "alert");
    assert_string_equal(buffer, "22[2.7] 20 23[11.10,15,8.0] 21[a2.40] alert");
}

static void application_data_in_a_row_count_once(void **state)
{
    char buffer[256];
    struct raw_fingerprint f = raw_fingerprint_of(buffer, sizeof buffer);

    (void)state;
    for (int i = 0; i < 5; i++) {
        data(&f);
    }
    raw_fingerprint_open(&f, 23);
    raw_fingerprint_message(&f, HANDSHAKE_NEW_SESSION_TICKET, 200);
    raw_fingerprint_close(&f);
    data(&f);
    data(&f);
    assert_string_equal(buffer, "23[d] 23[4.8] 23[d]");
}

static void what_does_not_fit_is_cut(void **state)
{
    char buffer[16];
    struct raw_fingerprint f = raw_fingerprint_of(buffer, sizeof buffer);

    (void)state;
    for (int i = 0; i < 50; i++) {
        raw_fingerprint_open(&f, 23);
        raw_fingerprint_message(&f, HANDSHAKE_NEW_SESSION_TICKET, 200);
        raw_fingerprint_close(&f);
        data(&f);
        data(&f);
    }
    assert_int_equal(strlen(buffer), sizeof buffer - 1);
    assert_memory_equal(buffer, "23[4.8] 23[d] 2", sizeof buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_and_messages_are_written_down),
        cmocka_unit_test(application_data_in_a_row_count_once),
        cmocka_unit_test(what_does_not_fit_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
