/* RINGS of the mailbox: the one message that carries keys. */
#include "mailbox_fixture.h"

/* Offsets in the example. */
#define RINGS_N 16
#define RINGS_FLAGS (RINGS_N + 1 + 16)
#define RINGS_SECOND (RINGS_N + 1 + 16 + 1 + 8 + 8 + 32 + 8 + 2 + 3 * 32)
#define RINGS_LEN (RINGS_SECOND + 16 + 1 + 8 + 8 + 8 + 2 + 2 * 32)

static const uint8_t chain_bytes[MAILBOX_KEY_LEN] = {0xc0, 0xc1, 0xc2};

/* A ring held, with three roots up to the next epoch's, and one of which two roots are left. */
static struct mailbox_rings rings_example(const uint8_t roots[static 5 * MAILBOX_KEY_LEN])
{
    struct mailbox_rings m = {
        .rotate_ms = 2000,
        .accept_ms = 6000,
        .n = 2,
        .rings = {{.id = id_of(0x20),
                   .held = true,
                   .seals = true,
                   .ring_ms = 10001,
                   .epoch = 5,
                   .first = 4,
                   .n_roots = 3,
                   .roots = roots},
                  {.id = id_of(0x30),
                   .ring_ms = -1,
                   .epoch = 9,
                   .first = 3,
                   .n_roots = 2,
                   .roots = roots + (ptrdiff_t)3 * MAILBOX_KEY_LEN}},
    };

    memcpy(m.rings[0].chain, chain_bytes, sizeof chain_bytes);
    return m;
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(seed + i * 7 + i / 32);
    }
}

static bool rings_decode(const uint8_t *p, size_t n, struct mailbox_rings *out)
{
    static const struct mailbox_rings nothing;
    uint8_t *copy = exact(p, n);
    bool ok;

    memset(out, 0xaa, sizeof *out);
    ok = mailbox_rings_decode(copy, n, out);
    free(copy);
    if (!ok) {
        assert_memory_equal(out, &nothing, sizeof nothing);
    }
    return ok;
}

static void rings_lie_as_documented(void **state)
{
    uint8_t roots[5 * MAILBOX_KEY_LEN];
    uint8_t out[RINGS_LEN];
    struct mailbox_rings m;

    (void)state;
    fill(roots, sizeof roots, 1);
    m = rings_example(roots);
    assert_int_equal(mailbox_rings_encode(&m, out, sizeof out), RINGS_LEN);
    assert_memory_equal(out, "\0\0\0\0\0\0\x07\xd0\0\0\0\0\0\0\x17\x70\x02", 17);
    assert_memory_equal(out + 17, m.rings[0].id.bytes, 16);
    assert_memory_equal(out + 33, "\x03\0\0\0\0\0\0\x27\x11\0\0\0\0\0\0\0\x05", 17);
    assert_memory_equal(out + 50, chain_bytes, 32);
    assert_memory_equal(out + 82, "\0\0\0\0\0\0\0\x04\0\x03", 10);
    assert_memory_equal(out + 92, roots, 3 * 32);
    assert_memory_equal(out + RINGS_SECOND, m.rings[1].id.bytes, 16);
    assert_memory_equal(out + RINGS_SECOND + 16,
                        "\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x09", 17);
    assert_memory_equal(out + RINGS_SECOND + 33, "\0\0\0\0\0\0\0\x03\0\x02", 10);
    assert_memory_equal(out + RINGS_SECOND + 43, roots + 3 * 32, 2 * 32);
}

static void expect_rings_round(const struct mailbox_rings *m)
{
    uint8_t *out = malloc(3 * MAILBOX_MESSAGE_MAX);
    uint8_t *again = malloc(3 * MAILBOX_MESSAGE_MAX);
    const size_t n = mailbox_rings_encode(m, out, 3 * MAILBOX_MESSAGE_MAX);
    struct mailbox_rings back;

    assert_true(n != 0);
    assert_true(mailbox_rings_decode(out, n, &back));
    assert_int_equal(mailbox_rings_encode(&back, again, n), n);
    assert_memory_equal(again, out, n);
    assert_int_equal(back.n, m->n);
    assert_true(back.rotate_ms == m->rotate_ms && back.accept_ms == m->accept_ms);
    for (unsigned i = 0; i < m->n; i++) {
        const struct mailbox_ring *a = &m->rings[i];
        const struct mailbox_ring *b = &back.rings[i];

        assert_memory_equal(&a->id, &b->id, sizeof a->id);
        assert_true(a->held == b->held && a->seals == b->seals && a->ring_ms == b->ring_ms &&
                    a->epoch == b->epoch && a->n_roots == b->n_roots && a->first == b->first);
        assert_memory_equal(a->chain, b->chain, sizeof a->chain);
        if (a->n_roots != 0) {
            assert_memory_equal(a->roots, b->roots, (size_t)a->n_roots * MAILBOX_KEY_LEN);
        }
    }
    free(out);
    free(again);
}

