#include "derive.h"

#include "vectors.h"

#define FILE_NAME "keyring.txt"

static void assert_vector(const char *name, const uint8_t *p, size_t n)
{
    uint8_t expected[64];

    vector_read(FILE_NAME, name, expected, n);
    assert_memory_equal(p, expected, n);
}

static void domain_ids_match_the_vectors(void **state)
{
    uint8_t id[DERIVE_DOMAIN_LEN];
    char longest[256] = "";

    (void)state;
    assert_int_equal(derive_domain_id("shop", id), RP_OK);
    assert_vector("domain.shop", id, sizeof id);
    memset(longest, 'x', 255);
    assert_int_equal(derive_domain_id(longest, id), RP_OK);
    assert_vector("domain.x255", id, sizeof id);
}

static void a_domain_has_1_to_255_bytes(void **state)
{
    uint8_t id[DERIVE_DOMAIN_LEN];
    char too_long[257] = "";

    (void)state;
    memset(too_long, 'x', 256);
    assert_int_equal(derive_domain_id("", id), RP_INVALID);
    assert_int_equal(derive_domain_id(too_long, id), RP_INVALID);
}

static void domain_keys_match_the_vectors(void **state)
{
    uint8_t root[DERIVE_ROOT_LEN];
    uint8_t domain[DERIVE_DOMAIN_LEN];
    struct domain_keys keys;

    (void)state;
    vector_read(FILE_NAME, "root", root, sizeof root);
    vector_read(FILE_NAME, "domain.shop", domain, sizeof domain);
    assert_int_equal(derive_domain_keys(root, domain, &keys), RP_OK);
    assert_int_equal(keys.stek.key_len, 32);
    assert_vector("name", keys.stek.name, 16);
    assert_vector("aes", keys.stek.aes, 32);
    assert_vector("hmac", keys.stek.hmac, 32);
    assert_vector("record", keys.record, 32);
    assert_vector("id_mac", keys.id_mac, 32);
    assert_vector("id_hint", keys.id_hint, 4);
}

/* The long key of the vectors. */
static struct stek long_stek(void)
{
    struct stek stek = {.key_len = 32};

    vector_read(FILE_NAME, "name", stek.name, 16);
    vector_read(FILE_NAME, "aes", stek.aes, 32);
    vector_read(FILE_NAME, "hmac", stek.hmac, 32);
    return stek;
}

static void short_stek_matches_the_vectors(void **state)
{
    static const uint8_t zeroes[16];
    const struct stek from = long_stek();
    struct stek stek;

    (void)state;
    assert_int_equal(derive_short_stek(&from, &stek), RP_OK);
    assert_int_equal(stek.key_len, 16);
    assert_vector("short.name", stek.name, 16);
    assert_vector("short.aes", stek.aes, 16);
    assert_vector("short.hmac", stek.hmac, 16);
    assert_memory_equal(stek.aes + 16, zeroes, 16);
    assert_memory_equal(stek.hmac + 16, zeroes, 16);
}

static void fillers_match_the_vectors(void **state)
{
    const struct stek from = long_stek();
    struct stek shorter;
    struct stek stek;

    (void)state;
    assert_int_equal(derive_filler_stek(&from, &stek), RP_OK);
    assert_int_equal(stek.key_len, 32);
    assert_vector("filler.name", stek.name, 16);
    assert_vector("filler.aes", stek.aes, 32);
    assert_vector("filler.hmac", stek.hmac, 32);
    assert_int_equal(derive_short_stek(&from, &shorter), RP_OK);
    assert_int_equal(derive_filler_stek(&shorter, &stek), RP_OK);
    assert_int_equal(stek.key_len, 16);
    assert_vector("short_filler.name", stek.name, 16);
    assert_vector("short_filler.aes", stek.aes, 16);
    assert_vector("short_filler.hmac", stek.hmac, 16);
}

static void a_short_stek_comes_from_a_long_one_only(void **state)
{
    struct stek from = long_stek();
    struct stek stek;

    (void)state;
    from.key_len = 16;
    assert_int_equal(derive_short_stek(&from, &stek), RP_INVALID);
    from.key_len = 24;
    assert_int_equal(derive_filler_stek(&from, &stek), RP_INVALID);
}

/* The file's own key as it is, the rest derived. */
static void check_static(const char *prefix, uint8_t key_len)
{
    static const char *const names[] = {"record", "id_mac", "id_hint"};
    char name[3][32];
    char stek_name[32];
    struct text t = text_of(stek_name, sizeof stek_name);
    uint8_t bytes[16 + 64];
    uint8_t domain[DERIVE_DOMAIN_LEN];
    struct stek stek = {.key_len = key_len};
    struct domain_keys keys;

    text_addf(&t, "%s.stek", prefix);
    for (size_t i = 0; i < 3; i++) {
        t = text_of(name[i], sizeof name[i]);
        text_addf(&t, "%s.%s", prefix, names[i]);
    }
    vector_read(FILE_NAME, "domain.shop", domain, sizeof domain);
    vector_read(FILE_NAME, stek_name, bytes, 16 + 2 * (size_t)key_len);
    memcpy(stek.name, bytes, 16);
    memcpy(stek.aes, bytes + 16, key_len);
    memcpy(stek.hmac, bytes + 16 + key_len, key_len);
    assert_int_equal(derive_static_keys(&stek, domain, &keys), RP_OK);
    assert_memory_equal(&keys.stek, &stek, sizeof stek);
    assert_vector(name[0], keys.record, 32);
    assert_vector(name[1], keys.id_mac, 32);
    assert_vector(name[2], keys.id_hint, 4);
}

static void static_keys_match_the_vectors(void **state)
{
    (void)state;
    check_static("static16", 16);
    check_static("static32", 32);
}

static void a_stek_of_another_length_is_refused(void **state)
{
    static const uint8_t domain[DERIVE_DOMAIN_LEN];
    const struct stek stek = {.key_len = 24};
    struct domain_keys keys;

    (void)state;
    assert_int_equal(derive_static_keys(&stek, domain, &keys), RP_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domain_ids_match_the_vectors),
        cmocka_unit_test(a_domain_has_1_to_255_bytes),
        cmocka_unit_test(domain_keys_match_the_vectors),
        cmocka_unit_test(short_stek_matches_the_vectors),
        cmocka_unit_test(fillers_match_the_vectors),
        cmocka_unit_test(a_short_stek_comes_from_a_long_one_only),
        cmocka_unit_test(static_keys_match_the_vectors),
        cmocka_unit_test(a_stek_of_another_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
