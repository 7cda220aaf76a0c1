#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "key_format.h"
#include "key_h2o.h"
#include "text.h"
#include "vectors.h"

#define GOLDEN "../../feeds/golden/"
#define NOW 1700000000
#define ROOM 8

struct bytes {
    uint8_t p[8192];
    size_t n;
};

/* The published keys: 0 only opens, 1 seals, 2 is next. */
struct keys {
    struct format_key k[3];
};

static void read_part(const char *part, size_t i, uint8_t *out, size_t n)
{
    char name[16];
    struct text t = text_of(name, sizeof name);

    text_addf(&t, "%s%zu", part, i);
    vector_read(GOLDEN "keys.txt", name, out, n);
}

static struct keys golden_keys(uint8_t key_len)
{
    static const struct format_key plain[] = {
        {.role = KEY_OPENS, .begins_s = 1500000000, .ends_s = 2100000000},
        {.role = KEY_SEALS, .begins_s = 1600000000, .ends_s = 2100000000},
        {.role = KEY_NEXT, .begins_s = 2000000000, .ends_s = 2100000000},
    };
    struct keys out;

    for (size_t i = 0; i < 3; i++) {
        struct stek *s = &out.k[i].stek;

        out.k[i] = plain[i];
        s->key_len = key_len;
        read_part("name", i, s->name, sizeof s->name);
        read_part("aes", i, s->aes, sizeof s->aes);
        read_part("hmac", i, s->hmac, sizeof s->hmac);
        memset(s->aes + key_len, 0, sizeof s->aes - key_len);
        memset(s->hmac + key_len, 0, sizeof s->hmac - key_len);
    }
    return out;
}

static void load(const char *name, struct bytes *out)
{
    char path[1024];
    struct text t = text_of(path, sizeof path);
    FILE *f;

    text_addf(&t, "%s/%s%s", TEST_DATA, GOLDEN, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    out->n = fread(out->p, 1, sizeof out->p, f);
    (void)fclose(f);
}

static void write(enum key_format format, const struct format_key *keys, size_t n,
                  struct bytes *out)
{
    out->n = key_format_write(format, keys, n, out->p, sizeof out->p);
    assert_int_not_equal(out->n, 0);
    assert_in_range(out->n, 1, key_format_size(format, n));
}

static void assert_stek(const struct stek *a, const struct stek *b)
{
    assert_int_equal(a->key_len, b->key_len);
    assert_memory_equal(a->name, b->name, sizeof a->name);
    assert_memory_equal(a->aes, b->aes, sizeof a->aes);
    assert_memory_equal(a->hmac, b->hmac, sizeof a->hmac);
}

struct golden {
    const char *file;
    enum key_format format;
    uint8_t key_len;
    uint8_t n;
    uint8_t order[3]; /* which keys the file has */
};

static const struct golden goldens[] = {
    {"nginx.key", KEY_FORMAT_NGINX, 32, 1, {1}},
    {"nginx-short.key", KEY_FORMAT_NGINX, 16, 1, {1}},
    {"haproxy.keys", KEY_FORMAT_HAPROXY, 32, 3, {0, 1, 2}},
    {"haproxy-short.keys", KEY_FORMAT_HAPROXY, 16, 3, {0, 1, 2}},
    {"apache.key", KEY_FORMAT_APACHE, 16, 1, {1}},
    {"trafficserver.keys", KEY_FORMAT_TRAFFICSERVER, 16, 3, {1, 0, 2}},
    {"lighttpd.stek", KEY_FORMAT_LIGHTTPD, 32, 1, {1}},
    {"h2o.yaml", KEY_FORMAT_H2O, 32, 3, {0, 1, 2}},
    {"h2o-short.yaml", KEY_FORMAT_H2O, 16, 3, {0, 1, 2}},
    {"nghttpx.key", KEY_FORMAT_NGHTTPX, 32, 1, {1}},
    {"nghttpx-short.key", KEY_FORMAT_NGHTTPX, 16, 1, {1}},
    {"dnsdist.keys", KEY_FORMAT_DNSDIST, 32, 3, {0, 2, 1}},
    {"dnsdist-gnutls.keys", KEY_FORMAT_DNSDIST_GNUTLS, 32, 3, {0, 2, 1}},
};

#define N_GOLDENS (sizeof goldens / sizeof goldens[0])

static void every_format_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const struct keys keys = golden_keys(g->key_len);
        struct bytes wanted;
        struct bytes written;

        load(g->file, &wanted);
        write(g->format, g->n == 1 ? &keys.k[1] : keys.k, g->n, &written);
        assert_int_equal(written.n, wanted.n);
        assert_memory_equal(written.p, wanted.p, wanted.n);
    }
}