static void rings_go_round(void **state)
{
    static uint8_t roots[MAILBOX_ROOTS_MAX * MAILBOX_KEY_LEN];
    struct mailbox_rings m;

    (void)state;
    fill(roots, sizeof roots, 9);
    m = rings_example(roots);
    expect_rings_round(&m);
    m.rings[1].n_roots = 0;
    m.rings[1].roots = NULL;
    m.rings[0].n_roots = 0;
    m.rings[0].roots = NULL;
    m.accept_ms = 0;
    expect_rings_round(&m);
    m.n = 1;
    expect_rings_round(&m);
    m.n = MAILBOX_RINGS_MAX;
    m.rotate_ms = m.accept_ms = MAILBOX_SPAN_MAX;
    for (unsigned i = 0; i < MAILBOX_RINGS_MAX; i++) {
        m.rings[i] = (struct mailbox_ring){.id = id_of(i),
                                           .held = i < MAILBOX_HELD_MAX,
                                           .seals = i == 2,
                                           .ring_ms = i % 2 == 0 ? MAILBOX_RING_TIME_MAX
                                                                 : -MAILBOX_RING_TIME_MAX,
                                           .epoch = MAILBOX_EPOCH_MAX - i,
                                           .first = MAILBOX_EPOCH_MAX - i + 2 - MAILBOX_ROOTS_MAX,
                                           .n_roots = MAILBOX_ROOTS_MAX,
                                           .roots = roots};
    }
    expect_rings_round(&m);
}

static void rings_of_another_length_are_refused(void **state)
{
    uint8_t roots[5 * MAILBOX_KEY_LEN];
    uint8_t out[RINGS_LEN + 1] = {0};
    struct mailbox_rings m;
    struct mailbox_rings back;

    (void)state;
    fill(roots, sizeof roots, 1);
    m = rings_example(roots);
    assert_int_equal(mailbox_rings_encode(&m, out, sizeof out), RINGS_LEN);
    for (size_t n = 0; n <= sizeof out; n++) {
        assert_int_equal(rings_decode(out, n, &back), n == RINGS_LEN);
    }
}

static void rings_that_do_not_fit_leave_nothing_behind(void **state)
{
    static const uint8_t nothing[RINGS_LEN];
    uint8_t roots[5 * MAILBOX_KEY_LEN];
    uint8_t out[RINGS_LEN];
    struct mailbox_rings m;

    (void)state;
    fill(roots, sizeof roots, 1);
    m = rings_example(roots);
    for (size_t room = 0; room < RINGS_LEN; room++) {
        assert_int_equal(mailbox_rings_encode(&m, out, room), 0);
        assert_memory_equal(out, nothing, room);
    }
    assert_int_equal(mailbox_rings_encode(&m, NULL, 0), 0);
}

