#include "mailbox_fixture.h"

/* Offsets in the examples. */
#define PRESENCE_STATE 24
#define PRESENCE_HEALTH 25
#define PRESENCE_N_HELD 54
#define PRESENCE_HELD 55
#define PRESENCE_NAME (PRESENCE_HELD + 2 * 40)
#define PRESENCE_LEN (PRESENCE_NAME + 1 + 5 + 1 + 10 + 1 + 5)

static struct mailbox_presence presence_example(void)
{
    struct mailbox_presence m = {
        .seq = 0x0102030405060708,
        .invite = id_of(0x10),
        .is_member = true,
        .health = MAILBOX_HEALTH_RELOAD,
        .rotate_ms = 3600000,
        .accept_ms = 86400000,
        .reseed_ms = 0x1122334455,
        .uncertainty_ms = 0xa1a2a3a4,
        .n_held = 2,
        .held = {{id_of(0x20), 0x4142434445, 7, true}, {id_of(0x30), -2, 0, false}},
        .name = "alpha",
        .address = "10.0.0.5:1",
        .version = "1.2.3",
    };

    return m;
}

static bool presence_decode(const uint8_t *p, size_t n, struct mailbox_presence *out)
{
    static const struct mailbox_presence nothing;
    uint8_t *copy = exact(p, n);
    bool ok;

    memset(out, 0xaa, sizeof *out);
    ok = mailbox_presence_decode(copy, n, out);
    free(copy);
    if (!ok) {
        assert_memory_equal(out, &nothing, sizeof nothing);
    }
    return ok;
}

/* A header. */

static void a_header_lies_as_documented(void **state)
{
    const struct mailbox_header h = {MAILBOX_RINGS, id_of(0x10), id_of(0x20), id_of(0x30)};
    struct mailbox_header back;
    uint8_t out[MAILBOX_HEADER_LEN];

    (void)state;
    mailbox_header_encode(&h, out);
    assert_memory_equal(out, "\x01\x03", 2);
    assert_memory_equal(out + 2, h.from.bytes, 16);
    assert_memory_equal(out + 18, h.to.bytes, 16);
    assert_memory_equal(out + 34, h.nonce.bytes, 16);
    assert_true(mailbox_header_decode(out, sizeof out, &back));
    assert_int_equal(back.type, h.type);
    assert_memory_equal(&back.from, &h.from, sizeof h.from);
    assert_memory_equal(&back.to, &h.to, sizeof h.to);
    assert_memory_equal(&back.nonce, &h.nonce, sizeof h.nonce);
}

static void a_header_is_refused_with_other_versions_types_and_lengths(void **state)
{
    static const struct mailbox_header nothing;
    const struct mailbox_header h = {MAILBOX_PULL, id_of(0x10), id_of(0x20), id_of(0x30)};
    struct mailbox_header back;
    uint8_t out[MAILBOX_HEADER_LEN + 1] = {0};

    (void)state;
    mailbox_header_encode(&h, out);
    for (size_t n = 0; n <= sizeof out; n++) {
        uint8_t *copy = exact(out, n);

        memset(&back, 0xaa, sizeof back);
        assert_int_equal(mailbox_header_decode(copy, n, &back), n >= MAILBOX_HEADER_LEN);
        free(copy);
        if (n < MAILBOX_HEADER_LEN) {
            assert_memory_equal(&back, &nothing, sizeof back);
        }
    }
    for (unsigned value = 0; value < 256; value++) {
        out[0] = (uint8_t)value;
        assert_int_equal(mailbox_header_decode(out, sizeof out, &back), value == 1);
        out[0] = 1;
        out[1] = (uint8_t)value;
        assert_int_equal(mailbox_header_decode(out, sizeof out, &back), value >= 2 && value <= 5);
        out[1] = MAILBOX_PULL;
    }
}

static void a_presence_is_to_nobody(void **state)
{
    struct mailbox_header h = {.type = MAILBOX_PRESENCE, .from = id_of(1), .nonce = id_of(2)};
    struct mailbox_header back;
    uint8_t out[MAILBOX_HEADER_LEN];

    (void)state;
    mailbox_header_encode(&h, out);
    assert_true(mailbox_header_decode(out, sizeof out, &back));
    h.to.bytes[15] = 1;
    mailbox_header_encode(&h, out);
    assert_false(mailbox_header_decode(out, sizeof out, &back));
}

