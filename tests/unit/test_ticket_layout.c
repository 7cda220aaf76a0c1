#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ticket_kit.h"
#include "ticket_layout.h"

#define MAX 512

static struct ticket_bytes random_ticket(uint8_t out[static MAX], uint32_t seed, size_t n)
{
    kit_random(seed, out, n);
    return (struct ticket_bytes){out, n};
}

static struct ticket_view best(struct ticket_bytes t)
{
    struct ticket_view views[TICKET_LAYOUTS];

    assert_true(ticket_layout_guess(t, views) > 0);
    return views[0];
}

static void openssl_has_whole_blocks(void **state)
{
    uint8_t bytes[MAX];
    const struct ticket_bytes t = random_ticket(bytes, 1, 208);
    const struct ticket_view v = best(t);

    (void)state;
    assert_int_equal(v.layout, TICKET_LAYOUT_OPENSSL);
    assert_int_equal(v.fit, TICKET_FIT_LIKELY);
    assert_ptr_equal(v.name.p, bytes);
    assert_int_equal(v.name.n, 16);
    assert_ptr_equal(v.iv.p, bytes + 16);
    assert_int_equal(v.ciphertext.n, 144);
    assert_ptr_equal(v.tag.p, bytes + 176);
    assert_int_equal(v.tag.n, 32);
    assert_int_equal(v.authenticated.n, 176);
    assert_non_null(ticket_layout_ambiguity(v.layout));
}

static void other_lengths_are_not_openssls(void **state)
{
    (void)state;
    for (size_t n = 0; n < MAX; n++) {
        uint8_t bytes[MAX];
        struct ticket_view v;
        const bool fits =
            ticket_layout_split(TICKET_LAYOUT_OPENSSL, random_ticket(bytes, 2, n), &v);

        assert_int_equal(fits, n >= 96 && n % 16 == 0);
        assert_int_equal(v.fit, fits ? TICKET_FIT_LIKELY : TICKET_FIT_NONE);
    }
}

/* A length that comes out is certain, and leaves no other. */
static void lengths_inside_are_certain(void **state)
{
    static const struct {
        enum ticket_layout layout;
        size_t at, head, tag;
    } rows[] = {{TICKET_LAYOUT_NSS, 32, 34, 32},
                {TICKET_LAYOUT_GNUTLS, 32, 34, 20},
                {TICKET_LAYOUT_MBEDTLS, 16, 18, 16}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[MAX];
        const size_t body = 160;
        const struct ticket_bytes t = random_ticket(bytes, 3, rows[i].head + body + rows[i].tag);
        struct ticket_view views[TICKET_LAYOUTS];

        bytes[rows[i].at] = (uint8_t)(body >> 8);
        bytes[rows[i].at + 1] = (uint8_t)body;
        assert_int_equal(ticket_layout_guess(t, views), 1);
        assert_int_equal(views[0].layout, rows[i].layout);
        assert_int_equal(views[0].fit, TICKET_FIT_CERTAIN);
        assert_int_equal(views[0].ciphertext.n, body);
        assert_int_equal(views[0].tag.n, rows[i].tag);
        bytes[rows[i].at + 1] ^= 1;
        assert_int_not_equal(best(t).layout, rows[i].layout);
    }
}

static void magic_numbers_are_certain(void **state)
{
    static const uint8_t botan[] = {0x06, 0x8b, 0x5a, 0x9d, 0x39, 0x6c, 0x00, 0x00};
    static const uint8_t dpapi[] = {1,    0,    0,    0,    0xd0, 0x8c, 0x9d, 0xdf, 0x01, 0x15,
                                    0xd1, 0x11, 0x8c, 0x7a, 0x00, 0xc0, 0x4f, 0xc2, 0x97, 0xeb};
    uint8_t bytes[MAX];
    const struct ticket_bytes t = random_ticket(bytes, 4, 208);

    (void)state;
    memcpy(bytes, botan, sizeof botan);
    assert_int_equal(best(t).layout, TICKET_LAYOUT_BOTAN);
    assert_int_equal(best(t).name.n, 4);
    assert_ptr_equal(best(t).iv.p, bytes + 28);
    memcpy(bytes, dpapi, sizeof dpapi);
    assert_int_equal(best(t).layout, TICKET_LAYOUT_SCHANNEL);
    assert_ptr_equal(best(t).name.p, bytes + 24);
}

