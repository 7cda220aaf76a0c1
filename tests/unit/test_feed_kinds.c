#include "feed_kit.h"

#include "config.h"
#include "feed.h"
#include "feed_kinds.h"
#include "key_format.h"
#include "lighttpd_kit.h"

#define ROTATE 3600000
#define ACCEPT 86400000
#define OFFSET INT64_C(1800000000000)
#define FOLDER "/run/reprise/feeds"

static struct window_keys *window_in(uint64_t epoch)
{
    struct window_keys *const keys = feed_kit_window(ROTATE, ACCEPT);

    for (uint64_t e = epoch + 2; e-- != (epoch > 24 ? epoch - 24 : 0);) {
        feed_kit_add(keys, 1, 0, e, e == epoch);
    }
    return keys;
}

static struct feed_keys *plan_of(const struct feed_needs *needs, uint64_t epoch)
{
    struct window_keys *const listed = window_in(epoch);
    struct feed_keys *const keys = feed_kit_plan(needs, listed, OFFSET);

    feed_kit_window_free(listed);
    return keys;
}

static int64_t instant_s(int64_t epochs, int64_t more_s)
{
    return (OFFSET + epochs * ROTATE) / 1000 + more_s;
}

static struct feed_target target_at(int64_t now_s)
{
    return (struct feed_target){.folder = FOLDER, .file = "ticket.keys", .now_s = now_s};
}

static struct feed_files written(const struct feed_kind *kind, const struct feed_keys *keys,
                                 const struct feed_target *target)
{
    struct feed_files files = {0};

    assert_int_equal(feed_make_files(kind, keys, target, &files), RP_OK);
    return files;
}

/* The keys of a file as its server would read it. */
static size_t read_keys(enum key_format format, const uint8_t *p, size_t n, int64_t now_s,
                        struct format_key *out)
{
    return key_format_read(format, p, n, now_s, out, 64);
}

/* A throwaway reads as the file does, and has no key of it. */
static void assert_throwaway(enum key_format format, const struct feed_file *file, int64_t now_s)
{
    struct format_key keys[64];
    struct format_key other[64];
    const size_t n = read_keys(format, file->bytes, file->n, now_s, keys);

    assert_int_not_equal(n, 0);
    assert_int_equal(read_keys(format, file->throwaway, file->n, now_s, other), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(other[i].stek.key_len, keys[i].stek.key_len);
        assert_int_equal(other[i].role, keys[i].role);
        assert_memory_not_equal(other[i].stek.name, keys[i].stek.name, 16);
        assert_memory_not_equal(other[i].stek.aes, keys[i].stek.aes, 16);
        assert_memory_not_equal(other[i].stek.hmac, keys[i].stek.hmac, 16);
    }
}

/* The server would seal by what the plan says, and has all of it. */
static void assert_whole(enum key_format format, const struct feed_file *file,
                         const struct feed_keys *keys, int64_t now_s)
{
    struct format_key found[64];
    const size_t n = read_keys(format, file->bytes, file->n, now_s, found);

    assert_int_equal(n, keys->n);
    for (size_t i = 0; i < n; i++) {
        const struct format_key *const key = feed_kit_find(keys, found[i].stek.name);

        assert_non_null(key);
        assert_int_equal(found[i].stek.key_len, key->stek.key_len);
        assert_memory_equal(found[i].stek.aes, key->stek.aes, sizeof key->stek.aes);
        /* dnsdist with GnuTLS takes no more of it. */
        assert_memory_equal(found[i].stek.hmac, key->stek.hmac, 16);
        assert_int_equal(found[i].role == KEY_SEALS, key->role == KEY_SEALS);
    }
}

static const struct feed_kind *const all[] = {
    &feed_nginx,    &feed_haproxy, &feed_apache, &feed_trafficserver,
    &feed_lighttpd, &feed_h2o,     &feed_nodejs, &feed_plain,
};

static void kinds_are_found_by_their_names(void **state)
{
    static const char *const names[] = {"nginx",    "haproxy", "apache", "trafficserver",
                                        "lighttpd", "h2o",     "nodejs", "files"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(all[i]->name, names[i]);
        assert_ptr_equal(feed_kind_find(names[i]), all[i]);
    }
    assert_null(feed_kind_find("iis"));
    assert_null(feed_kind_find(""));
}