/* PRESENCE. */

static void a_presence_lies_as_documented(void **state)
{
    const struct mailbox_presence m = presence_example();
    uint8_t out[MAILBOX_PRESENCE_MAX];

    (void)state;
    assert_int_equal(mailbox_presence_encode(&m, out), PRESENCE_LEN);
    assert_memory_equal(out, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_memory_equal(out + 8, m.invite.bytes, 16);
    assert_memory_equal(out + 24, "\x01\x02", 2);
    assert_memory_equal(out + 26, "\0\0\0\0\x00\x36\xee\x80", 8);
    assert_memory_equal(out + 34, "\0\0\0\0\x05\x26\x5c\x00", 8);
    assert_memory_equal(out + 42, "\0\0\0\x11\x22\x33\x44\x55", 8);
    assert_memory_equal(out + 50, "\xa1\xa2\xa3\xa4\x02", 5);
    assert_memory_equal(out + PRESENCE_HELD, m.held[0].ring.bytes, 16);
    assert_memory_equal(out + PRESENCE_HELD + 16, "\0\0\0\x41\x42\x43\x44\x45", 8);
    assert_memory_equal(out + PRESENCE_HELD + 24, "\0\0\0\0\0\0\0\x07\x01\0\0\0\0\0\0\0", 16);
    assert_memory_equal(out + PRESENCE_HELD + 40, m.held[1].ring.bytes, 16);
    assert_memory_equal(out + PRESENCE_HELD + 56, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8);
    assert_memory_equal(out + PRESENCE_HELD + 64, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(out + PRESENCE_NAME,
                        "\x05"
                        "alpha\x0a"
                        "10.0.0.5:1\x05"
                        "1.2.3",
                        PRESENCE_LEN - PRESENCE_NAME);
}

static void expect_presence_round(const struct mailbox_presence *m)
{
    uint8_t out[MAILBOX_PRESENCE_MAX];
    uint8_t again[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence back;
    const size_t n = mailbox_presence_encode(m, out);

    assert_true(n != 0);
    assert_true(presence_decode(out, n, &back));
    assert_int_equal(mailbox_presence_encode(&back, again), n);
    assert_memory_equal(again, out, n);
    assert_true(back.seq == m->seq && back.rotate_ms == m->rotate_ms &&
                back.accept_ms == m->accept_ms && back.reseed_ms == m->reseed_ms);
    assert_true(back.is_member == m->is_member && back.health == m->health &&
                back.uncertainty_ms == m->uncertainty_ms && back.n_held == m->n_held);
    for (unsigned i = 0; i < m->n_held; i++) {
        assert_memory_equal(&back.held[i].ring, &m->held[i].ring, sizeof m->held[i].ring);
        assert_true(back.held[i].ring_ms == m->held[i].ring_ms &&
                    back.held[i].epoch == m->held[i].epoch &&
                    back.held[i].seals == m->held[i].seals);
    }
    assert_string_equal(back.name, m->name);
    assert_string_equal(back.address, m->address);
    assert_string_equal(back.version, m->version);
}

static void a_presence_goes_round(void **state)
{
    struct mailbox_presence m = presence_example();

    (void)state;
    expect_presence_round(&m);
    m.n_held = 0;
    m.is_member = false;
    m.health = 7;
    m.address[0] = '\0';
    m.accept_ms = 0;
    m.reseed_ms = 0;
    m.rotate_ms = 1;
    expect_presence_round(&m);
    m.seq = UINT64_MAX;
    m.uncertainty_ms = UINT32_MAX;
    m.rotate_ms = m.accept_ms = m.reseed_ms = MAILBOX_SPAN_MAX;
    m.n_held = MAILBOX_HELD_MAX;
    for (unsigned i = 0; i < MAILBOX_HELD_MAX; i++) {
        m.held[i] = (struct mailbox_held){
            id_of(i), i % 2 == 0 ? -MAILBOX_RING_TIME_MAX : MAILBOX_RING_TIME_MAX,
            MAILBOX_EPOCH_MAX, i == 3};
    }
    memset(m.name, '!', MAILBOX_TEXT_MAX);
    memset(m.address, '~', MAILBOX_TEXT_MAX);
    memset(m.version, 'x', MAILBOX_TEXT_MAX);
    expect_presence_round(&m);
}

static void a_presence_of_another_length_is_refused(void **state)
{
    const struct mailbox_presence m = presence_example();
    uint8_t out[MAILBOX_PRESENCE_MAX] = {0};
    struct mailbox_presence back;
    const size_t len = mailbox_presence_encode(&m, out);

    (void)state;
    for (size_t n = 0; n <= len + 1; n++) {
        assert_int_equal(presence_decode(out, n, &back), n == len);
    }
}

/* The encoder and the decoder hold to the same rules. */
static void refuse_presence(const struct mailbox_presence *m)
{
    uint8_t out[MAILBOX_PRESENCE_MAX];

    assert_int_equal(mailbox_presence_encode(m, out), 0);
}

static void a_presence_out_of_range_is_not_written(void **state)
{
    const struct mailbox_presence good = presence_example();
    struct mailbox_presence bad[20];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        bad[i] = good;
    }
    bad[n++].health = 8;
    bad[n++].rotate_ms = 0;
    bad[n++].rotate_ms = -1;
    bad[n++].rotate_ms = MAILBOX_SPAN_MAX + 1;
    bad[n++].accept_ms = -1;
    bad[n++].accept_ms = MAILBOX_SPAN_MAX + 1;
    bad[n++].reseed_ms = -1;
    bad[n++].reseed_ms = MAILBOX_SPAN_MAX + 1;
    bad[n++].n_held = MAILBOX_HELD_MAX + 1;
    bad[n++].held[1].seals = true;
    bad[n++].held[1].ring = good.held[0].ring;
    bad[n++].held[0].epoch = MAILBOX_EPOCH_MAX + 1;
    bad[n++].held[1].ring_ms = MAILBOX_RING_TIME_MAX + 1;
    bad[n++].held[1].ring_ms = -MAILBOX_RING_TIME_MAX - 1;
    bad[n++].name[0] = '\0';
    bad[n++].version[0] = '\0';
    bad[n++].name[2] = ' ';
    bad[n++].address[2] = '\x7f';
    bad[n++].version[2] = '\x80';
    memset(bad[n++].name, 'x', sizeof bad->name);
    assert_int_equal(n, N_OF(bad));
    for (size_t i = 0; i < n; i++) {
        refuse_presence(&bad[i]);
    }
}

static void a_presence_out_of_range_is_not_read(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } edits[] = {
        {PRESENCE_STATE, 2},
        {PRESENCE_STATE, 255},
        {PRESENCE_HEALTH, 8},
        {PRESENCE_HEALTH, 0x80},
        {26, 0x80}, /* rotate < 0 */
        {26, 0x20}, /* rotate too large */
        {34, 0x80}, /* accept */
        {34, 0x20},
        {42, 0x80}, /* reseed */
        {42, 0x20},
        {PRESENCE_N_HELD, 1}, /* the second ring then is taken for the name */
        {PRESENCE_N_HELD, 5},
        {PRESENCE_N_HELD, 255},
        {PRESENCE_HELD + 16, 0x7f}, /* ring time */
        {PRESENCE_HELD + 16, 0x80},
        {PRESENCE_HELD + 24, 0x80}, /* epoch */
        {PRESENCE_HELD + 32, 2},    /* seals */
        {PRESENCE_HELD + 72, 1},    /* a second that seals */
        {PRESENCE_HELD + 33, 1},    /* not used */
        {PRESENCE_HELD + 39, 1},
        {PRESENCE_NAME, 4}, /* lengths */
        {PRESENCE_NAME, 6},
        {PRESENCE_NAME, 0},
        {PRESENCE_NAME, 64},
        {PRESENCE_NAME + 1, ' '},
        {PRESENCE_NAME + 1, 0},
        {PRESENCE_NAME + 1, '\n'},
        {PRESENCE_NAME + 5, 0},
        {PRESENCE_NAME + 5, 0x7f},
        {PRESENCE_NAME + 5, 0xe4},
        {PRESENCE_NAME + 16, 0},
        {PRESENCE_LEN - 1, ' '},
        {PRESENCE_LEN - 1, 0},
    };
    const struct mailbox_presence m = presence_example();
    uint8_t out[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence back;
    const size_t n = mailbox_presence_encode(&m, out);

    (void)state;
    for (size_t i = 0; i < N_OF(edits); i++) {
        const uint8_t was = out[edits[i].at];

        out[edits[i].at] = edits[i].value;
        if (presence_decode(out, n, &back)) {
            fail_msg("byte %zu may be %u", edits[i].at, edits[i].value);
        }
        out[edits[i].at] = was;
    }
    memset(out + 26, 0, 8); /* rotate 0 */
    assert_false(presence_decode(out, n, &back));
    (void)mailbox_presence_encode(&m, out);
    memcpy(out + PRESENCE_HELD + 40, out + PRESENCE_HELD, 16); /* one ring twice */
    assert_false(presence_decode(out, n, &back));
}

static void a_text_of_64_bytes_is_not_read(void **state)
{
    struct mailbox_presence m = presence_example();
    uint8_t out[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence back;
    size_t n;

    (void)state;
    memset(m.version, 'v', MAILBOX_TEXT_MAX);
    n = mailbox_presence_encode(&m, out);
    assert_true(presence_decode(out, n, &back));
    out[n - 1 - MAILBOX_TEXT_MAX]++;
    out[n] = 'v';
    assert_false(presence_decode(out, n + 1, &back));
}

/* TIME_ANSWER. */

static void a_time_answer_lies_as_documented_and_goes_round(void **state)
{
    static const int64_t times[] = {
        0, 1, -1, 0x0102030405060708, MAILBOX_RING_TIME_MAX, -MAILBOX_RING_TIME_MAX};
    uint8_t out[MAILBOX_TIME_ANSWER_LEN];

    (void)state;
    for (size_t i = 0; i < N_OF(times); i++) {
        const struct mailbox_time m = {id_of(0x10), id_of(0x20), times[i]};
        struct mailbox_time back;

        mailbox_time_encode(&m, out);
        assert_memory_equal(out, m.question.bytes, 16);
        assert_memory_equal(out + 16, m.ring.bytes, 16);
        for (unsigned j = 0; j < 8; j++) {
            assert_int_equal(out[32 + j], (uint8_t)((uint64_t)times[i] >> (56 - 8 * j)));
        }
        assert_true(mailbox_time_decode(out, sizeof out, &back));
        assert_memory_equal(&back, &m, sizeof m);
    }
}

static void a_time_answer_of_another_length_or_out_of_range_is_refused(void **state)
{
    static const struct mailbox_time nothing;
    static const int64_t times[] = {MAILBOX_RING_TIME_MAX + 1, -MAILBOX_RING_TIME_MAX - 1,
                                    INT64_MAX, INT64_MIN};
    struct mailbox_time m = {id_of(0x10), id_of(0x20), 5};
    uint8_t out[MAILBOX_TIME_ANSWER_LEN + 1] = {0};
    struct mailbox_time back;

    (void)state;
    mailbox_time_encode(&m, out);
    for (size_t n = 0; n <= sizeof out; n++) {
        uint8_t *copy = exact(out, n);

        assert_int_equal(mailbox_time_decode(copy, n, &back), n == MAILBOX_TIME_ANSWER_LEN);
        free(copy);
    }
    for (size_t i = 0; i < N_OF(times); i++) {
        m.ring_ms = times[i];
        mailbox_time_encode(&m, out);
        memset(&back, 0xaa, sizeof back);
        assert_false(mailbox_time_decode(out, MAILBOX_TIME_ANSWER_LEN, &back));
        assert_memory_equal(&back, &nothing, sizeof nothing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_lies_as_documented),
        cmocka_unit_test(a_header_is_refused_with_other_versions_types_and_lengths),
        cmocka_unit_test(a_presence_is_to_nobody),
        cmocka_unit_test(a_presence_lies_as_documented),
        cmocka_unit_test(a_presence_goes_round),
        cmocka_unit_test(a_presence_of_another_length_is_refused),
        cmocka_unit_test(a_presence_out_of_range_is_not_written),
        cmocka_unit_test(a_presence_out_of_range_is_not_read),
        cmocka_unit_test(a_text_of_64_bytes_is_not_read),
        cmocka_unit_test(a_time_answer_lies_as_documented_and_goes_round),
        cmocka_unit_test(a_time_answer_of_another_length_or_out_of_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