static void a_session_in_clear_and_an_identifier(void **state)
{
    uint8_t bytes[KIT_TICKET_MAX];
    struct ticket_bytes t = {bytes, kit_session(1, bytes)};

    (void)state;
    assert_int_equal(best(t).layout, TICKET_LAYOUT_PLAIN);
    assert_int_equal(best(t).fit, TICKET_FIT_CERTAIN);
    t.n--;
    assert_int_not_equal(best(t).layout, TICKET_LAYOUT_PLAIN);
    t = random_ticket(bytes, 5, 32);
    assert_int_equal(best(t).layout, TICKET_LAYOUT_STATEFUL);
}

/* n tickets of 208 bytes; those of one key have the first prefix bytes in common. */
static void judge(size_t n, size_t n_keys, size_t prefix, size_t len, struct ticket_judgement *out)
{
    static uint8_t bytes[64][MAX];
    struct ticket_bytes tickets[64];

    for (size_t i = 0; i < n; i++) {
        tickets[i] = random_ticket(bytes[i], (uint32_t)(100 + i), len);
        kit_random((uint32_t)(5000 + i % n_keys), bytes[i], prefix);
    }
    ticket_layout_judge(tickets, n, out);
}

static bool has(const struct ticket_judgement *j, enum ticket_layout layout)
{
    for (size_t i = 0; i < j->n_candidates; i++) {
        if (j->candidates[i].layout == layout) {
            return true;
        }
    }
    return false;
}

static void a_shared_name_of_16_rules_out_shorter(void **state)
{
    struct ticket_judgement j;

    (void)state;
    judge(6, 2, 16, 208, &j);
    assert_int_equal(j.shared_prefix, 16);
    assert_int_equal(j.candidates[0].layout, TICKET_LAYOUT_OPENSSL);
    assert_false(has(&j, TICKET_LAYOUT_JSSE));
    assert_false(has(&j, TICKET_LAYOUT_GO_NEW));
    assert_false(has(&j, TICKET_LAYOUT_S2N));
    assert_true(has(&j, TICKET_LAYOUT_RUSTLS));
}

static void a_shared_name_of_4_rules_out_longer(void **state)
{
    struct ticket_judgement j;

    (void)state;
    judge(6, 2, 4, 208, &j);
    assert_int_equal(j.shared_prefix, 4);
    assert_int_equal(j.n_candidates, 1);
    assert_int_equal(j.candidates[0].layout, TICKET_LAYOUT_JSSE);
    assert_int_equal(j.candidates[0].fit, TICKET_FIT_LIKELY);
}

static void a_version_before_the_name_is_s2ns(void **state)
{
    struct ticket_judgement j;

    (void)state;
    judge(6, 2, 17, 208, &j);
    assert_int_equal(j.candidates[0].layout, TICKET_LAYOUT_S2N);
    assert_int_equal(j.candidates[0].fit, TICKET_FIT_LIKELY);
}

/* One key each: the names tell nothing, and nothing is ruled out. */
static void no_shared_name(void **state)
{
    struct ticket_judgement j;

    (void)state;
    judge(6, 6, 16, 208, &j);
    assert_int_equal(j.shared_prefix, 0);
    assert_int_equal(j.candidates[0].layout, TICKET_LAYOUT_OPENSSL);
    assert_true(has(&j, TICKET_LAYOUT_GO_NEW));
}

static void repeated_tickets_are_counted_not_compared(void **state)
{
    uint8_t bytes[MAX];
    const struct ticket_bytes t = random_ticket(bytes, 6, 208);
    const struct ticket_bytes three[] = {t, t, t};
    struct ticket_judgement j;

    (void)state;
    ticket_layout_judge(three, 3, &j);
    assert_int_equal(j.n_repeated, 2);
    assert_int_equal(j.shared_prefix, 0);
    ticket_layout_judge(three, 0, &j);
    assert_int_equal(j.n_candidates, 0);
}

static void every_layout_has_its_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TICKET_LAYOUTS; i++) {
        assert_true(strlen(ticket_layout_word((enum ticket_layout)i)) > 1);
        assert_true(strlen(ticket_layout_stacks((enum ticket_layout)i)) > 1);
        assert_true(strlen(ticket_layout_shape((enum ticket_layout)i)) > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_has_whole_blocks),
        cmocka_unit_test(other_lengths_are_not_openssls),
        cmocka_unit_test(lengths_inside_are_certain),
        cmocka_unit_test(magic_numbers_are_certain),
        cmocka_unit_test(a_session_in_clear_and_an_identifier),
        cmocka_unit_test(a_shared_name_of_16_rules_out_shorter),
        cmocka_unit_test(a_shared_name_of_4_rules_out_longer),
        cmocka_unit_test(a_version_before_the_name_is_s2ns),
        cmocka_unit_test(no_shared_name),
        cmocka_unit_test(repeated_tickets_are_counted_not_compared),
        cmocka_unit_test(every_layout_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