static void nginx_gets_a_file_for_each_key_and_a_list_in_order(void **state)
{
    const int64_t now_s = instant_s(50, 0);
    const struct feed_target target = target_at(now_s);
    struct feed_keys *const keys = plan_of(&feed_nginx.needs, 50);
    struct feed_files files = written(&feed_nginx, keys, &target);
    const char *at;

    (void)state;
    assert_int_equal(files.n, keys->n + 1);
    assert_true(files.items[keys->n].is_list);
    assert_string_equal(files.items[keys->n].name, "session_ticket_keys.conf");
    at = memchr(files.items[keys->n].bytes, '\n', files.items[keys->n].n);
    for (size_t i = 0; i < keys->n; i++) {
        char line[256];
        struct text t = text_of(line, sizeof line);
        struct format_key key;

        text_add(&t, "\nssl_session_ticket_key \"" FOLDER "/");
        text_add(&t, files.items[i].name);
        text_add(&t, "\";");
        assert_memory_equal(at, line, t.len);
        at += t.len;
        assert_int_equal(strlen(files.items[i].name), 36);
        assert_int_equal(files.items[i].n, 80);
        assert_false(files.items[i].is_list);
        assert_int_equal(
            read_keys(KEY_FORMAT_NGINX, files.items[i].bytes, files.items[i].n, now_s, &key), 1);
        assert_memory_equal(&key.stek, &keys->keys[i].stek, sizeof key.stek);
        assert_throwaway(KEY_FORMAT_NGINX, &files.items[i], now_s);
    }
    assert_ptr_equal(at + 1, files.items[keys->n].bytes + files.items[keys->n].n);
    feed_files_fini(&files);
    memory_free(keys);
}

static void nginx_s_list_quotes_the_folder(void **state)
{
    const struct feed_target target = {.folder = "/run/a \"b\\c"};
    struct feed_keys *const keys = plan_of(&feed_nginx.needs, 0);
    struct feed_files files = written(&feed_nginx, keys, &target);
    const struct feed_file *const list = feed_files_find(&files, "session_ticket_keys.conf");
    static const char expected[] = "ssl_session_ticket_key \"/run/a \\\"b\\\\c/";

    (void)state;
    assert_non_null(list);
    assert_non_null(memmem(list->bytes, list->n, expected, sizeof expected - 1));
    feed_files_fini(&files);
    memory_free(keys);
}

static void servers_of_one_file_have_all_their_keys_in_it(void **state)
{
    static const struct {
        const struct feed_kind *kind;
        enum key_format format;
    } cases[] = {{&feed_haproxy, KEY_FORMAT_HAPROXY},
                 {&feed_apache, KEY_FORMAT_APACHE},
                 {&feed_trafficserver, KEY_FORMAT_TRAFFICSERVER},
                 {&feed_h2o, KEY_FORMAT_H2O},
                 {&feed_nodejs, KEY_FORMAT_APACHE}};
    static const uint64_t epochs[] = {0, 1, 2, 30, 255, 256, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(feed_is_dated(cases[i].kind, KEY_FORMAT_NGINX),
                         cases[i].format == KEY_FORMAT_H2O);
        for (size_t j = 0; j < sizeof epochs / sizeof epochs[0]; j++) {
            const int64_t now_s = instant_s((int64_t)epochs[j], 10);
            const struct feed_target target = target_at(now_s);
            struct feed_keys *const keys = plan_of(&cases[i].kind->needs, epochs[j]);
            struct feed_files files = written(cases[i].kind, keys, &target);

            assert_int_equal(files.n, 1);
            assert_string_equal(files.items[0].name, "ticket.keys");
            assert_whole(cases[i].format, &files.items[0], keys, now_s);
            assert_throwaway(cases[i].format, &files.items[0], now_s);
            assert_int_equal(feed_again_s(cases[i].kind, keys, now_s), INT64_MAX);
            feed_files_fini(&files);
            memory_free(keys);
        }
    }
}

static void lighttpd_holds_the_three_by_one_at_a_time(void **state)
{
    struct lighttpd server = {.n = 0};

    (void)state;
    for (int64_t epoch = 0; epoch < 10; epoch++) {
        struct feed_keys *const keys = plan_of(&feed_lighttpd.needs, (uint64_t)epoch);

        for (int64_t s = 0; s < ROTATE / 1000; s += 64) {
            const int64_t now_s = instant_s(epoch, s);
            const struct feed_target target = target_at(now_s);
            struct feed_files files = written(&feed_lighttpd, keys, &target);

            assert_int_equal(files.n, 1);
            assert_throwaway(KEY_FORMAT_LIGHTTPD, &files.items[0], now_s);
            lighttpd_poll(&server, &files.items[0], now_s);
            assert_memory_equal(lighttpd_sealing(&server, now_s)->stek.name,
                                keys->keys[0].stek.name, 16);
            if (epoch > 1) {
                lighttpd_assert_opens(&server, &keys->keys[2]);
            }
            feed_files_fini(&files);
        }
        lighttpd_assert_opens(&server, &keys->keys[1]);
        memory_free(keys);
    }
}

