#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config_kit.h"
#include "key_format.h"
#include "memory.h"

#define NGINX "nginx: {files: /run/n, reload: [nginx, -s, reload]}"
#define HAPROXY "haproxy: {file: /run/h/keys, socket: /run/h.sock}"
#define LISTEN                                                                                     \
    "listen: [{address: \"127.0.0.1:443\", sites: [{name: a, certificate: c, key: k}]}]\n"

static void a_feed_alone_is_a_configuration(void **state)
{
    struct config *c = config_of("feeds:\n  - " NGINX "\n");
    const struct config_feed *feed = &c->feeds[0];

    (void)state;
    assert_int_equal(c->n_listen, 0);
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->n_feeds, 1);
    assert_int_equal(feed->server, CONFIG_FEED_NGINX);
    assert_string_equal(feed->name, "nginx");
    assert_string_equal(feed->domain_id, "feed:nginx");
    assert_string_equal(feed->folder, "/run/n");
    assert_null(feed->prefix);
    assert_null(feed->group);
    assert_null(feed->verify);
    assert_int_equal(feed->reload.n, 3);
    assert_string_equal(feed->reload.items[2], "reload");
    assert_int_equal(feed->reload_timeout_ms, 10000);
    assert_false(feed->keys_may_reach_disk);
    assert_int_equal(feed->place.line, 2);
    config_free(&c);
}

static void beside_a_listener_workers_stay(void **state)
{
    struct config *c = config_of("workers: 3\nfeeds: [{" NGINX "}]\n" LISTEN);

    (void)state;
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->n_feeds, 1);
    config_free(&c);
}

static void every_option_is_taken(void **state)
{
    struct config *c = config_of(
        "feeds:\n"
        "  - haproxy: {file: /run/h/keys, socket: \"127.0.0.1:9999\", name: front, domain: shop, "
        "group: haproxy, verify: \"127.0.0.1:443\", verify_name: www.example.com, "
        "keys_may_reach_disk: on}\n"
        "  - files: {files: /run/f, format: dnsdist-gnutls, short: on, reload: /bin/true, "
        "reload_timeout: 500ms}\n");
    const struct config_feed *feed = &c->feeds[0];

    (void)state;
    assert_string_equal(feed->name, "front");
    assert_string_equal(feed->domain_id, "domain:shop");
    assert_string_equal(feed->folder, "/run/h");
    assert_string_equal(feed->prefix, "keys");
    assert_string_equal(feed->socket, "127.0.0.1:9999");
    assert_string_equal(feed->group, "haproxy");
    assert_string_equal(feed->verify, "127.0.0.1:443");
    assert_string_equal(feed->verify_name, "www.example.com");
    assert_true(feed->keys_may_reach_disk);
    feed = &c->feeds[1];
    assert_int_equal(feed->format, KEY_FORMAT_DNSDIST_GNUTLS);
    assert_true(feed->is_short);
    assert_int_equal(feed->reload_timeout_ms, 500);
    assert_int_equal(feed->reload.n, 1);
    config_free(&c);
}

static void every_server_is_known(void **state)
{
    struct config *c = config_of("feeds:\n"
                                 "  - " NGINX "\n"
                                 "  - " HAPROXY "\n"
                                 "  - apache: {file: /run/a/k, reload: [apachectl, graceful]}\n"
                                 "  - trafficserver: {file: /run/t/k, reload: /t}\n"
                                 "  - lighttpd: {file: /run/l/k}\n"
                                 "  - h2o: {file: /run/o/k}\n"
                                 "  - nodejs: {file: /run/j/k}\n"
                                 "  - files: {files: /run/f, format: nginx}\n");

    (void)state;
    assert_int_equal(c->n_feeds, CONFIG_FEED_SERVERS);
    for (unsigned i = 0; i < CONFIG_FEED_SERVERS; i++) {
        assert_int_equal(c->feeds[i].server, i);
        assert_string_equal(c->feeds[i].name, config_feed_word((enum config_feed_server)i));
    }
    config_free(&c);
}