/* Roles, too, are told by the order in the file, or by the dates. */
static void every_format_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const struct key_format_traits *t = key_format_traits(g->format);
        const struct keys keys = golden_keys(g->key_len);
        struct format_key got[ROOM];
        struct bytes file;

        load(g->file, &file);
        assert_int_equal(key_format_read(g->format, file.p, file.n, NOW, got, ROOM), g->n);
        for (size_t at = 0; at < g->n; at++) {
            struct format_key wanted = keys.k[g->order[at]];

            if (g->format == KEY_FORMAT_DNSDIST_GNUTLS) {
                memset(wanted.stek.hmac + 16, 0, 16);
            }
            if (!t->dated && t->most == 0 && wanted.role == KEY_NEXT) {
                wanted.role = KEY_OPENS; /* nothing in the file says which is next */
            }
            assert_stek(&got[at].stek, &wanted.stek);
            assert_int_equal(got[at].role, wanted.role);
            assert_int_equal(got[at].begins_s, t->dated ? wanted.begins_s : 0);
            assert_int_equal(got[at].ends_s, t->dated ? wanted.ends_s : 0);
        }
    }
}

static void no_byte_more_and_no_byte_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const bool text = g->format == KEY_FORMAT_HAPROXY || g->format == KEY_FORMAT_H2O;
        struct format_key got[ROOM];
        struct bytes file;

        load(g->file, &file);
        for (size_t n = 0; n < file.n; n++) {
            const size_t found = key_format_read(g->format, file.p, n, NOW, got, ROOM);

            if (!text) {
                const size_t one = file.n / g->n;
                const bool is_short = n == 48 && key_format_traits(g->format)->takes_short;

                assert_int_equal(found, is_short ? 1 : n % one == 0 ? n / one : 0);
            } else {
                assert_in_range(found, 0, g->n);
            }
        }
        file.p[file.n] = text ? '!' : 0;
        assert_int_equal(key_format_read(g->format, file.p, file.n + 1, NOW, got, ROOM), 0);
    }
}

static void a_buffer_too_small_is_refused_at_every_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const struct keys keys = golden_keys(g->key_len);
        const struct format_key *first = g->n == 1 ? &keys.k[1] : keys.k;
        struct bytes whole;

        write(g->format, first, g->n, &whole);
        for (size_t n = 0; n < whole.n; n++) {
            struct bytes out;

            assert_int_equal(key_format_write(g->format, first, g->n, out.p, n), 0);
        }
    }
}

static void more_keys_than_room_are_refused_and_wiped(void **state)
{
    struct format_key got[3];
    struct bytes file;

    (void)state;
    for (size_t i = 0; i < N_GOLDENS; i++) {
        static const struct stek none;
        const struct golden *g = &goldens[i];

        load(g->file, &file);
        for (size_t room = 0; room < g->n; room++) {
            memset(got, 0, sizeof got);
            assert_int_equal(key_format_read(g->format, file.p, file.n, NOW, got, room), 0);
            for (size_t at = 0; at < 3; at++) {
                assert_memory_equal(&got[at].stek, &none, sizeof none);
            }
        }
    }
}

static bool is_written(enum key_format format, const struct format_key *keys, size_t n)
{
    struct bytes out;

    return key_format_write(format, keys, n, out.p, sizeof out.p) != 0;
}

static void lengths_that_a_server_does_not_take(void **state)
{
    (void)state;
    for (unsigned f = 0; f < KEY_FORMATS; f++) {
        const struct key_format_traits *t = key_format_traits((enum key_format)f);
        const size_t n = t->least;

        for (unsigned len = 0; len <= 33; len++) {
            struct keys keys = golden_keys(32);

            for (size_t i = 0; i < 3; i++) {
                keys.k[i].stek.key_len = (uint8_t)len;
            }
            assert_int_equal(is_written((enum key_format)f, n == 1 ? &keys.k[1] : keys.k, n),
                             (len == 16 && t->takes_short) || (len == 32 && t->takes_long));
        }
    }
}