static void lighttpd_is_given_the_next_in_time(void **state)
{
    struct feed_keys *const keys = plan_of(&feed_lighttpd.needs, 5);
    const int64_t again_s = instant_s(6, -192);
    struct feed_target target = target_at(again_s - 1);
    struct feed_files files = written(&feed_lighttpd, keys, &target);
    struct format_key key;

    (void)state;
    assert_int_equal(feed_again_s(&feed_lighttpd, keys, again_s - 1), again_s);
    assert_int_equal(feed_again_s(&feed_lighttpd, keys, again_s), INT64_MAX);
    assert_int_equal(read_keys(KEY_FORMAT_LIGHTTPD, files.items[0].bytes, 92, again_s, &key), 1);
    assert_memory_equal(key.stek.name, keys->keys[0].stek.name, 16);
    feed_files_fini(&files);
    target.now_s = again_s;
    files = written(&feed_lighttpd, keys, &target);
    assert_int_equal(read_keys(KEY_FORMAT_LIGHTTPD, files.items[0].bytes, 92, again_s, &key), 1);
    assert_memory_equal(key.stek.name, keys->keys[1].stek.name, 16);
    assert_int_equal(key.begins_s, instant_s(6, 0));
    feed_files_fini(&files);
    memory_free(keys);
}

/* Of the clock of a feeder that was started anew, say. */
static void lighttpd_s_key_is_not_written_again_for_a_moment(void **state)
{
    struct feed_keys *const keys = plan_of(&feed_lighttpd.needs, 5);
    const struct feed_target target = target_at(instant_s(5, 0));
    struct feed_files files = written(&feed_lighttpd, keys, &target);
    struct feed_files later;

    (void)state;
    for (int64_t off_s = -40; off_s <= 40; off_s += 5) {
        keys->keys[0].begins_s += off_s;
        keys->keys[0].ends_s += off_s;
        later = written(&feed_lighttpd, keys, &target);
        assert_int_equal(files.items[0].is_alike(files.items[0].bytes, later.items[0].bytes, 92),
                         off_s > -30 && off_s < 30);
        keys->keys[0].begins_s -= off_s;
        keys->keys[0].ends_s -= off_s;
        feed_files_fini(&later);
    }
    keys->keys[0].stek.hmac[31] ^= 1;
    later = written(&feed_lighttpd, keys, &target);
    assert_false(files.items[0].is_alike(files.items[0].bytes, later.items[0].bytes, 92));
    assert_false(files.items[0].is_alike(files.items[0].throwaway, files.items[0].bytes, 92));
    feed_files_fini(&files);
    feed_files_fini(&later);
    memory_free(keys);
}

static void files_are_numbered_or_one(void **state)
{
    (void)state;
    for (unsigned f = 0; f < KEY_FORMATS; f++) {
        const enum key_format format = (enum key_format)f;
        const struct key_format_traits *const traits = key_format_traits(format);
        struct feed_target target = target_at(instant_s(300, 0));
        struct feed_needs needs;
        struct feed_keys *keys;
        struct feed_files files;

        target.format = format;
        assert_int_equal(feed_needs(&feed_plain, format, true, &needs), traits->takes_short);
        assert_int_equal(feed_needs(&feed_plain, format, false, &needs), traits->takes_long);
        assert_true(feed_needs(&feed_plain, format, !traits->takes_long, &needs));
        keys = plan_of(&needs, 300);
        files = written(&feed_plain, keys, &target);
        if (traits->most == 1) {
            assert_int_equal(files.n, keys->n);
            assert_string_equal(files.items[files.n - 1].name, "0.key");
            for (size_t i = 0; i < files.n; i++) {
                assert_throwaway(format, &files.items[i], target.now_s);
            }
        } else {
            assert_int_equal(files.n, 1);
            assert_string_equal(files.items[0].name, "keys");
            assert_whole(format, &files.items[0], keys, target.now_s);
        }
        feed_files_fini(&files);
        memory_free(keys);
    }
}

static void keys_that_do_not_fit_are_refused(void **state)
{
    struct feed_keys *const keys = plan_of(&feed_nginx.needs, 3);
    const struct feed_target target = target_at(0);
    struct feed_files files = {0};

    (void)state;
    assert_int_equal(feed_make_files(&feed_haproxy, keys, &target, &files), RP_INVALID);
    assert_int_equal(feed_make_files(&feed_apache, keys, &target, &files), RP_INVALID);
    keys->n = 0;
    assert_int_equal(feed_make_files(&feed_trafficserver, keys, &target, &files), RP_INVALID);
    assert_int_equal(files.n, 0);
    feed_files_fini(&files);
    memory_free(keys);
}

