#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_meta.h"

static struct session_meta example(void)
{
    struct session_meta m = {
        .origin_ms = 0x0102030405060708, .sealed_ms = 0x1112131415161718, .version = 0x0303};

    memset(m.binding, 0x50, sizeof m.binding);
    return m;
}

static bool decode(const uint8_t *p, size_t n, struct session_meta *out)
{
    static const struct session_meta nothing;
    uint8_t *exact = malloc(n != 0 ? n : 1);
    bool ok;

    assert_non_null(exact);
    memcpy(exact, p, n);
    memset(out, 0xaa, sizeof *out);
    ok = session_meta_decode(exact, n, out);
    free(exact);
    if (!ok) {
        assert_memory_equal(out, &nothing, sizeof nothing);
    }
    return ok;
}

static void lies_on_the_wire_as_documented(void **state)
{
    const struct session_meta m = example();
    uint8_t out[SESSION_META_LEN];

    (void)state;
    session_meta_encode(&m, out);
    assert_memory_equal(out, "\x03\x00\x03\x03", 4);
    assert_memory_equal(out + 4, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_memory_equal(out + 12, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
    assert_memory_equal(out + 20, m.binding, 16);
}

static void expect_round_trip(const struct session_meta *m)
{
    uint8_t out[SESSION_META_LEN];
    struct session_meta back;

    session_meta_encode(m, out);
    assert_true(decode(out, sizeof out, &back));
    assert_true(back.origin_ms == m->origin_ms);
    assert_true(back.sealed_ms == m->sealed_ms);
    assert_int_equal(back.version, m->version);
    assert_int_equal(back.ems, m->ems);
    assert_memory_equal(back.binding, m->binding, SESSION_HASH_LEN);
}

static void goes_round(void **state)
{
    struct session_meta m = example();

    (void)state;
    expect_round_trip(&m);
    m.ems = true;
    expect_round_trip(&m);
    m.version = 0x0304;
    expect_round_trip(&m);
    m.origin_ms = 0;
    m.sealed_ms = 0;
    expect_round_trip(&m);
    m.origin_ms = INT64_MAX;
    m.sealed_ms = INT64_MAX;
    expect_round_trip(&m);
}

static void refuses_every_other_length(void **state)
{
    const struct session_meta m = example();
    uint8_t out[SESSION_META_LEN + 1] = {0};
    struct session_meta back;

    (void)state;
    session_meta_encode(&m, out);
    for (size_t n = 0; n <= sizeof out; n++) {
        assert_int_equal(decode(out, n, &back), n == SESSION_META_LEN);
    }
}

static void refuses_unknown_versions_and_flags(void **state)
{
    const struct session_meta m = example();
    uint8_t out[SESSION_META_LEN];
    struct session_meta back;

    (void)state;
    session_meta_encode(&m, out);
    for (unsigned value = 0; value < 256; value++) {
        out[0] = (uint8_t)value;
        assert_int_equal(decode(out, sizeof out, &back), value == 3);
    }
    out[0] = 3;
    for (unsigned value = 0; value < 256; value++) {
        out[1] = (uint8_t)value;
        assert_int_equal(decode(out, sizeof out, &back), value <= 1);
    }
}

static void refuses_what_breaks_a_rule(void **state)
{
    static const uint16_t versions[] = {0x0000, 0x0302, 0x0305, 0x0403, 0xfeff};
    struct session_meta bad[3 + sizeof versions / sizeof versions[0] + 1];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bad[i] = example();
    }
    bad[n++].origin_ms = -1;
    bad[n++].sealed_ms = -1;
    bad[n].sealed_ms = bad[n].origin_ms - 1;
    n++;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        bad[n].ems = true;
        bad[n++].version = versions[i];
    }
    bad[n++].version = 0x0304; /* without extended master secret */
    for (size_t i = 0; i < n; i++) {
        uint8_t out[SESSION_META_LEN];
        struct session_meta back;

        session_meta_encode(&bad[i], out);
        assert_false(decode(out, sizeof out, &back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_on_the_wire_as_documented),
        cmocka_unit_test(goes_round),
        cmocka_unit_test(refuses_every_other_length),
        cmocka_unit_test(refuses_unknown_versions_and_flags),
        cmocka_unit_test(refuses_what_breaks_a_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
