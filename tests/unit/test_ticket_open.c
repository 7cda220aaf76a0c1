#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "memory.h"
#include "ticket_kit.h"
#include "ticket_open.h"

struct fixture {
    struct ticket_cipher *cipher;
    struct kit_key key;
    struct ticket_key_file file;
};

static int set_up(void **state)
{
    struct fixture *f = memory_new(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(ticket_cipher_new(&f->cipher), RP_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ticket_key_file_fini(&f->file);
    ticket_cipher_free(&f->cipher);
    memory_free(f);
    return 0;
}

/* The key in a file: name, then the halves in this order. */
static void use(struct fixture *f, size_t len, bool hmac_first)
{
    uint8_t bytes[80];
    struct rp_error err;

    f->key = kit_key(1, len, len);
    memcpy(bytes, f->key.name, 16);
    memcpy(bytes + 16, hmac_first ? f->key.hmac : f->key.aes, len);
    memcpy(bytes + 16 + len, hmac_first ? f->key.aes : f->key.hmac, len);
    ticket_key_file_fini(&f->file);
    assert_int_equal(ticket_key_file_decode("k", bytes, 16 + 2 * len, &f->file, &err), RP_OK);
}

static enum ticket_open_end try(struct fixture *f, const uint8_t *p, size_t n,
                                struct ticket_opening *o)
{
    assert_int_equal(ticket_open(f->cipher, &f->file, 1, (struct ticket_bytes){p, n}, o), RP_OK);
    return o->end;
}

static void every_order_of_every_length(void **state)
{
    static const struct {
        size_t len;
        bool hmac_first;
        enum key_order order;
    } rows[] = {{16, false, KEY_ORDER_AH48},
                {16, true, KEY_ORDER_HA48},
                {32, true, KEY_ORDER_HA80},
                {32, false, KEY_ORDER_AH80}};

    for (size_t i = 0; i < 4; i++) {
        struct fixture *f = *state;
        uint8_t ticket[KIT_TICKET_MAX];
        uint8_t secret[48];
        struct ticket_opening o;
        size_t n;

        use(f, rows[i].len, rows[i].hmac_first);
        n = kit_ticket(&f->key, 3, ticket);
        kit_secret(3, secret);
        assert_int_equal(try(f, ticket, n, &o), TICKET_OPENED);
        assert_int_equal(o.key->order, rows[i].order);
        assert_string_equal(o.mode, rows[i].len == 16 ? "AES-128-CBC" : "AES-256-CBC");
        assert_int_equal(o.hash, TICKET_HASH_SHA256);
        assert_false(o.name_differs);
        assert_false(o.mac_is_blank);
        assert_true(o.is_session);
        assert_memory_equal(o.session.master, secret, 48);
        ticket_opening_fini(&o);
    }
}

static void every_bit_counts(void **state)
{
    struct fixture *f = *state;
    uint8_t ticket[KIT_TICKET_MAX];
    size_t n;

    use(f, 32, true);
    n = kit_ticket(&f->key, 3, ticket);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct ticket_opening o;

        ticket[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(try(f, ticket, n, &o),
                         bit < 128 ? TICKET_NAME_DIFFERS : TICKET_MAC_DIFFERS);
        assert_int_equal(o.n_plain, 0);
        ticket_opening_fini(&o);
        ticket[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < n; len++) {
        struct ticket_opening o;

        assert_int_not_equal(try(f, ticket, len, &o), TICKET_OPENED);
        ticket_opening_fini(&o);
    }
}

static void other_envelopes(void **state)
{
    static const struct kit_seal rows[] = {{"AES-256-CBC", "SHA1", true, false},
                                           {"AES-256-CBC", "SHA256", true, false},
                                           {"AES-256-CBC", "SHA384", false, false},
                                           {"AES-256-CBC", "SHA512", false, false}};
    struct fixture *f = *state;
    uint8_t session[KIT_TICKET_MAX];
    const size_t n_session = kit_session(4, session);

    use(f, 32, true);
    for (size_t i = 0; i < 4; i++) {
        uint8_t ticket[KIT_TICKET_MAX];
        uint8_t iv[16];
        struct ticket_opening o;
        size_t n;

        kit_random(5, iv, sizeof iv);
        n = kit_seal(&rows[i], &f->key, iv, session, n_session, ticket);
        assert_int_equal(try(f, ticket, n, &o), TICKET_OPENED);
        assert_true(o.is_session);
        assert_int_equal(o.n_plain, n_session);
        ticket_opening_fini(&o);
    }
}

/* SHA-512 of a seed gives name, AES and HMAC; newer Go sends no name. */
static void seeds_of_go(void **state)
{
    static const uint8_t go[] = {3, 4, 1, 0x13, 1, 0, 0, 0, 0, 0x65, 0x53, 0xf1, 0, 32, 9, 9, 9};
    struct fixture *f = *state;
    uint8_t seed[32];
    uint8_t hash[64];
    struct rp_error err;

    kit_random(6, seed, sizeof seed);
    assert_int_equal(EVP_Digest(seed, sizeof seed, hash, NULL, EVP_sha512(), NULL), 1);
    assert_int_equal(ticket_key_file_decode("seed", seed, sizeof seed, &f->file, &err), RP_OK);
    f->key = (struct kit_key){.aes_len = 16, .hmac_len = 16};
    memcpy(f->key.name, hash, 16);
    memcpy(f->key.aes, hash + 16, 16);
    memcpy(f->key.hmac, hash + 32, 16);
    for (unsigned i = 0; i < 2; i++) {
        const struct kit_seal how = {"AES-128-CTR", "SHA256", false, i == 1};
        uint8_t ticket[KIT_TICKET_MAX];
        uint8_t iv[16];
        struct ticket_opening o;
        size_t n;

        kit_random(7, iv, sizeof iv);
        n = kit_seal(&how, &f->key, iv, go, sizeof go, ticket);
        assert_int_equal(try(f, ticket, n, &o), TICKET_OPENED);
        assert_true(o.is_go);
        assert_int_equal(o.go.created_s, 0x6553f100);
        assert_string_equal(o.mode, "AES-128-CTR");
        ticket_opening_fini(&o);
    }
}

static void a_mac_made_with_zeroes(void **state)
{
    struct fixture *f = *state;
    uint8_t ticket[KIT_TICKET_MAX];
    struct ticket_opening o;
    size_t n;

    use(f, 16, true);
    memset(f->key.hmac, 0, sizeof f->key.hmac);
    n = kit_ticket(&f->key, 3, ticket);
    assert_int_equal(try(f, ticket, n, &o), TICKET_OPENED);
    assert_true(o.mac_is_blank);
    assert_int_equal(o.key->order, KEY_ORDER_HA48);
    ticket_opening_fini(&o);
}

static void another_cipher_key(void **state)
{
    struct fixture *f = *state;
    uint8_t ticket[KIT_TICKET_MAX];
    struct ticket_opening o;
    size_t n;

    use(f, 32, true);
    f->key.aes[0] ^= 1;
    n = kit_ticket(&f->key, 3, ticket);
    /* Its padding comes out by chance once in 256 times; with this seed it does not. */
    assert_int_equal(try(f, ticket, n, &o), TICKET_NOT_SEALED_SO);
    ticket_opening_fini(&o);
}

static void no_key_file(void **state)
{
    struct fixture *f = *state;
    struct rp_error err = {{0}};

    assert_int_equal(ticket_key_file_decode("k", (const uint8_t *)"hello", 5, &f->file, &err),
                     RP_FORMAT);
    assert_non_null(strstr(err.text, "k: 5 bytes are no session ticket key file"));
    assert_null(f->file.keys);
}

static void memory_runs_out(void **state)
{
    struct fixture *f = *state;
    uint8_t ticket[KIT_TICKET_MAX];
    struct ticket_opening o;
    struct ticket_cipher *c;
    struct rp_error err;
    size_t n;

    use(f, 32, true);
    n = kit_ticket(&f->key, 3, ticket);
    ticket_key_file_fini(&f->file);
    memory_fail_after(0);
    assert_int_equal(ticket_cipher_new(&c), RP_NO_MEMORY);
    assert_null(c);
    assert_int_equal(ticket_key_file_decode("k", ticket, 80, &f->file, &err), RP_NO_MEMORY);
    assert_int_equal(ticket_open(f->cipher, NULL, 0, (struct ticket_bytes){ticket, n}, &o),
                     RP_NO_MEMORY);
    memory_fail_after(-1);
    ticket_opening_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_order_of_every_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_envelopes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seeds_of_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mac_made_with_zeroes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_cipher_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_key_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_runs_out, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
