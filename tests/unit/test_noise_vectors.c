/* Exchanges that another implementation has made, byte by byte. */
#include "noise.h"

#include "noise_core.h"
#include "vectors.h"

#define FILE_NAME "noise.txt"
#define PAYLOAD_MAX 1000
#define MESSAGE_MAX (PAYLOAD_MAX + NOISE_OVERHEAD)

static EVP_PKEY *key_of(const uint8_t private[static 32])
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
}

struct vector {
    uint8_t psk[NOISE_PSK_LEN];
    uint8_t prologue[127];
    uint8_t ask_e[32];
    uint8_t ask_payload[PAYLOAD_MAX];
    uint8_t ask[MESSAGE_MAX];
    uint8_t answer_e[32];
    uint8_t answer_payload[PAYLOAD_MAX];
    uint8_t answer[MESSAGE_MAX];
};

static void read_field(const char *vector, const char *field, uint8_t *out, size_t n)
{
    char name[64];
    struct text t = text_of(name, sizeof name);

    if (n != 0) {
        text_addf(&t, "%s.%s", vector, field);
        vector_read(FILE_NAME, name, out, n);
    }
}

static void check_vector(const char *name, size_t prologue_len, size_t ask_len, size_t answer_len)
{
    const size_t first_len = ask_len + NOISE_OVERHEAD;
    const size_t second_len = answer_len + NOISE_OVERHEAD;
    struct vector v = {0};
    struct noise asker;
    struct noise asked;
    uint8_t message[MESSAGE_MAX];
    uint8_t payload[PAYLOAD_MAX];

    read_field(name, "psk", v.psk, sizeof v.psk);
    read_field(name, "prologue", v.prologue, prologue_len);
    read_field(name, "ask.e", v.ask_e, sizeof v.ask_e);
    read_field(name, "ask.payload", v.ask_payload, ask_len);
    read_field(name, "ask", v.ask, first_len);
    read_field(name, "answer.e", v.answer_e, sizeof v.answer_e);
    read_field(name, "answer.payload", v.answer_payload, answer_len);
    read_field(name, "answer", v.answer, second_len);

    assert_int_equal(noise_ask_with(&asker, key_of(v.ask_e), v.psk, v.prologue, prologue_len,
                                    v.ask_payload, ask_len, message),
                     RP_OK);
    assert_memory_equal(message, v.ask, first_len);
    assert_int_equal(noise_hear(&asked, v.psk, v.prologue, prologue_len, v.ask, first_len, payload),
                     RP_OK);
    assert_memory_equal(payload, v.ask_payload, ask_len);
    assert_int_equal(
        noise_answer_with(&asked, key_of(v.answer_e), v.answer_payload, answer_len, message),
        RP_OK);
    assert_memory_equal(message, v.answer, second_len);
    assert_int_equal(noise_finish(&asker, v.answer, second_len, payload), RP_OK);
    assert_memory_equal(payload, v.answer_payload, answer_len);
}

static void exchanges_match_the_vectors(void **state)
{
    (void)state;
    check_vector("plain", 78, 16, 100);
    check_vector("long", 127, 16, 1000);
}

static void nothing_to_say_matches_the_vector(void **state)
{
    (void)state;
    check_vector("bare", 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_match_the_vectors),
        cmocka_unit_test(nothing_to_say_matches_the_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
