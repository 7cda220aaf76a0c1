#include "seal.h"

#include <openssl/err.h>

#include "crypto_blocks.h"
#include "memory.h"
#include "vectors.h"

#define FILE_NAME "seal.txt"
#define PLAIN_LEN 40
#define SEALED_LEN (PLAIN_LEN + SEAL_OVERHEAD)

static const char longest_fleet[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

_Static_assert(sizeof longest_fleet - 1 == MAILBOX_FLEET_MAX, "the longest");

struct fixture {
    uint8_t secret[SEAL_SECRET_LEN];
    struct mailbox_header header; /* of a TIME */
    uint8_t plain[PLAIN_LEN];
    struct seal seal;
};

static struct fixture make_fixture(const char *fleet)
{
    struct fixture f = {.header.type = MAILBOX_TIME};

    vector_read(FILE_NAME, "secret", f.secret, sizeof f.secret);
    vector_read(FILE_NAME, "from", f.header.from.bytes, MAILBOX_ID_LEN);
    vector_read(FILE_NAME, "to", f.header.to.bytes, MAILBOX_ID_LEN);
    vector_read(FILE_NAME, "nonce", f.header.nonce.bytes, MAILBOX_ID_LEN);
    vector_read(FILE_NAME, "plain", f.plain, sizeof f.plain);
    assert_int_equal(seal_init(&f.seal, f.secret, fleet), RP_OK);
    return f;
}

static void assert_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

/* As make_fixture says, sealed. */
static void seal_one(const struct fixture *f, uint8_t message[static SEALED_LEN])
{
    assert_int_equal(seal_message(&f->seal, &f->header, f->plain, PLAIN_LEN, message), RP_OK);
}

static void assert_refused(const struct seal *s, const uint8_t *message, size_t n)
{
    struct mailbox_header header;
    uint8_t plain[SEALED_LEN];
    const size_t plain_len = n < SEAL_OVERHEAD ? 0 : n - SEAL_OVERHEAD;

    memset(plain, 1, sizeof plain);
    memset(&header, 1, sizeof header);
    assert_int_equal(seal_open(s, message, n, &header, plain), RP_FORMAT);
    assert_zero(&header, sizeof header);
    assert_zero(plain, plain_len);
}

static void check_vector(const char *name, const char *fleet, enum mailbox_type type,
                         size_t plain_len)
{
    const size_t len = plain_len + SEAL_OVERHEAD;
    struct fixture f = make_fixture(fleet);
    struct mailbox_header header;
    uint8_t expected[SEALED_LEN];
    uint8_t message[SEALED_LEN];
    uint8_t plain[PLAIN_LEN];

    f.header.type = type;
    if (type == MAILBOX_PRESENCE) {
        f.header.to = (struct mailbox_id){0};
    }
    vector_read(FILE_NAME, name, expected, len);
    assert_int_equal(seal_message(&f.seal, &f.header, f.plain, plain_len, message), RP_OK);
    assert_memory_equal(message, expected, len);
    assert_int_equal(seal_open(&f.seal, expected, len, &header, plain), RP_OK);
    assert_memory_equal(plain, f.plain, plain_len);
    assert_memory_equal(&header, &f.header, sizeof header);
    seal_fini(&f.seal);
}

static void messages_match_the_vectors(void **state)
{
    (void)state;
    check_vector("presence", "shop", MAILBOX_PRESENCE, PLAIN_LEN);
    check_vector("time", "shop", MAILBOX_TIME, 0);
    check_vector("longest", longest_fleet, MAILBOX_TIME_ANSWER, PLAIN_LEN);
}

static void psks_match_the_vectors(void **state)
{
    static const char *const names[][2] = {{"psk.shop", "shop"}, {"psk.x63", longest_fleet}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f = make_fixture(names[i][1]);
        uint8_t psk[32];

        vector_read(FILE_NAME, names[i][0], psk, sizeof psk);
        assert_memory_equal(f.seal.psk, psk, sizeof psk);
        seal_fini(&f.seal);
        assert_zero(&f.seal, sizeof f.seal);
    }
}

static void the_prologue_matches_the_vector(void **state)
{
    struct fixture f = make_fixture("shop");
    uint8_t expected[1 + 14 + 1 + 4 + MAILBOX_HEADER_LEN];
    uint8_t prologue[SEAL_PROLOGUE_MAX];

    (void)state;
    f.header.type = MAILBOX_PULL;
    vector_read(FILE_NAME, "prologue", expected, sizeof expected);
    assert_int_equal(seal_prologue(&f.seal, &f.header, prologue), sizeof expected);
    assert_memory_equal(prologue, expected, sizeof expected);
    seal_fini(&f.seal);
}

static void the_longest_prologue(void **state)
{
    struct fixture f = make_fixture(longest_fleet);
    uint8_t prologue[SEAL_PROLOGUE_MAX];

    (void)state;
    assert_int_equal(seal_prologue(&f.seal, &f.header, prologue), sizeof prologue);
    seal_fini(&f.seal);
}

static void a_fleet_has_1_to_63_bytes(void **state)
{
    static const uint8_t secret[SEAL_SECRET_LEN];
    char too_long[MAILBOX_FLEET_MAX + 2] = "";
    struct seal s;

    (void)state;
    memset(too_long, 'x', MAILBOX_FLEET_MAX + 1);
    assert_int_equal(seal_init(&s, secret, ""), RP_INVALID);
    assert_int_equal(seal_init(&s, secret, too_long), RP_INVALID);
    assert_zero(&s, sizeof s);
}

static void every_bit_counts(void **state)
{
    struct fixture f = make_fixture("shop");
    struct mailbox_header header;
    uint8_t message[SEALED_LEN];
    uint8_t plain[PLAIN_LEN];

    (void)state;
    seal_one(&f, message);
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(&f.seal, message, sizeof message);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(seal_open(&f.seal, message, sizeof message, &header, plain), RP_OK);
    assert_int_equal(ERR_peek_error(), 0);
    seal_fini(&f.seal);
}

static void another_length(void **state)
{
    struct fixture f = make_fixture("shop");
    uint8_t message[SEALED_LEN + 1] = {0};

    (void)state;
    seal_one(&f, message);
    for (size_t n = 0; n <= sizeof message; n++) {
        if (n != SEALED_LEN) {
            assert_refused(&f.seal, message, n);
        }
    }
    seal_fini(&f.seal);
}

/* The ciphertext of one message under the header of another. */
static void assert_bound(const struct fixture *f, const struct mailbox_header *other)
{
    uint8_t message[SEALED_LEN];

    seal_one(f, message);
    mailbox_header_encode(other, message);
    assert_refused(&f->seal, message, sizeof message);
}

static void another_header(void **state)
{
    struct fixture f = make_fixture("shop");
    struct mailbox_header other = f.header;

    (void)state;
    other.type = MAILBOX_TIME_ANSWER;
    assert_bound(&f, &other);
    other = f.header;
    other.from = f.header.to;
    assert_bound(&f, &other);
    other = f.header;
    other.to = f.header.from;
    assert_bound(&f, &other);
    other = f.header;
    other.nonce.bytes[0]++;
    assert_bound(&f, &other);
    seal_fini(&f.seal);
}

static void another_fleet(void **state)
{
    struct fixture f = make_fixture("shop");
    struct fixture other = make_fixture("shops");
    uint8_t message[SEALED_LEN];

    (void)state;
    seal_one(&f, message);
    assert_refused(&other.seal, message, sizeof message);
    seal_fini(&f.seal);
    seal_fini(&other.seal);
}

static void another_secret(void **state)
{
    struct fixture f = make_fixture("shop");
    uint8_t message[SEALED_LEN];
    struct seal other;

    (void)state;
    seal_one(&f, message);
    f.secret[0] ^= 1;
    assert_int_equal(seal_init(&other, f.secret, "shop"), RP_OK);
    assert_refused(&other, message, sizeof message);
    assert_memory_not_equal(other.psk, f.seal.psk, sizeof other.psk);
    seal_fini(&f.seal);
    seal_fini(&other);
}

/* Two messages have no key in common: their difference is not that of their plaintexts. */
static void a_key_for_each_message(void **state)
{
    struct fixture f = make_fixture("shop");
    uint8_t one[SEALED_LEN];
    uint8_t two[SEALED_LEN];

    (void)state;
    seal_one(&f, one);
    f.header.nonce.bytes[15]++;
    seal_one(&f, two);
    assert_memory_not_equal(one + MAILBOX_HEADER_LEN, two + MAILBOX_HEADER_LEN, PLAIN_LEN);
    seal_fini(&f.seal);
}

static void a_message_fits_in_a_value(void **state)
{
    static uint8_t message[MAILBOX_MESSAGE_MAX + 1];
    static uint8_t plain[MAILBOX_MESSAGE_MAX + 1];
    const size_t most = MAILBOX_MESSAGE_MAX - SEAL_OVERHEAD;
    struct fixture f = make_fixture("shop");
    struct mailbox_header header;

    (void)state;
    assert_int_equal(seal_message(&f.seal, &f.header, plain, most + 1, message), RP_INVALID);
    assert_int_equal(seal_message(&f.seal, &f.header, plain, most, message), RP_OK);
    assert_int_equal(seal_open(&f.seal, message, sizeof message, &header, plain), RP_FORMAT);
    assert_int_equal(seal_open(&f.seal, message, MAILBOX_MESSAGE_MAX, &header, plain), RP_OK);
    seal_fini(&f.seal);
}

static void no_memory_to_begin(void **state)
{
    static const uint8_t secret[SEAL_SECRET_LEN];
    enum rp_status status = RP_CRYPTO;
    struct seal s;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = seal_init(&s, secret, "shop");
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_CRYPTO);
            assert_zero(&s, sizeof s);
        }
        assert_in_range(n, 0, 1000);
    }
    seal_fini(&s);
    ERR_clear_error();
}

