#include "ratchet.h"

#include "vectors.h"

#define FILE_NAME "keyring.txt"

static void chain_and_roots_match_the_vectors(void **state)
{
    static const char *const roots[] = {"root.0", "root.1", "root.2"};
    static const char *const chains[] = {"chain.1", "chain.2", "chain.3"};
    uint8_t ring_id[RATCHET_ID_LEN];
    uint8_t chain[RATCHET_LEN];

    (void)state;
    vector_read(FILE_NAME, "ring_id", ring_id, sizeof ring_id);
    vector_read(FILE_NAME, "chain.0", chain, sizeof chain);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        uint8_t expected[RATCHET_LEN];
        uint8_t root[RATCHET_LEN];

        vector_read(FILE_NAME, roots[epoch], expected, sizeof expected);
        assert_int_equal(ratchet_root(chain, ring_id, epoch, root), RP_OK);
        assert_memory_equal(root, expected, sizeof root);
        vector_read(FILE_NAME, chains[epoch], expected, sizeof expected);
        assert_int_equal(ratchet_next(chain, ring_id, epoch), RP_OK);
        assert_memory_equal(chain, expected, sizeof chain);
    }
}

static void all_bytes_of_the_epoch_count(void **state)
{
    uint8_t ring_id[RATCHET_ID_LEN];
    uint8_t chain[RATCHET_LEN];
    uint8_t expected[RATCHET_LEN];
    uint8_t root[RATCHET_LEN];

    (void)state;
    vector_read(FILE_NAME, "ring_id", ring_id, sizeof ring_id);
    vector_read(FILE_NAME, "chain.0", chain, sizeof chain);
    vector_read(FILE_NAME, "root.0123456789abcdef", expected, sizeof expected);
    assert_int_equal(ratchet_root(chain, ring_id, UINT64_C(0x0123456789abcdef), root), RP_OK);
    assert_memory_equal(root, expected, sizeof root);
}

static void another_ring_has_another_chain(void **state)
{
    const uint8_t rings[2][RATCHET_ID_LEN] = {{1}, {2}};
    uint8_t chains[2][RATCHET_LEN] = {{0}};

    (void)state;
    assert_int_equal(ratchet_next(chains[0], rings[0], 7), RP_OK);
    assert_int_equal(ratchet_next(chains[1], rings[1], 7), RP_OK);
    assert_memory_not_equal(chains[0], chains[1], RATCHET_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_and_roots_match_the_vectors),
        cmocka_unit_test(all_bytes_of_the_epoch_count),
        cmocka_unit_test(another_ring_has_another_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
