#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <endian.h>

#include <openssl/err.h>

#include "session_seal.h"

#define PLAIN_LEN 108
#define SEALED_LEN (PLAIN_LEN + SESSION_SEAL_OVERHEAD)

static const struct window_key key = {.keys = {.record = {1, 2, 3}}};
static const uint8_t id[SESSION_ID_LEN] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

struct fixture {
    struct algorithms algorithms;
    uint8_t plain[PLAIN_LEN];
    uint8_t sealed[SEALED_LEN];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    for (size_t i = 0; i < PLAIN_LEN; i++) {
        f->plain[i] = (uint8_t)(i + 1);
    }
    assert_int_equal(algorithms_init(&f->algorithms), RP_OK);
    assert_int_equal(session_seal(&f->algorithms, &key, id, f->plain, PLAIN_LEN, f->sealed), RP_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    algorithms_fini(&f->algorithms);
    free(f);
    return 0;
}

/* In blocks of their exact size; what is not accepted must leave nothing behind. */
static enum rp_verdict open_with(const struct fixture *f, const struct window_key *k,
                                 const uint8_t *session_id, const uint8_t *sealed, size_t n)
{
    const size_t room = n < SESSION_SEAL_OVERHEAD ? 0 : n - SESSION_SEAL_OVERHEAD;
    uint8_t *copy = malloc(n + 1);
    uint8_t *out = calloc(1, room + 1);
    enum rp_verdict verdict;
    size_t out_len = 12345;

    assert_non_null(copy);
    assert_non_null(out);
    memcpy(copy, sealed, n);
    copy = realloc(copy, n != 0 ? n : 1);
    out = realloc(out, room != 0 ? room : 1);
    assert_int_equal(session_open(&f->algorithms, k, session_id, copy, n, &verdict, out, &out_len),
                     RP_OK);
    if (verdict == RP_VERDICT_ACCEPTED) {
        assert_int_equal(out_len, PLAIN_LEN);
        assert_memory_equal(out, f->plain, PLAIN_LEN);
    } else {
        assert_int_equal(out_len, 0);
        for (size_t i = 0; i < room; i++) {
            assert_int_equal(out[i], 0);
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
    free(copy);
    free(out);
    return verdict;
}

static void opens_what_it_sealed(void **state)
{
    const struct fixture *f = *state;

    assert_int_equal(open_with(f, &key, id, f->sealed, SEALED_LEN), RP_VERDICT_ACCEPTED);
}

static void hides_what_it_sealed(void **state)
{
    const struct fixture *f = *state;
    uint8_t again[SEALED_LEN];

    for (size_t i = 0; i + 8 <= PLAIN_LEN; i++) {
        assert_null(memmem(f->sealed, SEALED_LEN, f->plain + i, 8));
    }
    assert_int_equal(session_seal(&f->algorithms, &key, id, f->plain, PLAIN_LEN, again), RP_OK);
    assert_memory_not_equal(again, f->sealed, 12);
    assert_memory_not_equal(again + 12, f->sealed + 12, PLAIN_LEN);
}

static void every_flipped_bit_is_forged(void **state)
{
    const struct fixture *f = *state;

    for (size_t bit = 0; bit < SEALED_LEN * 8; bit++) {
        uint8_t sealed[SEALED_LEN];

        memcpy(sealed, f->sealed, sizeof sealed);
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(open_with(f, &key, id, sealed, sizeof sealed), RP_VERDICT_FORGED);
    }
}

static void every_other_length_is_refused(void **state)
{
    const struct fixture *f = *state;
    uint8_t longer[SEALED_LEN + 1] = {0};

    for (size_t n = 0; n < SEALED_LEN; n++) {
        assert_int_equal(open_with(f, &key, id, f->sealed, n),
                         n < SESSION_SEAL_OVERHEAD ? RP_VERDICT_MALFORMED : RP_VERDICT_FORGED);
    }
    memcpy(longer, f->sealed, SEALED_LEN);
    assert_int_equal(open_with(f, &key, id, longer, sizeof longer), RP_VERDICT_FORGED);
}

static void the_session_id_is_bound(void **state)
{
    const struct fixture *f = *state;

    for (size_t bit = 0; bit < SESSION_ID_LEN * 8; bit++) {
        uint8_t other[SESSION_ID_LEN];

        memcpy(other, id, sizeof other);
        other[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(open_with(f, &key, other, f->sealed, SEALED_LEN), RP_VERDICT_FORGED);
    }
}

static void another_key_does_not_open(void **state)
{
    const struct fixture *f = *state;
    struct window_key other = key;

    other.keys.record[31] ^= 1;
    assert_int_equal(open_with(f, &other, id, f->sealed, SEALED_LEN), RP_VERDICT_FORGED);
}

/*
 * HChaCha20 by libcrypto's ChaCha20 (draft-irtf-cfrg-xchacha-03, section 2.2): the first and the
 * last row of the block's words, without the state that ChaCha20 adds at the end.
 */
static void hchacha20(const uint8_t *secret, const uint8_t *input, uint8_t out[static 32])
{
    static const uint8_t zeroes[64];
    static const char constants[] = "expand 32-byte k";
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t block[64];
    int len;

    assert_int_equal(EVP_EncryptInit_ex2(ctx, EVP_chacha20(), secret, input, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, block, &len, zeroes, sizeof zeroes), 1);
    EVP_CIPHER_CTX_free(ctx);
    for (size_t i = 0; i < 8; i++) {
        const void *added = i < 4 ? (const void *)(constants + 4 * i) : input + 4 * (i - 4);
        uint32_t word;
        uint32_t addend;

        memcpy(&word, block + (i < 4 ? 4 * i : 32 + 4 * i), sizeof word);
        memcpy(&addend, added, sizeof addend);
        word = htole32(le32toh(word) - le32toh(addend));
        memcpy(out + 4 * i, &word, sizeof word);
    }
}

/* docs/formats/session.md, step by step. */
static void its_key_is_made_as_documented(void **state)
{
    const struct fixture *f = *state;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t record_key[32];
    uint8_t plain[PLAIN_LEN];
    int len;

    hchacha20(key.keys.record, id + 4, record_key);
    assert_int_equal(
        EVP_DecryptInit_ex2(ctx, f->algorithms.aes_256_gcm, record_key, f->sealed, NULL), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, plain, &len, f->sealed + 12, PLAIN_LEN), 1);
    assert_memory_equal(plain, f->plain, PLAIN_LEN);
    EVP_CIPHER_CTX_free(ctx);
}

static void seals_nothing_and_much(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 16500};
    const struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t n = sizes[i];
        uint8_t *plain = calloc(1, n + 1);
        uint8_t *sealed = malloc(n + SESSION_SEAL_OVERHEAD);
        uint8_t *out = malloc(n + 1);
        enum rp_verdict verdict;
        size_t out_len;

        assert_true(plain != NULL && sealed != NULL && out != NULL);
        assert_int_equal(session_seal(&f->algorithms, &key, id, plain, n, sealed), RP_OK);
        assert_int_equal(session_open(&f->algorithms, &key, id, sealed, n + SESSION_SEAL_OVERHEAD,
                                      &verdict, out, &out_len),
                         RP_OK);
        assert_int_equal(verdict, RP_VERDICT_ACCEPTED);
        assert_int_equal(out_len, n);
        assert_memory_equal(out, plain, n);
        free(plain);
        free(sealed);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_it_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hides_what_it_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_forged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_other_length_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_session_id_is_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_key_does_not_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_key_is_made_as_documented, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_nothing_and_much, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