static void no_memory_to_seal(void **state)
{
    struct fixture f = make_fixture("shop");
    enum rp_status status = RP_CRYPTO;
    uint8_t message[SEALED_LEN];

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = seal_message(&f.seal, &f.header, f.plain, PLAIN_LEN, message);
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_CRYPTO);
        assert_in_range(n, 0, 1000);
    }
    seal_fini(&f.seal);
    ERR_clear_error();
}

static void no_memory_to_open(void **state)
{
    struct fixture f = make_fixture("shop");
    enum rp_status status = RP_CRYPTO;
    struct mailbox_header header;
    uint8_t message[SEALED_LEN];
    uint8_t plain[PLAIN_LEN];

    (void)state;
    seal_one(&f, message);
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = seal_open(&f.seal, message, sizeof message, &header, plain);
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_CRYPTO);
            assert_zero(&header, sizeof header);
            assert_zero(plain, sizeof plain);
        }
        assert_in_range(n, 0, 1000);
    }
    assert_memory_equal(plain, f.plain, sizeof plain);
    seal_fini(&f.seal);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_match_the_vectors),
        cmocka_unit_test(psks_match_the_vectors),
        cmocka_unit_test(the_prologue_matches_the_vector),
        cmocka_unit_test(the_longest_prologue),
        cmocka_unit_test(a_fleet_has_1_to_63_bytes),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(another_length),
        cmocka_unit_test(another_header),
        cmocka_unit_test(another_fleet),
        cmocka_unit_test(another_secret),
        cmocka_unit_test(a_key_for_each_message),
        cmocka_unit_test(a_message_fits_in_a_value),
        cmocka_unit_test(no_memory_to_begin),
        cmocka_unit_test(no_memory_to_seal),
        cmocka_unit_test(no_memory_to_open),
    };

    return cmocka_run_group_tests(tests, crypto_blocks_set_up, NULL);
}
