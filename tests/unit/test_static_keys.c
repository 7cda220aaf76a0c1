#include "static_keys.h"

#include <sys/stat.h>

#include "key_files.h"

struct fixture {
    struct key_files files;
    struct stek keys[STATIC_KEYS_MAX];
    struct rp_error err;
};

static int setup(void **state)
{
    return key_files_begin(state, sizeof(struct fixture));
}

/* Says the file, what is wrong and, where given, what to do; and leaves no key behind. */
static void assert_refused(struct fixture *f, size_t n, enum rp_status expected, const char *path,
                           const char *says)
{
    static const struct stek nothing[STATIC_KEYS_MAX];

    memset(f->keys, 0xaa, n * sizeof f->keys[0]);
    assert_int_equal(static_keys_read(f->files.list, n, f->keys, &f->err), expected);
    assert_non_null(strstr(f->err.text, path));
    if (strstr(f->err.text, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, says);
    }
    assert_memory_equal(f->keys, nothing, n * sizeof f->keys[0]);
}

static void both_lengths_are_read_in_nginx_order(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[80];
    FILE *file;

    key_files_random(&f->files, 0, 48, 1);
    key_files_random(&f->files, 1, 80, 2);
    assert_int_equal(static_keys_read(f->files.list, 2, f->keys, &f->err), RP_OK);
    assert_int_equal(f->keys[0].key_len, 16);
    assert_int_equal(f->keys[1].key_len, 32);

    file = fopen(f->files.paths[0], "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 48);
    (void)fclose(file);
    assert_memory_equal(f->keys[0].name, bytes, 16);
    assert_memory_equal(f->keys[0].aes, bytes + 16, 16);
    assert_memory_equal(f->keys[0].hmac, bytes + 32, 16);

    file = fopen(f->files.paths[1], "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 80);
    (void)fclose(file);
    assert_memory_equal(f->keys[1].name, bytes, 16);
    assert_memory_equal(f->keys[1].hmac, bytes + 16, 32);
    assert_memory_equal(f->keys[1].aes, bytes + 48, 32);
}

static void every_other_length_is_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n <= 100; n++) {
        if (n != 48 && n != 80) {
            key_files_random(&f->files, 0, n, 3);
            assert_refused(f, 1, RP_FORMAT, f->files.paths[0], "has 48 or 80");
        }
    }
    key_files_random(&f->files, 0, 79, 3);
    assert_refused(f, 1, RP_FORMAT, f->files.paths[0], "79 bytes");
    key_files_random(&f->files, 0, 100, 3);
    assert_refused(f, 1, RP_FORMAT, f->files.paths[0], "more than 80 bytes");
}

static void what_cannot_be_read_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, 1, RP_SYSTEM, f->files.paths[0], "No such file");
    assert_int_equal(mkfifo(f->files.paths[0], 0600), 0);
    assert_refused(f, 1, RP_SYSTEM, f->files.paths[0], "not a regular file");
    f->files.list[0] = f->files.folder;
    assert_refused(f, 1, RP_SYSTEM, f->files.folder, "not a regular file");
}

static void weak_keys_are_refused_with_the_remedy(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[80] = {0};

    key_files_random(&f->files, 0, 80, 4);
    key_files_write(&f->files, 1, bytes, 80);
    assert_refused(f, 2, RP_WEAK_KEY, f->files.paths[1], "weak AES key: all its bytes are zero");
    assert_refused(f, 2, RP_WEAK_KEY, f->files.paths[1], "openssl rand 80");
    for (unsigned i = 0; i < 48; i++) {
        bytes[i] = (uint8_t)(i * i * 37 + i / 7 * 11);
    }
    memset(bytes + 32, 0x41, 16);
    key_files_write(&f->files, 1, bytes, 48);
    assert_refused(f, 2, RP_WEAK_KEY, f->files.paths[1], "weak HMAC key");
}

static void a_name_that_appears_twice_is_refused(void **state)
{
    struct fixture *f = *state;

    key_files_random(&f->files, 0, 48, 5);
    key_files_random(&f->files, 1, 80, 5);
    assert_refused(f, 2, RP_INVALID, f->files.paths[1], f->files.paths[0]);
}

static void no_error_need_be_given(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(static_keys_read(f->files.list, 1, f->keys, NULL), RP_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_lengths_are_read_in_nginx_order, setup, key_files_end),
        cmocka_unit_test_setup_teardown(every_other_length_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(weak_keys_are_refused_with_the_remedy, setup,
                                        key_files_end),
        cmocka_unit_test_setup_teardown(a_name_that_appears_twice_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(no_error_need_be_given, setup, key_files_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
