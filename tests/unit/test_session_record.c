#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session_record.h"

static uint8_t peer[SESSION_PEER_MAX + 1];

static struct session_record example(void)
{
    struct session_record r = {.meta = {.origin_ms = 0x0102030405060708,
                                        .sealed_ms = 0x1112131415161718,
                                        .version = 0x0303,
                                        .ems = true},
                               .lifetime_s = 0x21222324,
                               .cipher = 0xc02f,
                               .verify_result = 0x31323334};

    memset(r.meta.context, 0x50, sizeof r.meta.context);
    memset(r.meta.binding, 0x90, sizeof r.meta.binding);
    memset(r.master, 0x77, sizeof r.master);
    return r;
}

/* The record's peer borrows from p. */
static bool decode(const uint8_t *p, size_t n, struct session_record *out)
{
    static const struct session_record nothing;
    bool ok;

    memset(out, 0xaa, sizeof *out);
    ok = session_record_decode(p, n, out);
    if (!ok) {
        assert_memory_equal(out, &nothing, sizeof nothing);
    }
    return ok;
}

/* In a block of its own size, so that a sanitizer sees a read past the end. */
static bool decodes(const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n != 0 ? n : 1);
    struct session_record back;
    bool ok;

    assert_non_null(exact);
    memcpy(exact, p, n);
    ok = decode(exact, n, &back);
    free(exact);
    return ok;
}

static void lies_in_the_cache_as_documented(void **state)
{
    struct session_record r = example();
    uint8_t out[SESSION_RECORD_MAX];

    (void)state;
    assert_int_equal(session_record_encode(&r, out, sizeof out), SESSION_RECORD_FIXED_LEN);
    assert_memory_equal(out, "\x03\x01\xc0\x2f\x21\x22\x23\x24\x31\x32\x33\x34", 12);
    assert_memory_equal(out + 12, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_memory_equal(out + 20, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
    assert_memory_equal(out + 28, r.meta.context, 8);
    assert_memory_equal(out + 36, r.meta.binding, 16);
    assert_memory_equal(out + 52, r.master, 48);
    r.peer = (const uint8_t *)"peer";
    r.peer_len = 4;
    r.meta.ems = false;
    assert_int_equal(session_record_encode(&r, out, sizeof out), SESSION_RECORD_FIXED_LEN + 6);
    assert_int_equal(out[1], 2);
    assert_memory_equal(out + 100, "\x00\x04peer", 6);
}

static void expect_round_trip(const struct session_record *r)
{
    uint8_t out[SESSION_RECORD_MAX];
    const size_t n = session_record_encode(r, out, sizeof out);
    struct session_record back;

    assert_int_not_equal(n, 0);
    assert_true(decode(out, n, &back));
    assert_true(back.meta.origin_ms == r->meta.origin_ms);
    assert_true(back.meta.sealed_ms == r->meta.sealed_ms);
    assert_int_equal(back.meta.version, 0x0303);
    assert_int_equal(back.meta.ems, r->meta.ems);
    assert_memory_equal(back.meta.context, r->meta.context, SESSION_CONTEXT_LEN);
    assert_memory_equal(back.meta.binding, r->meta.binding, SESSION_HASH_LEN);
    assert_int_equal(back.lifetime_s, r->lifetime_s);
    assert_int_equal(back.cipher, r->cipher);
    assert_int_equal(back.verify_result, r->verify_result);
    assert_memory_equal(back.master, r->master, SESSION_MASTER_LEN);
    assert_int_equal(back.peer_len, r->peer_len);
    if (r->peer == NULL) {
        assert_null(back.peer);
    } else {
        assert_memory_equal(back.peer, r->peer, r->peer_len);
        assert_ptr_equal(back.peer, out + SESSION_RECORD_FIXED_LEN + 2);
    }
}

static void goes_round(void **state)
{
    static const size_t lengths[] = {1, 800, SESSION_PEER_MAX};
    struct session_record r = example();

    (void)state;
    expect_round_trip(&r);
    r.peer = peer;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        r.peer_len = lengths[i];
        expect_round_trip(&r);
    }
    r.meta = (struct session_meta){.version = 0x0303};
    r.cipher = 0;
    r.lifetime_s = UINT32_MAX;
    r.verify_result = UINT32_MAX;
    expect_round_trip(&r);
}

static void refuses_every_other_length(void **state)
{
    struct session_record r = example();
    uint8_t out[SESSION_RECORD_FIXED_LEN + 8] = {0};

    (void)state;
    for (int with_peer = 0; with_peer < 2; with_peer++) {
        size_t len;

        if (with_peer != 0) {
            r.peer = peer;
            r.peer_len = 5;
        }
        len = session_record_encode(&r, out, sizeof out);
        assert_int_not_equal(len, 0);
        for (size_t n = 0; n <= len + 1; n++) {
            assert_int_equal(decodes(out, n), n == len);
        }
    }
}

static void refuses_unknown_versions_and_flags(void **state)
{
    const struct session_record r = example();
    uint8_t out[SESSION_RECORD_FIXED_LEN];
    const size_t n = session_record_encode(&r, out, sizeof out);

    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        out[0] = (uint8_t)value;
        assert_int_equal(decodes(out, n), value == 3);
    }
    out[0] = 3;
    for (unsigned value = 0; value < 256; value++) {
        out[1] = (uint8_t)value;
        assert_int_equal(decodes(out, n), value <= 1); /* 2 promises a certificate */
    }
}

