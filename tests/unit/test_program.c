/* Where the program is, whatever it was called. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "program.h"

static void expect(const char *argv0, const char *wanted)
{
    char *path;

    assert_int_equal(program_path(argv0, &path), RP_OK);
    assert_string_equal(path, wanted);
    memory_free(path);
}

static void an_absolute_path_stays(void **state)
{
    (void)state;
    expect("/usr/sbin/reprised", "/usr/sbin/reprised");
    expect("/nonexistent/../reprised", "/nonexistent/../reprised");
}

static void a_relative_path_is_from_here(void **state)
{
    (void)state;
    assert_int_equal(chdir("/tmp"), 0);
    expect("./reprised", "/tmp/./reprised");
    expect("build/reprised", "/tmp/build/reprised");
}

static void a_name_is_what_runs(void **state)
{
    char self[PATH_MAX] = "";

    (void)state;
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    expect("reprised", self);
    expect("", self);
}

static void a_failed_allocation_is_told(void **state)
{
    char *path;

    (void)state;
    memory_fail_after(0);
    assert_int_equal(program_path("/usr/sbin/reprised", &path), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_path_stays),
        cmocka_unit_test(a_relative_path_is_from_here),
        cmocka_unit_test(a_name_is_what_runs),
        cmocka_unit_test(a_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
