/* Feeds in shared memory: whole or not at all, and nothing in them that cannot be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed_table.h"

static struct feed_table table;
static struct feed_list list;
static struct feed_list found;

static struct feed_row row(const char *name)
{
    struct feed_row r = {.state = FEED_TABLE_UP, .n_updates = 9, .accept_ms = 1000};

    feed_table_text(r.name, sizeof r.name, name);
    feed_table_text(r.server, sizeof r.server, "nginx");
    return r;
}

static int fresh(void **state)
{
    (void)state;
    memset(&table, 0, sizeof table);
    memset(&found, 0, sizeof found);
    memset(&list, 0, sizeof list);
    list.n = 2;
    list.rows[0] = row("a");
    list.rows[1] = row("b");
    return 0;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_memory_equal(&found, &list, sizeof list);
    list.n = FEED_TABLE_MAX;
    for (size_t i = 0; i < FEED_TABLE_MAX; i++) {
        list.rows[i] = row("many");
    }
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_int_equal(found.n, FEED_TABLE_MAX);
    list.n = 0;
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_int_equal(found.n, 0);
}

static void half_a_table_is_not_read(void **state)
{
    (void)state;
    feed_table_write(&table, &list);
    table.sequence++; /* its writer was killed */
    assert_false(feed_table_read(&table, &found));
    assert_int_equal(found.n, 0);
    feed_table_write(&table, &list); /* its successor */
    assert_true(feed_table_read(&table, &found));
    table.n = FEED_TABLE_MAX + 1;
    assert_false(feed_table_read(&table, &found));
}

static void what_cannot_be_shown_is_left_out(void **state)
{
    struct feed_row *const bad = &list.rows[0];
    static const char names[][4] = {"", " ", "a b", "a\"", "a\\", "\x7f", "\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *bad = row("a");
        memcpy(bad->name, names[i], sizeof names[i]);
        feed_table_write(&table, &list);
        assert_true(feed_table_read(&table, &found));
        assert_int_equal(found.n, 1);
        assert_string_equal(found.rows[0].name, "b");
    }
    *bad = row("a");
    memset(bad->why, 'x', sizeof bad->why); /* without an end */
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_int_equal(found.n, 1);
    *bad = row("a");
    bad->state = FEED_TABLE_BEHIND + 1;
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_int_equal(found.n, 1);
    *bad = row("a");
    bad->accept_ms = -1;
    feed_table_write(&table, &list);
    assert_true(feed_table_read(&table, &found));
    assert_int_equal(found.n, 1);
}

static void texts_become_printable(void **state)
{
    char out[8];

    (void)state;
    feed_table_text(out, sizeof out, "a\x1b\n\xc3z");
    assert_memory_equal(out, "a???z\0\0\0", 8);
    feed_table_text(out, sizeof out, "0123456789");
    assert_string_equal(out, "0123456");
    feed_table_text(out, sizeof out, "");
    assert_memory_equal(out, "\0\0\0\0\0\0\0\0", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read, fresh),
        cmocka_unit_test_setup(half_a_table_is_not_read, fresh),
        cmocka_unit_test_setup(what_cannot_be_shown_is_left_out, fresh),
        cmocka_unit_test_setup(texts_become_printable, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