static void refuses_a_certificate_of_no_or_too_many_bytes(void **state)
{
    static uint8_t out[SESSION_RECORD_MAX + 1];
    struct session_record r = example();

    (void)state;
    r.peer = peer;
    r.peer_len = SESSION_PEER_MAX;
    assert_int_equal(session_record_encode(&r, out, sizeof out), SESSION_RECORD_MAX);
    out[SESSION_RECORD_FIXED_LEN + 1]++;
    assert_false(decodes(out, SESSION_RECORD_MAX + 1));
    out[SESSION_RECORD_FIXED_LEN] = 0;
    out[SESSION_RECORD_FIXED_LEN + 1] = 0;
    assert_false(decodes(out, SESSION_RECORD_FIXED_LEN + 2));
}

static void refuses_times_out_of_order(void **state)
{
    const struct session_record r = example();
    uint8_t out[SESSION_RECORD_FIXED_LEN];
    const size_t n = session_record_encode(&r, out, sizeof out);

    (void)state;
    out[12] = 0x12; /* origin after sealed */
    assert_false(decodes(out, n));
    out[12] = 0x80; /* both negative */
    out[20] = 0x81;
    assert_false(decodes(out, n));
}

static void writes_nothing_that_it_would_not_read(void **state)
{
    struct session_record bad[7];
    uint8_t out[SESSION_RECORD_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bad[i] = example();
    }
    bad[0].meta.version = 0x0304;
    bad[1].meta.origin_ms = -1;
    bad[2].meta.sealed_ms = bad[2].meta.origin_ms - 1;
    bad[3].peer = peer;
    bad[3].peer_len = SESSION_PEER_MAX + 1;
    bad[4].peer = peer;
    bad[4].peer_len = SIZE_MAX;
    bad[5].peer = peer;
    bad[6].peer_len = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(session_record_encode(&bad[i], out, sizeof out), 0);
    }
}

static void writes_nothing_past_its_room(void **state)
{
    struct session_record r = example();
    uint8_t *out;

    (void)state;
    r.peer = peer;
    r.peer_len = 5;
    for (size_t size = 0; size < SESSION_RECORD_FIXED_LEN + 7; size++) {
        out = malloc(size != 0 ? size : 1);
        assert_non_null(out);
        assert_int_equal(session_record_encode(&r, out, size), 0);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_in_the_cache_as_documented),
        cmocka_unit_test(goes_round),
        cmocka_unit_test(refuses_every_other_length),
        cmocka_unit_test(refuses_unknown_versions_and_flags),
        cmocka_unit_test(refuses_a_certificate_of_no_or_too_many_bytes),
        cmocka_unit_test(refuses_times_out_of_order),
        cmocka_unit_test(writes_nothing_that_it_would_not_read),
        cmocka_unit_test(writes_nothing_past_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
