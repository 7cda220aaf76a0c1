#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "structure.h"
#include "ticket_audit.h"
#include "ticket_kit.h"
#include "weak_keys.h"

#define MAX_TICKETS 8

struct samples {
    uint8_t bytes[MAX_TICKETS][KIT_TICKET_MAX];
    uint8_t secrets[MAX_TICKETS][48];
    struct ticket_sample of[MAX_TICKETS];
    size_t n;
};

static void add(struct samples *s, const struct kit_key *key, uint32_t seed)
{
    s->of[s->n].ticket =
        (struct ticket_bytes){s->bytes[s->n], kit_ticket(key, seed, s->bytes[s->n])};
    s->n++;
}

static struct ticket_audit *audit(const struct samples *s)
{
    struct ticket_audit *a;

    assert_int_equal(ticket_audit_run(s->of, s->n, NULL, &a), RP_OK);
    assert_int_equal(a->n_tickets, s->n);
    return a;
}

static bool has(const struct ticket_audit *a, enum ticket_finding_kind kind, const char *evidence)
{
    for (size_t i = 0; i < a->n_findings; i++) {
        if (a->findings[i].kind == kind && strstr(a->findings[i].evidence, evidence) != NULL) {
            return true;
        }
    }
    return false;
}

static void random_keys_give_nothing(void **state)
{
    struct samples s = {.n = 0};
    const struct kit_key key = kit_key(1, 32, 32);
    struct ticket_audit *a;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        add(&s, &key, i);
    }
    a = audit(&s);
    assert_int_equal(a->n_findings, 0);
    assert_false(ticket_audit_is_bad(a));
    assert_int_equal(a->n_pairs, 6);
    assert_int_equal(a->n_different, 4);
    assert_true(a->n_cipher_keys > 1000 && a->n_mac_keys > 1000);
    ticket_audit_free(&a);
    assert_null(a);
}

static void zero_keys(void **state)
{
    struct samples s = {.n = 0};
    struct kit_key key = kit_key(1, 32, 32);
    struct ticket_audit *a;

    (void)state;
    memset(key.aes, 0, sizeof key.aes);
    memset(key.hmac, 0, sizeof key.hmac);
    add(&s, &key, 1);
    add(&s, &key, 2);
    a = audit(&s);
    assert_true(ticket_audit_is_bad(a));
    assert_int_equal(a->n_findings, 2); /* the same of two tickets is one finding */
    assert_int_equal(a->findings[0].n_tickets, 2);
    assert_true(has(a, TICKET_FINDING_WEAK_KEY, "all bytes 00"));
    assert_true(has(a, TICKET_FINDING_WEAK_KEY, "AES-256-CBC, IV at byte 16"));
    assert_true(has(a, TICKET_FINDING_WEAK_KEY, "HMAC-SHA256 verifies"));
    ticket_audit_free(&a);
}

/* What random bytes cannot look like, and what a session by itself is not. */
static void a_session_in_clear(void **state)
{
    struct samples s = {.n = 1};
    struct ticket_audit *a;
    size_t n;

    (void)state;
    kit_random(3, s.bytes[0], 32);
    n = kit_session(1, s.bytes[1]);
    memcpy(s.bytes[0] + 20, s.bytes[1], n);
    s.of[0].ticket = (struct ticket_bytes){s.bytes[0], 20 + n};
    a = audit(&s);
    assert_true(has(a, TICKET_FINDING_PLAIN, "in clear at byte 20"));
    ticket_audit_free(&a);
}

static void a_secret_in_clear_and_in_a_difference(void **state)
{
    struct samples s = {.n = 2};
    uint8_t stream[200];
    struct ticket_audit *a;

    (void)state;
    kit_random(99, stream, sizeof stream);
    for (unsigned i = 0; i < 2; i++) {
        kit_random(100 + i, s.bytes[i], 16);
        kit_random(200 + i, s.secrets[i], 48);
        for (size_t k = 0; k < 150; k++) {
            s.bytes[i][16 + k] =
                stream[k] ^ (k >= 30 && k < 78 ? s.secrets[i][k - 30] : (uint8_t)(k * 7 + i));
        }
        s.of[i].ticket = (struct ticket_bytes){s.bytes[i], 166};
        s.of[i].secrets[1] = (struct ticket_bytes){s.secrets[i], 48};
    }
    a = audit(&s);
    assert_true(has(a, TICKET_FINDING_KEYSTREAM, "at byte 46"));
    ticket_audit_free(&a);
    memcpy(s.bytes[1] + 70, s.secrets[1], 48);
    a = audit(&s);
    assert_true(has(a, TICKET_FINDING_PLAIN, "at byte 70"));
    ticket_audit_free(&a);
}