static void too_few_keys_and_too_many(void **state)
{
    (void)state;
    for (unsigned f = 0; f < KEY_FORMATS; f++) {
        const enum key_format format = (enum key_format)f;
        const struct key_format_traits *t = key_format_traits(format);
        struct format_key keys[5] = {{.role = KEY_SEALS}, {.role = KEY_NEXT}};

        for (size_t i = 0; i < 5; i++) {
            keys[i].stek.key_len = t->takes_long ? 32 : 16;
            keys[i].role = i < 2 ? keys[i].role : KEY_OPENS;
        }
        for (size_t n = 0; n <= 5; n++) {
            assert_int_equal(is_written(format, keys, n),
                             n >= t->least && (t->most == 0 || n <= t->most));
        }
    }
}

static void one_seals_and_no_more(void **state)
{
    static const enum key_format formats[] = {KEY_FORMAT_HAPROXY, KEY_FORMAT_TRAFFICSERVER,
                                              KEY_FORMAT_H2O, KEY_FORMAT_DNSDIST};

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct keys keys = golden_keys(formats[i] == KEY_FORMAT_TRAFFICSERVER ? 16 : 32);

        assert_true(is_written(formats[i], keys.k, 3));
        keys.k[0].role = KEY_SEALS;
        assert_false(is_written(formats[i], keys.k, 3));
        keys.k[0].role = keys.k[1].role = KEY_OPENS;
        assert_false(is_written(formats[i], keys.k, 3));
    }
}

static void haproxy_needs_a_next(void **state)
{
    struct keys keys = golden_keys(32);

    (void)state;
    keys.k[2].role = KEY_OPENS;
    assert_false(is_written(KEY_FORMAT_HAPROXY, keys.k, 3));
    keys.k[0].role = keys.k[2].role = KEY_NEXT;
    assert_false(is_written(KEY_FORMAT_HAPROXY, keys.k, 3));
}

/* Which one seals is said elsewhere: by the order of directives, or by when it is written. */
static void a_file_of_one_key_has_one_of_any_role(void **state)
{
    static const enum key_format formats[] = {KEY_FORMAT_NGINX, KEY_FORMAT_LIGHTTPD,
                                              KEY_FORMAT_NGHTTPX};
    const struct keys keys = golden_keys(32);

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            assert_true(is_written(formats[i], &keys.k[k], 1));
        }
    }
}

static void both_lengths_in_one_file(void **state)
{
    struct format_key mixed[3];
    struct format_key got[ROOM];
    struct bytes file;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mixed[i] = golden_keys(i == 1 ? 16 : 32).k[i];
    }
    assert_false(is_written(KEY_FORMAT_HAPROXY, mixed, 3));
    write(KEY_FORMAT_H2O, mixed, 3, &file);
    assert_int_equal(key_format_read(KEY_FORMAT_H2O, file.p, file.n, NOW, got, ROOM), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_stek(&got[i].stek, &mixed[i].stek);
    }
}

/* HAProxy would refuse it, which only shows if it is read. */
static void a_file_of_haproxy_with_fewer_or_more_lines(void **state)
{
    static const size_t line = 109;
    struct format_key got[ROOM];
    struct bytes file;

    (void)state;
    load("haproxy.keys", &file);
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, line, NOW, got, ROOM), 1);
    assert_int_equal(got[0].role, KEY_SEALS);
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, 2 * line, NOW, got, ROOM), 2);
    assert_int_equal(got[0].role, KEY_SEALS);
    assert_int_equal(got[1].role, KEY_NEXT);
    memcpy(file.p + 3 * line, file.p, 2 * line);
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, 5 * line, NOW, got, ROOM), 5);
    assert_int_equal(got[1].role, KEY_OPENS);
    assert_int_equal(got[3].role, KEY_SEALS);
    assert_int_equal(got[4].role, KEY_NEXT);
}