static void rings_out_of_range_are_not_written(void **state)
{
    static uint8_t roots[(MAILBOX_ROOTS_MAX + 1) * MAILBOX_KEY_LEN];
    static uint8_t out[2 * MAILBOX_MESSAGE_MAX];
    static struct mailbox_rings bad[22];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        bad[i] = rings_example(roots);
    }
    bad[n++].n = 0;
    bad[n++].n = MAILBOX_RINGS_MAX + 1;
    bad[n++].rotate_ms = 0;
    bad[n++].rotate_ms = MAILBOX_SPAN_MAX + 1;
    bad[n++].accept_ms = -1;
    bad[n++].accept_ms = MAILBOX_SPAN_MAX + 1;
    bad[n++].rings[0].seals = false; /* none */
    bad[n].rings[1].held = true;     /* two */
    bad[n].rings[1].seals = true;
    bad[n++].rings[1].first = 9;
    bad[n].rings[0].seals = false; /* one that is not held */
    bad[n++].rings[1].seals = true;
    bad[n].rings[1].id = bad[n].rings[0].id;
    n++;
    bad[n++].rings[0].first = 3; /* the last is not that of the next epoch */
    bad[n++].rings[0].first = 5; /* it is beyond */
    bad[n++].rings[0].n_roots = 2;
    bad[n++].rings[1].first = 10;  /* beyond, of a ring that is not held */
    bad[n++].rings[1].held = true; /* not up to the next epoch */
    bad[n++].rings[1].first = UINT64_MAX;
    bad[n++].rings[1].epoch = MAILBOX_EPOCH_MAX + 1;
    bad[n++].rings[0].ring_ms = MAILBOX_RING_TIME_MAX + 1;
    bad[n++].rings[0].ring_ms = INT64_MIN;
    bad[n].rings[0].epoch = MAILBOX_ROOTS_MAX;
    bad[n].rings[0].first = 1;
    bad[n++].rings[0].n_roots = MAILBOX_ROOTS_MAX + 1;
    bad[n].rings[1].epoch = 2 * MAILBOX_ROOTS_MAX;
    bad[n++].rings[1].n_roots = MAILBOX_ROOTS_MAX + 1;
    bad[n].n = MAILBOX_HELD_MAX + 1; /* one too many is held */
    for (unsigned i = 1; i <= MAILBOX_HELD_MAX; i++) {
        bad[n].rings[i] = bad[n].rings[0];
        bad[n].rings[i].id = id_of(0x40 + i);
        bad[n].rings[i].seals = false;
    }
    n++;
    assert_int_equal(n, N_OF(bad));
    for (size_t i = 0; i < n; i++) {
        if (mailbox_rings_encode(&bad[i], out, sizeof out) != 0) {
            fail_msg("number %zu is written", i);
        }
    }
    bad[N_OF(bad) - 1].rings[MAILBOX_HELD_MAX].held = false;
    assert_true(mailbox_rings_encode(&bad[N_OF(bad) - 1], out, sizeof out) != 0);
}

static void rings_out_of_range_are_not_read(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } edits[] = {
        {0, 0x80}, /* rotate */
        {0, 0x20},
        {8, 0x80}, /* accept */
        {8, 0x20},
        {RINGS_N, 0},
        {RINGS_N, 1},
        {RINGS_N, 3},
        {RINGS_N, 9},
        {RINGS_N, 255},
        {RINGS_FLAGS, 0},
        {RINGS_FLAGS, 1},
        {RINGS_FLAGS, 2},
        {RINGS_FLAGS, 7},
        {RINGS_FLAGS, 0x83},
        {RINGS_FLAGS + 1, 0x80}, /* ring time */
        {RINGS_FLAGS + 9, 0x80}, /* epoch */
        {RINGS_FLAGS + 16, 4},
        {RINGS_FLAGS + 16, 6},
        {89, 3}, /* first */
        {89, 5},
        {82, 0x80},
        {91, 2}, /* number of roots */
        {91, 4},
        {90, 1},
        {90, 0xff},
        {RINGS_SECOND + 16, 1}, /* flags of the second */
        {RINGS_SECOND + 16, 2},
        {RINGS_SECOND + 16, 4},
        {RINGS_SECOND + 40, 10}, /* its first */
        {RINGS_SECOND + 42, 1},
        {RINGS_SECOND + 42, 3},
    };
    uint8_t roots[5 * MAILBOX_KEY_LEN];
    uint8_t out[RINGS_LEN];
    struct mailbox_rings m;
    struct mailbox_rings back;

    (void)state;
    fill(roots, sizeof roots, 1);
    m = rings_example(roots);
    assert_int_equal(mailbox_rings_encode(&m, out, sizeof out), RINGS_LEN);
    for (size_t i = 0; i < N_OF(edits); i++) {
        const uint8_t was = out[edits[i].at];

        out[edits[i].at] = edits[i].value;
        if (rings_decode(out, sizeof out, &back)) {
            fail_msg("byte %zu may be %u", edits[i].at, edits[i].value);
        }
        out[edits[i].at] = was;
    }
    memcpy(out + RINGS_SECOND, out + RINGS_N + 1, 16); /* one ring twice */
    assert_false(rings_decode(out, sizeof out, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_lie_as_documented),
        cmocka_unit_test(rings_go_round),
        cmocka_unit_test(rings_of_another_length_are_refused),
        cmocka_unit_test(rings_that_do_not_fit_leave_nothing_behind),
        cmocka_unit_test(rings_out_of_range_are_not_written),
        cmocka_unit_test(rings_out_of_range_are_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