static void short_and_empty_tickets(void **state)
{
    struct samples s = {.n = 3};
    struct ticket_audit *a;

    (void)state;
    for (size_t n = 0; n < 70; n++) {
        kit_random(n != 0 ? (uint32_t)n : 1, s.bytes[0], 80);
        kit_random(500, s.bytes[1], 80);
        s.of[0].ticket = (struct ticket_bytes){s.bytes[0], n};
        s.of[1].ticket = (struct ticket_bytes){s.bytes[1], 80 - n};
        s.of[2].ticket = (struct ticket_bytes){NULL, 0};
        if (n % 7 == 0) {
            a = audit(&s);
            assert_false(ticket_audit_is_bad(a));
            ticket_audit_free(&a);
        }
    }
    assert_int_equal(ticket_audit_run(NULL, 0, NULL, &a), RP_OK);
    assert_int_equal(a->n_findings, 0);
    ticket_audit_free(&a);
}

static void repeated_and_blank_names_are_notes(void **state)
{
    struct samples s = {.n = 0};
    struct kit_key key = kit_key(1, 32, 32);
    struct ticket_audit *a;

    (void)state;
    memset(key.name, 0, sizeof key.name);
    add(&s, &key, 1);
    add(&s, &key, 1);
    a = audit(&s);
    assert_true(has(a, TICKET_FINDING_REPEATED, "twice"));
    assert_true(has(a, TICKET_FINDING_BLANK_NAME, "all 00"));
    assert_false(ticket_audit_is_bad(a));
    assert_int_equal(a->n_different, 1);
    ticket_audit_free(&a);
}

static void count_key(void *cookie, size_t n_done, size_t n_all)
{
    size_t *n = cookie;

    assert_int_equal(n_done, ++*n);
    assert_true(n_done <= n_all);
}

static void who_looks_on_is_told_of_every_key(void **state)
{
    size_t n = 0;
    const struct ticket_audit_observer observer = {&n, count_key};
    struct weak_keys *keys;
    struct ticket_audit *a;

    (void)state;
    assert_int_equal(ticket_audit_run(NULL, 0, &observer, &a), RP_OK);
    assert_int_equal(weak_keys_new(&keys), RP_OK);
    assert_int_equal(n, keys->n);
    weak_keys_free(&keys);
    ticket_audit_free(&a);
}

static void every_key_is_there_once(void **state)
{
    struct weak_keys *keys;
    size_t n_mac = 0;

    (void)state;
    assert_int_equal(weak_keys_new(&keys), RP_OK);
    assert_true(structure_is_constant(keys->keys[0].bytes, 32));
    for (size_t i = 0; i < keys->n; i++) {
        const struct weak_key *k = &keys->keys[i];

        assert_true(k->len == 16 || k->len == 20 || k->len == 32);
        assert_true(k->text[0] != '\0' && k->source[0] != '\0');
        n_mac += !k->same_mac;
        for (size_t j = i + 1; j < keys->n && j < i + 200; j++) {
            assert_false(keys->keys[j].len == k->len &&
                         memcmp(keys->keys[j].bytes, k->bytes, k->len) == 0);
        }
    }
    assert_int_equal(n_mac, keys->n_mac);
    weak_keys_free(&keys);
    assert_null(keys);
}

static void memory_runs_out(void **state)
{
    struct samples s = {.n = 0};
    struct kit_key key = kit_key(1, 32, 32);
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    memset(key.aes, 0, sizeof key.aes);
    add(&s, &key, 1);
    while (status == RP_NO_MEMORY) {
        struct ticket_audit *a;

        memory_fail_after(n++);
        status = ticket_audit_run(s.of, s.n, NULL, &a);
        memory_fail_after(-1);
        assert_int_equal(a != NULL, status == RP_OK);
        ticket_audit_free(&a);
        assert_true(n < 100);
    }
    assert_int_equal(status, RP_OK);
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_give_nothing),
        cmocka_unit_test(zero_keys),
        cmocka_unit_test(a_session_in_clear),
        cmocka_unit_test(a_secret_in_clear_and_in_a_difference),
        cmocka_unit_test(short_and_empty_tickets),
        cmocka_unit_test(repeated_and_blank_names_are_notes),
        cmocka_unit_test(who_looks_on_is_told_of_every_key),
        cmocka_unit_test(every_key_is_there_once),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