static void what_haproxy_refuses(void **state)
{
    struct format_key got[ROOM];
    struct bytes file;
    struct bytes other;

    (void)state;
    load("haproxy.keys", &file);
    load("haproxy-short.keys", &other);
    memcpy(file.p + file.n, other.p, other.n);
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, file.n + other.n, NOW, got, ROOM),
                     0);
    file.p[file.n] = '\n';
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, file.n + 1, NOW, got, ROOM), 0);
    file.p[0] = '#';
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, file.n, NOW, got, ROOM), 0);
    load("haproxy.keys", &file);
    file.n--; /* the last end of line may be missing */
    assert_int_equal(key_format_read(KEY_FORMAT_HAPROXY, file.p, file.n, NOW, got, ROOM), 3);
}

static void lighttpd_has_dates_of_31_bits(void **state)
{
    struct keys keys = golden_keys(32);
    struct format_key got[ROOM];
    struct bytes file;
    int32_t version = 1;

    (void)state;
    keys.k[1].begins_s = -5;
    keys.k[1].ends_s = INT64_C(1) << 40;
    write(KEY_FORMAT_LIGHTTPD, &keys.k[1], 1, &file);
    assert_int_equal(key_format_read(KEY_FORMAT_LIGHTTPD, file.p, file.n, NOW, got, ROOM), 1);
    assert_int_equal(got[0].begins_s, 0);
    assert_int_equal(got[0].ends_s, INT32_MAX);
    memcpy(file.p, &version, sizeof version);
    assert_int_equal(key_format_read(KEY_FORMAT_LIGHTTPD, file.p, file.n, NOW, got, ROOM), 0);
}

static void assert_roles(enum key_format format, const struct bytes *file, int64_t now_s, int first,
                         int second, int third)
{
    const int wanted[] = {first, second, third};
    struct format_key got[ROOM];
    const size_t n = key_format_read(format, file->p, file->n, now_s, got, ROOM);

    assert_in_range(n, 1, 3);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].role, wanted[i]);
    }
}

static void dates_make_roles(void **state)
{
    struct bytes file;

    (void)state;
    load("h2o.yaml", &file);
    assert_roles(KEY_FORMAT_H2O, &file, 1499999999, KEY_NEXT, KEY_OPENS, KEY_OPENS);
    assert_roles(KEY_FORMAT_H2O, &file, 1500000000, KEY_SEALS, KEY_NEXT, KEY_OPENS);
    assert_roles(KEY_FORMAT_H2O, &file, 1600000000, KEY_OPENS, KEY_SEALS, KEY_NEXT);
    assert_roles(KEY_FORMAT_H2O, &file, 2100000000, KEY_OPENS, KEY_OPENS, KEY_SEALS);
    assert_roles(KEY_FORMAT_H2O, &file, 2100000001, KEY_OPENS, KEY_OPENS, KEY_OPENS);
    load("lighttpd.stek", &file);
    assert_roles(KEY_FORMAT_LIGHTTPD, &file, 1599999999, KEY_NEXT, 0, 0);
    assert_roles(KEY_FORMAT_LIGHTTPD, &file, 1600000000, KEY_SEALS, 0, 0);
    assert_roles(KEY_FORMAT_LIGHTTPD, &file, 2100000001, KEY_OPENS, 0, 0);
}

/* h2o sorts them by name then. */
static void of_equal_begins_the_lower_name_seals(void **state)
{
    struct keys keys = golden_keys(32);
    struct bytes file;

    (void)state;
    keys.k[0].begins_s = keys.k[2].begins_s = keys.k[1].begins_s;
    write(KEY_FORMAT_H2O, keys.k, 3, &file);
    assert_roles(KEY_FORMAT_H2O, &file, NOW, KEY_OPENS, KEY_SEALS, KEY_OPENS);
}

static void an_end_before_its_begin_is_refused(void **state)
{
    struct keys keys = golden_keys(32);

    (void)state;
    keys.k[1].ends_s = keys.k[1].begins_s - 1;
    assert_false(is_written(KEY_FORMAT_H2O, keys.k, 3));
    assert_false(is_written(KEY_FORMAT_LIGHTTPD, &keys.k[1], 1));
    assert_true(is_written(KEY_FORMAT_NGINX, &keys.k[1], 1));
}

