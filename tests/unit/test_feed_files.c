#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed_files.h"
#include "feed_mounts.h"
#include "feed_names.h"
#include "memory.h"
#include "text.h"

static const uint8_t bytes[] = "the key";
static const uint8_t throwaway[] = "another";

static void a_file_is_copied(void **state)
{
    uint8_t given[sizeof bytes];
    struct feed_files files = {0};
    const struct feed_file *file;

    (void)state;
    memcpy(given, bytes, sizeof given);
    assert_int_equal(feed_files_add(&files, "a.key", given, throwaway, sizeof given, false), RP_OK);
    memset(given, 0, sizeof given);
    file = feed_files_find(&files, "a.key");
    assert_non_null(file);
    assert_int_equal(file->n, sizeof bytes);
    assert_memory_equal(file->bytes, bytes, sizeof bytes);
    assert_memory_equal(file->throwaway, throwaway, sizeof throwaway);
    assert_null(feed_files_find(&files, "b.key"));
    feed_files_fini(&files);
    assert_int_equal(files.n, 0);
    feed_files_fini(&files);
}

static void a_name_is_a_file_s_in_its_folder(void **state)
{
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "/a"};
    char longest[FEED_FILE_NAME_MAX + 2] = "";
    struct feed_files files = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(feed_files_add(&files, bad[i], bytes, NULL, 1, false), RP_INVALID);
    }
    memset(longest, 'x', FEED_FILE_NAME_MAX + 1);
    assert_int_equal(feed_files_add(&files, longest, bytes, NULL, 1, false), RP_INVALID);
    longest[FEED_FILE_NAME_MAX] = '\0';
    assert_int_equal(feed_files_add(&files, longest, bytes, NULL, 1, false), RP_OK);
    assert_int_equal(feed_files_add(&files, longest, bytes, NULL, 1, false), RP_INVALID);
    assert_int_equal(feed_files_add(&files, "empty", bytes, NULL, 0, false), RP_INVALID);
    feed_files_fini(&files);
}

static void their_number_is_bounded(void **state)
{
    struct feed_files files = {0};

    (void)state;
    for (unsigned i = 0; i <= FEED_FILES_MAX; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "%u", i);
        assert_int_equal(feed_files_add(&files, name, bytes, NULL, sizeof bytes, false),
                         i < FEED_FILES_MAX ? RP_OK : RP_INVALID);
    }
    feed_files_fini(&files);
}

static void what_is_thrown_away_is_gone(void **state)
{
    struct feed_files files = {0};

    (void)state;
    assert_int_equal(feed_files_add(&files, "a", bytes, throwaway, sizeof bytes, false), RP_OK);
    assert_int_equal(feed_files_add(&files, "b", bytes, NULL, sizeof bytes, true), RP_OK);
    feed_files_throw_away(&files);
    assert_memory_equal(files.items[0].bytes, throwaway, sizeof throwaway);
    assert_memory_equal(files.items[1].bytes, bytes, sizeof bytes);
    feed_files_fini(&files);
}

static void memory_may_be_short(void **state)
{
    enum rp_status status = RP_NO_MEMORY;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        struct feed_files files = {0};

        memory_fail_after(n);
        status = feed_files_add(&files, "a", bytes, NULL, sizeof bytes, false);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && files.n == 0));
        feed_files_fini(&files);
    }
}

static void a_folder_s_own_names_are_known(void **state)
{
    static const char *const ours[] = {"0.key", "1023.key", "keys", "session_ticket_keys.conf",
                                       "0123456789abcdef0123456789abcdef.key"};
    static const char *const others[] = {"",
                                         ".key",
                                         "a.key",
                                         "0.key.bak",
                                         "00000.key",
                                         "0.keys",
                                         "keys.txt",
                                         "nginx.conf",
                                         "0123456789ABCDEF0123456789ABCDEF.key",
                                         "0123456789abcdef0123456789abcdeg.key",
                                         "0123456789abcdef0123456789abcdef0.key"};

    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        char aside[FEED_ASIDE_MAX + 1];

        assert_true(feed_name_is_ours(ours[i], NULL));
        assert_false(feed_name_is_ours(ours[i], "mine"));
        feed_name_aside(ours[i], aside);
        assert_false(feed_name_is_ours(aside, NULL));
        assert_true(feed_name_is_aside(aside, NULL));
        assert_false(feed_name_is_aside(aside, "mine"));
        assert_false(feed_name_is_aside(aside + 1, NULL));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char aside[FEED_ASIDE_MAX + 1];

        assert_false(feed_name_is_ours(others[i], NULL));
        feed_name_aside(others[i], aside);
        assert_false(feed_name_is_aside(aside, NULL));
    }
    assert_true(feed_name_is_ours("mine", "mine"));
    assert_true(feed_name_is_aside(".mine.new", "mine"));
    assert_false(feed_name_is_aside(".new", "mine"));
}

static void swap_is_seen(void **state)
{
    static const char head[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    char text[256];
    struct text t = text_of(text, sizeof text);

    (void)state;
    assert_false(feed_mounts_swap(""));
    assert_false(feed_mounts_swap(head));
    text_add(&t, head);
    text_add(&t, "/dev/sda2  partition\t999\t0\t-2\n");
    assert_true(feed_mounts_swap(text));
}

static void a_descriptor_s_mount_is_read(void **state)
{
    unsigned id = 0;

    (void)state;
    assert_true(feed_mounts_id("pos:\t0\nflags:\t0100000\nmnt_id:\t27\nino:\t3\n", &id));
    assert_int_equal(id, 27);
    assert_false(feed_mounts_id("pos:\t0\nflags:\t0100000\n", &id));
    assert_false(feed_mounts_id("mnt_id:\tx\n", &id));
    assert_false(feed_mounts_id("mnt_id:", &id));
    assert_false(feed_mounts_id("", &id));
}

static void noswap_is_an_option_of_that_mount_s_file_system(void **state)
{
    static const char info[] =
        "21 1 0:20 / /proc rw,nosuid - proc proc rw\n"
        "27 21 0:23 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=1k,noswap\n"
        "28 21 0:24 / /noswap rw,noswap - tmpfs noswap rw,size=1k\n"
        "127 21 0:25 / /x rw - tmpfs tmpfs noswap,rw,nosuid\n"
        "2 1 0:26 / /y rw - tmpfs tmpfs rw,noswapping";

    (void)state;
    assert_true(feed_mounts_noswap(info, 27));
    assert_true(feed_mounts_noswap(info, 127));
    assert_false(feed_mounts_noswap(info, 21));
    assert_false(feed_mounts_noswap(info, 28));
    assert_false(feed_mounts_noswap(info, 2));
    assert_false(feed_mounts_noswap(info, 7));
    assert_false(feed_mounts_noswap("", 1));
    assert_false(feed_mounts_noswap("1", 1));
    assert_false(feed_mounts_noswap("\n\n", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_copied),
        cmocka_unit_test(a_name_is_a_file_s_in_its_folder),
        cmocka_unit_test(their_number_is_bounded),
        cmocka_unit_test(what_is_thrown_away_is_gone),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(a_folder_s_own_names_are_known),
        cmocka_unit_test(swap_is_seen),
        cmocka_unit_test(a_descriptor_s_mount_is_read),
        cmocka_unit_test(noswap_is_an_option_of_that_mount_s_file_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