static void domains_are_those_of_sites_and_feeds(void **state)
{
    struct config *c = config_of("feeds: [{" NGINX "}, {h2o: {file: /run/o/k, domain: a}}]\n"
                                 "listen: [{address: \"127.0.0.1:1\", sites: [{name: x, "
                                 "certificate: c, key: k, domain: a}]}]\n");
    const char **names;
    size_t n;

    (void)state;
    assert_int_equal(config_domains(c, &names, &n), RP_OK);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "domain:a");
    assert_string_equal(names[1], "feed:nginx");
    memory_free(names);
    config_free(&c);
}

static void a_feed_is_one_server_that_is_known(void **state)
{
    static const struct config_broken broken[] = {
        {"feeds: []\n", "x.yaml:1:8: feeds takes a list of 1 to 16 maps, each with the word of a "
                        "server, such as nginx, not an empty list"},
        {"feeds: nginx\n", "x.yaml:1:8: feeds takes a list of 1 to 16 maps, each with the word of "
                           "a server, such as nginx, not \"nginx\""},
        {"feeds:\n  - ngnix: {}\n",
         "x.yaml:2:5: unknown directive \"ngnix\" in feeds; did you mean \"nginx\"?"},
        {"feeds:\n  - caddyserver: {}\n",
         "x.yaml:2:5: unknown directive \"caddyserver\" in feeds; it takes nginx, haproxy, apache, "
         "trafficserver, lighttpd, h2o, nodejs, files"},
        {"feeds:\n  - {}\n", "x.yaml:2:5: this feed names no server; give one of nginx, haproxy, "
                             "apache, trafficserver, lighttpd, h2o, nodejs, files"},
        {"feeds:\n  - h2o:\n",
         "x.yaml:2:9: h2o takes a map with file, or files, and others, not nothing"},
        {"feeds:\n  - " NGINX "\n    h2o: {file: /run/h/k, name: x}\n",
         "x.yaml:3:10: a feed is one server; begin another with a dash of its own"},
        {"feeds:\n  - h2o: {file: /run/h/k, name: x}\n    lighttpd: {file: /run/h/k, name: y}\n",
         "x.yaml:3:15: a feed is one server; begin another with a dash of its own"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void options_are_those_of_the_server(void **state)
{
    static const struct config_broken broken[] = {
        {"feeds:\n  - nginx: {files: /run/n}\n", "x.yaml:2:5: the feed nginx lacks reload"},
        {"feeds:\n  - haproxy: {}\n", "x.yaml:2:5: the feed haproxy lacks file, socket"},
        {"feeds:\n  - h2o: {file: /run/k/k, reload: x}\n",
         "x.yaml:2:5: a feed of h2o has no reload; it takes file, name, domain, group, verify, "
         "verify_name, keys_may_reach_disk"},
        {"feeds:\n  - files: {files: /run/n}\n", "x.yaml:2:5: the feed files lacks format"},
        {"feeds:\n  - h2o: {fiel: /run/k/k}\n",
         "x.yaml:2:11: unknown directive \"fiel\" in a feed; did you mean \"files\"?"},
        {"feeds:\n  - h2o: {workers: 1}\n",
         "x.yaml:2:11: \"workers\" does not stand in a feed but at the top level"},
        {"feeds:\n  - h2o: {file: /run/k/k, verify_name: x}\n",
         "x.yaml:2:5: verify_name says which name to ask for, and without verify nobody is asked; "
         "give verify, or remove verify_name"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void paths_are_absolute_and_plain(void **state)
{
    static const char *const folders[] = {
        "run/n", "/", "/run/", "/run//n", "/run/../n", "/run/./n", "/run/..", "/.",
    };
    static const char *const files[] = {
        "k",
        "/k",
        "/run/.k",
        "/run/a b",
        "/run/k12345678901234567890123456789012345678901234567890",
    };
    struct rp_error err;
    struct config *c;

    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char text[256];

        (void)snprintf(text, sizeof text, "feeds: [{nginx: {files: \"%s\", reload: x}}]\n",
                       folders[i]);
        assert_int_equal(config_parse("x", text, strlen(text), &c, &err), RP_FORMAT);
        assert_non_null(strstr(err.text, "files takes the absolute path of a folder"));
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char text[256];

        (void)snprintf(text, sizeof text, "feeds: [{h2o: {file: \"%s\"}}]\n", files[i]);
        assert_int_equal(config_parse("x", text, strlen(text), &c, &err), RP_FORMAT);
        assert_non_null(strstr(err.text, "file takes the absolute path of a file"));
    }
}

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void values_are_judged(void **state)
{
    static const struct config_broken broken[] = {
        {"feeds:\n  - nginx: {files: /run/n, reload: nginx -s reload}\n",
         "x.yaml:2:36: reload goes through no shell; write each word by itself, such as [nginx, "
         "-s, reload], not \"nginx -s reload\""},
        {"feeds:\n  - nginx: {files: /run/n, reload: [bin/nginx]}\n",
         "x.yaml:2:36: reload begins with an absolute path, or a name to be found in PATH, not "
         "\"bin/nginx\""},
        {"feeds:\n  - haproxy: {file: /run/h/k, socket: localhost}\n",
         "x.yaml:2:39: socket takes the path of HAProxy's stats socket, of at most 107 bytes, or a "
         "numeric HOST:PORT, not \"localhost\""},
        {"feeds:\n  - haproxy: {file: /run/h/k, socket: /" X32 X32 X32 X32 "}\n",
         "x.yaml:2:39: socket takes the path of HAProxy's stats socket, of at most 107 bytes, or a "
         "numeric HOST:PORT, not \"/" X32 X32 "...\""},
        {"feeds:\n  - h2o: {file: /run/h/k, name: a b}\n",
         "x.yaml:2:33: name takes 1 to 63 of A-Z a-z 0-9 . _ -, not \"a b\""},
        {"feeds:\n  - h2o: {file: /run/h/k, verify: --help}\n",
         "x.yaml:2:35: verify takes where the server answers, such as 127.0.0.1:443, not "
         "\"--help\""},
        {"feeds:\n  - files: {files: /run/h, format: envoy}\n",
         "x.yaml:2:36: format takes nginx, haproxy, apache, trafficserver, lighttpd, h2o, nghttpx, "
         "dnsdist or dnsdist-gnutls, not \"envoy\""},
        {"feeds:\n  - nodejs: {file: /run/h/k, reload: x, reload_timeout: 1h}\n",
         "x.yaml:2:57: reload_timeout takes a duration from 100ms to 10m, such as 10s, not "
         "\"1h\""},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void feeds_keep_out_of_each_others_way(void **state)
{
    static const struct config_broken broken[] = {
        {"feeds:\n  - h2o: {file: /run/a/k}\n  - h2o: {file: /run/b/k}\n",
         "x.yaml:3:5: the feed in line 2 is called h2o already; give one of them another name"},
        {"feeds:\n  - h2o: {file: /run/a/k}\n  - lighttpd: {file: /run/a/k}\n",
         "x.yaml:3:22: the feed h2o has its files there already; give each its own"},
        {"feeds:\n  - " NGINX "\n  - h2o: {file: /run/n/k}\n",
         "x.yaml:3:17: the feed nginx has its files there already; give each its own"},
        {"session_ticket_key: k\nfeeds:\n  - h2o: {file: /run/a/k}\n",
         "x.yaml:3:3: feeds hands on keys that rotate, and those of session_ticket_key are in "
         "files already, which any server can read; remove one of the two"},
        {"workers: 2\n",
         "x.yaml:1:1: listen is missing; give at least one address with its sites, or feeds"},
    };
    struct config *c = config_of("feeds: [{h2o: {file: /run/a/k}}, {nodejs: {file: /run/a/l}}]\n");

    (void)state;
    assert_int_equal(c->n_feeds, 2); /* two files in one folder */
    config_free(&c);
    EXPECT_COMPLAINTS(broken);
}

static void want_of_memory_is_survived(void **state)
{
    (void)state;
    expect_survival("feeds:\n  - " NGINX "\n  - haproxy: {file: /run/h/k, socket: /run/s, name: x, "
                    "domain: d, group: g, verify: \"a:1\", verify_name: b}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feed_alone_is_a_configuration),
        cmocka_unit_test(beside_a_listener_workers_stay),
        cmocka_unit_test(every_option_is_taken),
        cmocka_unit_test(every_server_is_known),
        cmocka_unit_test(domains_are_those_of_sites_and_feeds),
        cmocka_unit_test(a_feed_is_one_server_that_is_known),
        cmocka_unit_test(options_are_those_of_the_server),
        cmocka_unit_test(paths_are_absolute_and_plain),
        cmocka_unit_test(values_are_judged),
        cmocka_unit_test(feeds_keep_out_of_each_others_way),
        cmocka_unit_test(want_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
