#include "fleet_secret_file.h"

#include <sys/stat.h>

#include "key_files.h"

static const char good[] = "reprise-fleet-secret-1:"
                           "17tg73v73mwqfe4yhcxvz6gkhnzqfh6q45yeetamwgpcje0f3cw9ntekw8\n";

struct fixture {
    struct key_files files;
    struct fleet_secrets secrets;
    struct rp_error err;
};

static int setup(void **state)
{
    const struct fixture *f;

    if (key_files_begin(state, sizeof *f) != 0) {
        return -1;
    }
    f = *state;
    key_files_write(&f->files, 0, good, sizeof good - 1);
    assert_int_equal(chmod(f->files.paths[0], 0600), 0);
    return 0;
}

static void expect_refused(struct fixture *f, const char *path, enum rp_status expected,
                           const char *says)
{
    static const struct fleet_secrets nothing;

    memset(&f->secrets, 0xaa, sizeof f->secrets);
    assert_int_equal(fleet_secret_file_read(path, &f->secrets, &f->err), expected);
    assert_memory_equal(&f->secrets, &nothing, sizeof nothing);
    assert_ptr_equal(strstr(f->err.text, path), f->err.text);
    if (strstr(f->err.text, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, says);
    }
}

static void a_file_of_ones_own_is_read(void **state)
{
    struct fixture *f = *state;
    static const mode_t modes[] = {0600, 0400, 0700};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(f->files.paths[0], modes[i]), 0);
        assert_int_equal(fleet_secret_file_read(f->files.paths[0], &f->secrets, &f->err), RP_OK);
        assert_int_equal(f->secrets.n, 1);
        assert_memory_equal(f->secrets.secret[0], "\x09\xf5\x03\x8f", 4);
    }
}

static void a_link_to_it_will_do(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(symlink(f->files.paths[0], f->files.paths[1]), 0);
    assert_int_equal(fleet_secret_file_read(f->files.paths[1], &f->secrets, &f->err), RP_OK);
}

static void access_of_others_is_refused(void **state)
{
    struct fixture *f = *state;

    for (mode_t bit = 01; bit <= 040; bit <<= 1) {
        assert_int_equal(chmod(f->files.paths[0], 0600 | bit), 0);
        expect_refused(f, f->files.paths[0], RP_SYSTEM, "chmod 600");
    }
    assert_int_equal(chmod(f->files.paths[0], 0644), 0);
    expect_refused(f, f->files.paths[0], RP_SYSTEM, "mode 0644 gives others access");
}

static void a_file_of_another_user_is_refused(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0) {
        skip(); /* only root can give files away */
    }
    assert_int_equal(chown(f->files.paths[0], 1, 0), 0);
    expect_refused(f, f->files.paths[0], RP_SYSTEM, "belongs to user 1");
    assert_int_equal(seteuid(1), 0); /* now it is one's own; the folder is not */
    assert_int_equal(fleet_secret_file_read(f->files.paths[0], &f->secrets, &f->err), RP_SYSTEM);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(f->files.folder, 0755), 0);
    assert_int_equal(seteuid(1), 0);
    assert_int_equal(fleet_secret_file_read(f->files.paths[0], &f->secrets, &f->err), RP_OK);
    assert_int_equal(seteuid(0), 0);
}

static void what_is_no_file_is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, f->files.paths[2], RP_SYSTEM, "No such file");
    expect_refused(f, f->files.folder, RP_SYSTEM, "not a regular file");
    expect_refused(f, "/dev/null", RP_SYSTEM, "not a regular file");
    assert_int_equal(mkfifo(f->files.paths[3], 0600), 0);
    expect_refused(f, f->files.paths[3], RP_SYSTEM, "not a regular file");
    assert_int_equal(symlink(f->files.paths[5], f->files.paths[4]), 0);
    expect_refused(f, f->files.paths[4], RP_SYSTEM, "No such file");
}

static void what_is_wrong_inside_is_told_with_its_line(void **state)
{
    struct fixture *f = *state;
    char long_text[FLEET_SECRET_FILE_MAX + 100];
    char expected[160];
    struct text t = text_of(expected, sizeof expected);

    key_files_write(&f->files, 0, "# x\n\nswordfish\n", 15);
    text_addf(&t, "%s:3: not a fleet secret", f->files.paths[0]);
    expect_refused(f, f->files.paths[0], RP_FORMAT, expected);
    key_files_write(&f->files, 0, "", 0);
    expect_refused(f, f->files.paths[0], RP_FORMAT, "no fleet secret in it");
    memset(long_text, '#', sizeof long_text);
    key_files_write(&f->files, 0, long_text, sizeof long_text);
    expect_refused(f, f->files.paths[0], RP_FULL, "more than 4096 bytes");
}

static void no_error_need_be_given(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fleet_secret_file_read(f->files.paths[2], &f->secrets, NULL), RP_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_ones_own_is_read, setup, key_files_end),
        cmocka_unit_test_setup_teardown(a_link_to_it_will_do, setup, key_files_end),
        cmocka_unit_test_setup_teardown(access_of_others_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(a_file_of_another_user_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup, key_files_end),
        cmocka_unit_test_setup_teardown(what_is_wrong_inside_is_told_with_its_line, setup,
                                        key_files_end),
        cmocka_unit_test_setup_teardown(no_error_need_be_given, setup, key_files_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
