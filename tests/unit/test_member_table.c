/* Members in shared memory: whole or not at all, and nothing in them that cannot be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "member_table.h"
#include "text.h"

static struct member_table table;
static struct member_list list;
static struct member_list found;

static struct member_row row(const char *name)
{
    struct member_row r = {.epoch = 7, .rotate_ms = 2000, .flags = MEMBER_TABLE_JOINED};
    struct text t = text_of(r.name, sizeof r.name);

    text_add(&t, name);
    t = text_of(r.version, sizeof r.version);
    text_add(&t, "1");
    return r;
}

static int fresh(void **state)
{
    (void)state;
    memset(&table, 0, sizeof table);
    memset(&found, 0, sizeof found);
    list = (struct member_list){.total = 9, .pace_ms = 500, .foreign_ms = 3, .marks = 4, .n = 2};
    list.rows[0] = row("a");
    list.rows[1] = row("b");
    return 0;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
    assert_memory_equal(&found, &list, sizeof list);
}

static void a_full_table_goes_round(void **state)
{
    (void)state;
    list.n = MEMBER_TABLE_MAX;
    for (size_t i = 0; i < MEMBER_TABLE_MAX; i++) {
        list.rows[i] = row("host");
        list.rows[i].epoch = i;
    }
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
    assert_memory_equal(&found, &list, sizeof list);
    list.n = 1;
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
    assert_int_equal(found.n, 1);
}

/* Its writer was killed: what was read before stays, until the next one has written. */
static void a_half_written_one_is_not_read(void **state)
{
    (void)state;
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
    atomic_store(&table.sequence, atomic_load(&table.sequence) + 1);
    assert_false(member_table_read(&table, &found));
    assert_int_equal(found.n, 2);
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
}

static void more_rows_than_there_are_is_not_read(void **state)
{
    (void)state;
    member_table_write(&table, &list);
    atomic_store(&table.head[MEMBER_TABLE_HEAD_WORDS - 1], MEMBER_TABLE_MAX + 1);
    assert_false(member_table_read(&table, &found));
    atomic_store(&table.head[MEMBER_TABLE_HEAD_WORDS - 1], UINT64_MAX);
    assert_false(member_table_read(&table, &found));
}

static void expect_left_out(void)
{
    member_table_write(&table, &list);
    assert_true(member_table_read(&table, &found));
    assert_int_equal(found.n, 1);
    assert_string_equal(found.rows[0].name, "b");
    list.rows[0] = row("a");
}

static void a_row_that_cannot_be_is_left_out(void **state)
{
    (void)state;
    memset(list.rows[0].name, 'x', sizeof list.rows[0].name);
    expect_left_out();
    list.rows[0].name[0] = '\033';
    expect_left_out();
    list.rows[0].name[0] = ' ';
    expect_left_out();
    list.rows[0].name[0] = '\0';
    expect_left_out();
    list.rows[0].version[0] = (char)0xc3;
    expect_left_out();
    list.rows[0].address[0] = '\n';
    expect_left_out();
    list.rows[0].rotate_ms = 0;
    expect_left_out();
    list.rows[0].accept_ms = -1;
    expect_left_out();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read, fresh),
        cmocka_unit_test_setup(a_full_table_goes_round, fresh),
        cmocka_unit_test_setup(a_half_written_one_is_not_read, fresh),
        cmocka_unit_test_setup(more_rows_than_there_are_is_not_read, fresh),
        cmocka_unit_test_setup(a_row_that_cannot_be_is_left_out, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