static void memory_may_be_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct feed_kind *const kind = all[i];
        const struct feed_target target = target_at(instant_s(7, 0));
        struct feed_keys *const keys = plan_of(&kind->needs, 7);
        enum rp_status status = RP_NO_MEMORY;

        for (long n = 0; status != RP_OK; n++) {
            struct feed_files files = {0};

            memory_fail_after(n);
            status = feed_make_files(kind, keys, &target, &files);
            memory_fail_after(-1);
            assert_true(status == RP_OK || status == RP_NO_MEMORY);
            feed_files_fini(&files);
        }
        memory_free(keys);
    }
}

static void assert_described(const struct feed_kind *kind, int64_t rotate_ms, int64_t accept_ms,
                             const char *expected)
{
    char buffer[512] = "";
    struct text t = text_of(buffer, sizeof buffer);
    struct feed_needs needs;

    assert_true(feed_needs(kind, KEY_FORMAT_NGINX, false, &needs));
    assert_int_equal(feed_describe(kind, &needs, rotate_ms, accept_ms, &t), expected[0] != '\0');
    assert_string_equal(buffer, expected);
}

static void what_a_kind_costs_is_said(void **state)
{
    (void)state;
    assert_described(&feed_nginx, ROTATE, ACCEPT, "");
    assert_described(&feed_plain, ROTATE, ACCEPT, "");
    assert_described(&feed_haproxy, ROTATE, ACCEPT,
                     "holds 3 keys, so tickets open for 1h after their key has sealed its "
                     "last, not 1d");
    assert_described(&feed_haproxy, ROTATE, ROTATE, "");
    assert_described(&feed_nodejs, ROTATE, ACCEPT,
                     "holds one key, which changes every 25h: the tickets that are out then open "
                     "no more; its keys are AES-128, weaker than suites with AES-256 ask for");
    assert_described(&feed_h2o, 1500, 0, "rotate is shorter than 20s, so it will miss keys");
    assert_described(&feed_h2o, 60000, 254 * 60000, "");
    assert_described(
        &feed_h2o, 60000, 255 * 60000,
        "holds 256 keys, so tickets open for 254m after their key has sealed its last, "
        "not 255m");
    assert_described(&feed_lighttpd, ROTATE, ROTATE,
                     "a lighttpd that is started anew holds but the newest key");
}

/* What the configuration has for each kind. */
static const struct {
    const char *name;
    const char *where;
    bool may_reload;
    bool must_reload;
} options[] = {
    {"nginx", "files", true, true},     {"haproxy", "file", false, false},
    {"apache", "file", true, true},     {"trafficserver", "file", true, true},
    {"lighttpd", "file", false, false}, {"h2o", "file", false, false},
    {"nodejs", "file", true, false},    {"files", "files", true, false},
};

static enum rp_status take(const struct feed_kind *kind, const char *where, bool with_reload)
{
    char text[512];
    struct text t = text_of(text, sizeof text);
    struct config *config = NULL;
    struct rp_error err = {""};
    enum rp_status status;

    text_addf(&t, "feeds: [{%s: {%s: /run/x/y", kind->name, where);
    text_add(&t, with_reload ? ", reload: r" : "");
    text_add(&t, kind->telling == FEED_TOLD_BY_SOCKET ? ", socket: /run/s" : "");
    text_add(&t, strcmp(kind->name, "files") == 0 ? ", format: nginx" : "");
    text_add(&t, "}}]\n");
    status = config_parse("x", text, t.len, &config, &err);
    config_free(&config);
    return status;
}

static void configuration_and_kinds_agree(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_FEED_SERVERS; i++) {
        const struct feed_kind *const kind =
            feed_kind_find(config_feed_word((enum config_feed_server)i));

        assert_string_equal(kind->name, options[i].name);
        assert_int_equal(take(kind, options[i].where, true),
                         options[i].may_reload ? RP_OK : RP_FORMAT);
        assert_int_equal(take(kind, options[i].where, false),
                         options[i].must_reload ? RP_FORMAT : RP_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_found_by_their_names),
        cmocka_unit_test(nginx_gets_a_file_for_each_key_and_a_list_in_order),
        cmocka_unit_test(nginx_s_list_quotes_the_folder),
        cmocka_unit_test(servers_of_one_file_have_all_their_keys_in_it),
        cmocka_unit_test(lighttpd_holds_the_three_by_one_at_a_time),
        cmocka_unit_test(lighttpd_is_given_the_next_in_time),
        cmocka_unit_test(lighttpd_s_key_is_not_written_again_for_a_moment),
        cmocka_unit_test(files_are_numbered_or_one),
        cmocka_unit_test(keys_that_do_not_fit_are_refused),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(what_a_kind_costs_is_said),
        cmocka_unit_test(configuration_and_kinds_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