/* As h2o's own tools make it; nobody else has such keys. */
static void an_hmac_key_of_64_bytes_stays_h2os(void **state)
{
    (void)state;
    for (uint8_t len = 16; len <= 32; len = (uint8_t)(len + 16)) {
        struct keys keys = golden_keys(len);
        struct format_key got[ROOM];
        struct bytes file;

        for (size_t i = 0; i < 3; i++) {
            assert_true(format_key_is_stek(&keys.k[i]));
            memset(keys.k[i].hmac_rest, 0x5a, (size_t)KEY_H2O_HMAC_LEN - len);
            assert_false(format_key_is_stek(&keys.k[i]));
        }
        write(KEY_FORMAT_H2O, keys.k, 3, &file);
        assert_int_equal(key_format_read(KEY_FORMAT_H2O, file.p, file.n, NOW, got, ROOM), 3);
        for (size_t i = 0; i < 3; i++) {
            assert_stek(&got[i].stek, &keys.k[i].stek);
            assert_memory_equal(got[i].hmac_rest, keys.k[i].hmac_rest, KEY_HMAC_REST);
        }
        assert_false(is_written(KEY_FORMAT_HAPROXY, keys.k, 3));
        assert_false(is_written(KEY_FORMAT_NGINX, &keys.k[1], 1));
    }
}

static void as_many_keys_as_there_may_be(void **state)
{
    static struct format_key keys[KEY_FORMAT_KEYS_MAX + 1];
    static struct format_key got[KEY_FORMAT_KEYS_MAX];
    static uint8_t file[KEY_FORMAT_BYTES_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i <= KEY_FORMAT_KEYS_MAX; i++) {
        keys[i].role = i == 0 ? KEY_SEALS : KEY_OPENS;
        keys[i].stek.key_len = 32;
        keys[i].ends_s = INT64_MAX;
    }
    assert_in_range(key_format_size(KEY_FORMAT_H2O, KEY_FORMAT_KEYS_MAX), 1, sizeof file);
    n = key_format_write(KEY_FORMAT_H2O, keys, KEY_FORMAT_KEYS_MAX, file, sizeof file);
    assert_int_not_equal(n, 0);
    assert_int_equal(key_format_read(KEY_FORMAT_H2O, file, n, NOW, got, KEY_FORMAT_KEYS_MAX),
                     KEY_FORMAT_KEYS_MAX);
    assert_int_equal(
        key_format_write(KEY_FORMAT_H2O, keys, KEY_FORMAT_KEYS_MAX + 1, file, sizeof file), 0);
}

static void words(void **state)
{
    enum key_format format;

    (void)state;
    for (unsigned f = 0; f < KEY_FORMATS; f++) {
        assert_true(key_format_parse(key_format_text((enum key_format)f), &format));
        assert_int_equal(format, f);
        assert_true(strlen(key_format_servers(format)) > 2);
    }
    assert_false(key_format_parse("nginx ", &format));
    assert_false(key_format_parse("", &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_byte_for_byte),
        cmocka_unit_test(every_format_is_read),
        cmocka_unit_test(no_byte_more_and_no_byte_less),
        cmocka_unit_test(a_buffer_too_small_is_refused_at_every_length),
        cmocka_unit_test(more_keys_than_room_are_refused_and_wiped),
        cmocka_unit_test(lengths_that_a_server_does_not_take),
        cmocka_unit_test(too_few_keys_and_too_many),
        cmocka_unit_test(one_seals_and_no_more),
        cmocka_unit_test(haproxy_needs_a_next),
        cmocka_unit_test(a_file_of_one_key_has_one_of_any_role),
        cmocka_unit_test(both_lengths_in_one_file),
        cmocka_unit_test(a_file_of_haproxy_with_fewer_or_more_lines),
        cmocka_unit_test(what_haproxy_refuses),
        cmocka_unit_test(lighttpd_has_dates_of_31_bits),
        cmocka_unit_test(dates_make_roles),
        cmocka_unit_test(of_equal_begins_the_lower_name_seals),
        cmocka_unit_test(an_end_before_its_begin_is_refused),
        cmocka_unit_test(an_hmac_key_of_64_bytes_stays_h2os),
        cmocka_unit_test(as_many_keys_as_there_may_be),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
