/* A feed's files, from a keyring's window to a folder. */
#include "feed_writer.h"

#include "feed_folder_kit.h"
#include "keyring_fixture.h"

#define ROTATE INT64_C(100000)
#define ACCEPT INT64_C(300000)

struct desk {
    struct place place;
    struct rp_keyring *keyring;
    struct config_feed config;
    struct feed_source source;
    struct feed_writer writer;
};

/* An nginx, in the first epoch. */
static int begin(void **state)
{
    struct desk *d = memory_new(1, sizeof *d);

    assert_non_null(d);
    *state = d;
    place_init(&d->place);
    d->keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    (void)keyring_step(d->keyring, GENESIS);
    d->config = (struct config_feed){.server = CONFIG_FEED_NGINX,
                                     .name = (char *)"n",
                                     .domain_id = (char *)"0",
                                     .folder = d->place.path,
                                     .keys_may_reach_disk = true};
    assert_int_equal(feed_source_init(&d->source, d->keyring), RP_OK);
    assert_int_equal(feed_writer_init(&d->writer, &d->config, (gid_t)-1), RP_OK);
    return 0;
}

static int end(void **state)
{
    struct desk *d = *state;

    feed_writer_fini(&d->writer);
    feed_source_fini(&d->source);
    rp_keyring_free(&d->keyring);
    place_fini(&d->place);
    memory_free(d);
    return 0;
}

static void put(struct desk *d, bool expected)
{
    struct rp_error why = {""};
    bool changed = !expected;

    assert_int_equal(feed_writer_plan(&d->writer, &d->source, &why), RP_OK);
    assert_int_equal(feed_writer_put(&d->writer, &d->source, &changed, &why), RP_OK);
    assert_int_equal(changed, expected);
}

static void what_is_put_once_is_there(void **state)
{
    struct desk *d = *state;

    put(d, true);
    assert_int_equal(count(&d->place), 4); /* the key that seals, the next, list and lock */
    assert_int_not_equal(d->source.keys->n, 0);
    feed_source_wipe(&d->source);
    assert_int_equal(d->source.keys->n, 0);
    assert_int_equal(d->source.listed->n, 0);
    put(d, false);
    (void)keyring_step(d->keyring, GENESIS + ROTATE);
    put(d, true);
    assert_int_equal(count(&d->place), 5);
}

/* Bytes of the key that seals. */
static size_t read_key(const struct desk *d, uint8_t out[static KEY_LEN + 1])
{
    char name[64];
    struct text t = text_of(name, sizeof name);

    text_add_hex(&t, d->source.keys->keys[0].stek.name, 16);
    text_add(&t, ".key");
    return read_file(&d->place, name, out, KEY_LEN + 1);
}

static void at_the_end_there_are_other_keys(void **state)
{
    struct desk *d = *state;
    struct rp_error why = {""};
    uint8_t before[KEY_LEN + 1];
    uint8_t after[KEY_LEN + 1];

    put(d, true);
    assert_int_equal(read_key(d, before), KEY_LEN);
    assert_int_equal(feed_writer_clear(&d->writer, &d->source, &why), RP_OK);
    assert_int_equal(d->source.keys->n, 0);
    assert_int_equal(d->source.listed->n, 0);
    assert_int_equal(count(&d->place), 4);
    assert_int_equal(feed_writer_plan(&d->writer, &d->source, &why), RP_OK);
    assert_int_equal(read_key(d, after), KEY_LEN);
    assert_memory_not_equal(before + 16, after + 16, 32);
    assert_memory_not_equal(before + 48, after + 48, 32);
}

static void a_note_is_of_these_files(void **state)
{
    struct desk *d = *state;
    struct rp_error why = {""};

    put(d, true);
    assert_false(feed_lock_noted(&d->writer.lock));
    feed_lock_note(&d->writer.lock, true);
    put(d, false);
    assert_true(feed_lock_noted(&d->writer.lock));
    (void)keyring_step(d->keyring, GENESIS + ROTATE);
    put(d, true);
    assert_false(feed_lock_noted(&d->writer.lock));
    feed_lock_note(&d->writer.lock, true);
    assert_int_equal(feed_writer_clear(&d->writer, &d->source, &why), RP_OK);
    assert_false(feed_lock_noted(&d->writer.lock));
}

static void what_has_no_plan_any_more_is_removed(void **state)
{
    struct desk *d = *state;
    struct rp_error why = {""};

    put(d, true);
    d->config.domain_id = (char *)"none";
    d->writer.has_domain = false;
    assert_int_equal(feed_writer_plan(&d->writer, &d->source, &why), RP_NOT_FOUND);
    assert_string_equal(why.text, "there is no key yet");
    assert_int_equal(feed_writer_clear(&d->writer, &d->source, &why), RP_OK);
    assert_int_equal(count(&d->place), 1);
}

static void a_server_that_there_is_not_has_no_writer(void **state)
{
    struct desk *d = *state;
    struct feed_writer writer = {0};

    d->config.server = CONFIG_FEED_FILES;
    d->config.format = KEY_FORMAT_APACHE; /* which has short keys alone */
    assert_int_equal(feed_writer_init(&writer, &d->config, (gid_t)-1), RP_NOT_FOUND);
    assert_null(writer.config);
}

static void memory_may_lack(void **state)
{
    struct desk *d = *state;
    struct rp_error why = {""};
    enum rp_status status = RP_NO_MEMORY;
    bool changed = false;

    for (long n = 0; status != RP_OK; n++) {
        struct feed_source source = {0};

        memory_fail_after(n);
        status = feed_source_init(&source, d->keyring);
        if (status == RP_OK) {
            status = feed_writer_plan(&d->writer, &source, &why);
        }
        if (status == RP_OK) {
            status = feed_writer_put(&d->writer, &source, &changed, &why);
        }
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
        assert_int_equal(changed, status == RP_OK);
        feed_source_fini(&source);
    }
    assert_int_equal(count(&d->place), 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_put_once_is_there),
        CASE(at_the_end_there_are_other_keys),
        CASE(a_note_is_of_these_files),
        CASE(what_has_no_plan_any_more_is_removed),
        CASE(a_server_that_there_is_not_has_no_writer),
        CASE(memory_may_lack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
