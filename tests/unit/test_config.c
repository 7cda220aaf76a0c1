#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_kit.h"
#include "error.h"
#include "memory.h"
#include "text.h"

#define SITE "{name: a, certificate: c, key: k}"
#define LISTEN "listen:\n- address: 127.0.0.1:0\n  sites: [" SITE "]\n"

static void everything_is_read(void **state)
{
    struct config *c = config_of("workers: 3\n"
                                 "user: web\n"
                                 "fleet: { rotate: 2s, accept: 10s }\n"
                                 "listen:\n"
                                 "  - address: \"[::1]:443\"\n"
                                 "    backend: unix:/run/b.sock\n"
                                 "    proxy_protocol: off\n"
                                 "    session_tickets: off\n"
                                 "    num_tickets: 4\n"
                                 "    session_cache: 50mb\n"
                                 "    session_timeout: 12h\n"
                                 "    max_age: 7d\n"
                                 "    early_data: off\n"
                                 "    strict_sni: on\n"
                                 "    ciphers: ECDHE+AESGCM\n"
                                 "    ciphersuites: TLS_AES_128_GCM_SHA256\n"
                                 "    groups: X25519:P-256\n"
                                 "    sites:\n"
                                 "      - name: WWW.Example.com\n"
                                 "        certificate: [rsa.pem, /abs/ec.pem]\n"
                                 "        key: [rsa.key, ec.key]\n"
                                 "      - name: \"*.shop.example.com\"\n"
                                 "        certificate: shop.pem\n"
                                 "        key: shop.key\n"
                                 "        client_verify: off\n"
                                 "        domain: shop\n"
                                 "log: { format: json, connections: off }\n");
    const struct config_listen *l = &c->listen[0];

    (void)state;
    assert_string_equal(c->file, "dir/x.yaml");
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->user, "web");
    assert_int_equal(c->rotate_ms, 2000);
    assert_int_equal(c->accept_ms, 10000);
    assert_int_equal(c->log_format, CONFIG_LOG_JSON);
    assert_false(c->log_connections);
    assert_int_equal(c->n_listen, 1);
    assert_string_equal(l->address, "[::1]:443");
    assert_string_equal(l->backend, "unix:/run/b.sock");
    assert_false(l->session_tickets);
    assert_int_equal(l->num_tickets, 4);
    assert_int_equal(l->session_cache, 50 << 20);
    assert_int_equal(l->session_timeout_ms, 12 * 3600000);
    assert_int_equal(l->max_age_ms, 7 * 86400000);
    assert_true(l->strict_sni);
    assert_string_equal(l->ciphers, "ECDHE+AESGCM");
    assert_string_equal(l->ciphersuites, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(l->groups, "X25519:P-256");
    assert_int_equal(l->n_sites, 2);
    assert_string_equal(l->sites[0].name, "www.example.com");
    assert_int_equal(l->sites[0].certificates.n, 2);
    assert_string_equal(l->sites[0].certificates.items[0], "dir/rsa.pem");
    assert_string_equal(l->sites[0].certificates.items[1], "/abs/ec.pem");
    assert_int_equal(l->sites[0].certificates.place.line, 20);
    assert_string_equal(l->sites[0].keys.items[1], "dir/ec.key");
    assert_null(l->sites[0].domain);
    assert_string_equal(l->sites[0].domain_id, "site:www.example.com");
    assert_int_equal(l->sites[1].place.line, 22);
    assert_int_equal(l->sites[1].place.column, 9);
    assert_string_equal(l->sites[1].domain_id, "domain:shop");
    config_free(&c);
    assert_null(c);
}

static void what_is_absent_has_its_default(void **state)
{
    struct config *c = config_of(LISTEN);
    const struct config_listen *l = &c->listen[0];

    (void)state;
    assert_true(c->workers >= 1);
    assert_null(c->user);
    assert_int_equal(c->rotate_ms, 3600000);
    assert_int_equal(c->accept_ms, 86400000);
    assert_int_equal(c->session_ticket_key.n, 0);
    assert_int_equal(c->log_format, CONFIG_LOG_TEXT);
    assert_true(c->log_connections);
    assert_null(l->backend);
    assert_true(l->session_tickets);
    assert_int_equal(l->num_tickets, 2);
    assert_int_equal(l->session_cache, 10 << 20);
    assert_int_equal(l->session_timeout_ms, 86400000);
    assert_int_equal(l->max_age_ms, 86400000);
    assert_false(l->strict_sni);
    assert_null(l->ciphers);
    config_free(&c);
    config_free(&c);
}

static void good_ones_are_taken(void **state)
{
    static const char *const good[] = {
        "---\n" LISTEN "...\n",
        "%YAML 1.1\n---\n" LISTEN,
        "\xef\xbb\xbf" LISTEN,
        "# caf\xc3\xa9\n" LISTEN,
        "session_ticket_key: a.key\n" LISTEN,
        "session_ticket_key: [a.key, b.key]\n" LISTEN,
        "fleet: {}\nlog: {}\n" LISTEN,
        "fleet: {rotate: 1s, accept: 255s}\n" LISTEN,
        "fleet: {rotate: 7d}\n" LISTEN,
        "\"workers\": '2'\n" LISTEN,
        "listen: [{address: \"0.0.0.0:0\", session_cache: off, sites: [" SITE
        "]}, {address: \"0.0.0.0:0\", sites: [" SITE "]}]",
        "listen: [{address: \"0.0.0.0:443\", session_cache: 64KB, sites: [" SITE
        "]}, {address: \"[::1]:443\", sites: [" SITE "]}]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct config *c = config_of(good[i]);

        config_free(&c);
    }
}

static void names_are_judged(void **state)
{
    static const struct config_broken broken[] = {
        {"wrokers: 2\n" LISTEN,
         "x.yaml:1:1: unknown directive \"wrokers\" at the top level; did you mean \"workers\"?"},
        {"worker: 2\n" LISTEN,
         "x.yaml:1:1: unknown directive \"worker\" at the top level; did you mean \"workers\"?"},
        {"log:\n  formats: json\n",
         "x.yaml:2:3: unknown directive \"formats\" in log; did you mean \"format\"?"},
        {"log:\n  colour: on\n",
         "x.yaml:2:3: unknown directive \"colour\" in log; it takes format, connections, to"},
        {"fleet: {x: 1}\n",
         "x.yaml:1:9: unknown directive \"x\" in fleet; it takes rotate, accept, "
         "name, store, secret, reseed, host, address, join_timeout"},
        {"session_timeout: 1d\n",
         "x.yaml:1:1: \"session_timeout\" does not stand at the top level but in an item of "
         "listen"},
        {"fleet: {workers: 1}\n",
         "x.yaml:1:9: \"workers\" does not stand in fleet but at the top level"},
        {"workers: 1\nworkers: 2\n", "x.yaml:2:1: workers stands in line 1 already"},
        {"listen:\n- address: a:1\n  address: b:1\n",
         "x.yaml:3:3: address stands in line 2 already"},
        {"? [a]\n: b\n", "x.yaml:1:3: here the name of a directive is missing"},
        {"fleet:\n"
         " \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9: 1\n",
         "x.yaml:2:2: unknown directive \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9...\" in fleet; it takes rotate, accept, "
         "name, store, secret, reseed, host, address, join_timeout"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void values_are_judged(void **state)
{
    static const struct config_broken broken[] = {
        {"workers: two\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not \"two\""},
        {"workers: 0\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not \"0\""},
        {"workers: 257\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not \"257\""},
        {"workers: -1\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not \"-1\""},
        {"workers:\n", "x.yaml:1:9: workers takes a whole number from 1 to 256, not nothing"},
        {"workers: [1]\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not a list"},
        {"workers: {a: b}\n", "x.yaml:1:10: workers takes a whole number from 1 to 256, not a map"},
        {"user: \"\"\n",
         "x.yaml:1:7: user takes the name of a user, of at most 24 characters, not nothing"},
        {"fleet: 1h\n", "x.yaml:1:8: fleet takes a map with rotate, accept, store and "
                        "others, not \"1h\""},
        {"fleet:\n  rotate: 1\n",
         "x.yaml:2:11: rotate takes a duration from 1s to 365d, such as 1h, not \"1\""},
        {"fleet: {rotate: 500ms}\n",
         "x.yaml:1:17: rotate takes a duration from 1s to 365d, such as 1h, not \"500ms\""},
        {"fleet: {accept: 366d}\n",
         "x.yaml:1:17: accept takes a duration from 1s to 365d, such as 24h, not \"366d\""},
        {"log: {format: xml}\n", "x.yaml:1:15: format takes text or json, not \"xml\""},
        {"log: {connections: yes}\n", "x.yaml:1:20: connections takes on or off, not \"yes\""},
        {"session_ticket_key: []\n", "x.yaml:1:21: session_ticket_key takes the name of a key "
                                     "file, or a list of at most 16, not an empty list"},
        {"session_ticket_key: [a, [b]]\n", "x.yaml:1:25: session_ticket_key takes the name of a "
                                           "key file, or a list of at most 16, not a list"},
        {"session_ticket_key: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]\n",
         "x.yaml:1:54: session_ticket_key takes the name of a key file, or a list of at most 16; "
         "this is one more"},
        {"listen: []\n", "x.yaml:1:9: listen takes a list of 1 to 64 maps, each with address and "
                         "sites, not an empty list"},
        {"listen: 127.0.0.1:443\n", "x.yaml:1:9: listen takes a list of 1 to 64 maps, each with "
                                    "address and sites, not \"127.0.0.1:443\""},
        {"listen: {address: a}\n", "x.yaml:1:9: listen takes a list of 1 to 64 maps, each with "
                                   "address and sites, not a map"},
        {"listen: [a]\n", "x.yaml:1:10: listen takes a list of 1 to 64 maps, each with address "
                          "and sites, not \"a\""},
        {"listen: [{session_tickets: maybe}]\n",
         "x.yaml:1:28: session_tickets takes on or off, not \"maybe\""},
        {"listen: [{num_tickets: 0}]\n",
         "x.yaml:1:24: num_tickets takes a whole number from 1 to 16 (for none: session_tickets: "
         "off), not \"0\""},
        {"listen: [{num_tickets: 17}]\n",
         "x.yaml:1:24: num_tickets takes a whole number from 1 to 16 (for none: session_tickets: "
         "off), not \"17\""},
        {"listen: [{session_cache: 63kb}]\n",
         "x.yaml:1:26: session_cache takes a size from 64kb to 64gb, such as 50mb, or off, not "
         "\"63kb\""},
        {"listen: [{session_cache: 50 mb}]\n",
         "x.yaml:1:26: session_cache takes a size from 64kb to 64gb, such as 50mb, or off, not "
         "\"50 mb\""},
        {"listen: [{session_timeout: 8d}]\n",
         "x.yaml:1:28: session_timeout takes a duration from 1s to 7d, such as 12h, not \"8d\""},
        {"listen: [{max_age: 0s}]\n",
         "x.yaml:1:20: max_age takes a duration from 1s to 365d, such as 1d, not \"0s\""},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void what_this_version_lacks_is_refused(void **state)
{
    static const struct config_broken broken[] = {
        {"listen: [{early_data: on}]\n", "x.yaml:1:23: early_data: \"on\" is not available in "
                                         "this version; the only value is off"},
        {"listen: [{early_data: [off]}]\n", "x.yaml:1:23: early_data takes off, not a list"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void addresses_are_judged(void **state)
{
    static const char *const bad_addresses[] = {
        "localhost:443", "443",    "\\\":443\\\"", "127.0.0.1",      "127.0.0.1:65536",
        "::1:443",       "[::1]",  "[::1:443",     "127.0.0.1:",     "[127.0.0.1]:443",
        "127.1:443",     "[]:443", "*:443",        "127.0.0.1:44 3", "127.0.0.1:+1",
    };
    struct rp_error err;
    struct config *config;

    (void)state;
    for (size_t i = 0; i < sizeof bad_addresses / sizeof bad_addresses[0]; i++) {
        char buffer[256];
        struct text t = text_of(buffer, sizeof buffer);

        text_addf(&t, "listen: [{address: \"%s\", sites: [%s]}]\n", bad_addresses[i], SITE);
        assert_int_equal(config_parse("x.yaml", t.start, t.len, &config, &err), RP_FORMAT);
        assert_non_null(strstr(err.text, "x.yaml:1:20: address takes a numeric address and a "
                                         "port, such as 0.0.0.0:443 or \"[::]:443\", not \""));
        t = text_of(buffer, sizeof buffer);
        text_addf(&t, "listen: [{address: \"[::]:0\", backend: \"%s\", sites: [%s]}]\n",
                  bad_addresses[i], SITE);
        assert_int_equal(config_parse("x.yaml", t.start, t.len, &config, &err), RP_FORMAT);
        assert_non_null(strstr(err.text, "x.yaml:1:39: backend takes "));
    }
}

static void listeners_are_judged(void **state)
{
    static const struct config_broken broken[] = {
        {"listen: [{sites: [" SITE "]}]\n",
         "x.yaml:1:10: this listener has no address; give one such as \"[::]:443\""},
        {"listen: [{address: \"0.0.0.0:1\"}]\n",
         "x.yaml:1:10: the listener 0.0.0.0:1 has no sites; give at least one with name, "
         "certificate and key"},
        {"listen: [{address: \"0.0.0.0:1\", backend: \"127.0.0.1:0\", sites: [" SITE "]}]\n",
         "x.yaml:1:42: backend takes a numeric address and a port, such as 127.0.0.1:8080, or "
         "unix:/path, not \"127.0.0.1:0\""},
        {"listen: [{address: \"0.0.0.0:1\", backend: \"unix:x\", sites: [" SITE "]}]\n",
         "x.yaml:1:42: backend takes a numeric address and a port, such as 127.0.0.1:8080, or "
         "unix:/path, not \"unix:x\""},
        {"listen:\n- {address: \"[::1]:1\", sites: [" SITE
         "]}\n- {address: \"[0::1]:1\", sites: [" SITE "]}\n",
         "x.yaml:3:3: the listener [0::1]:1 stands in line 2 already; give its sites there"},
        {"listen:\n- {address: \"0.0.0.0:1\", sites: [" SITE
         "]}\n- {address: \"[::]:1\", sites: [" SITE "]}\n",
         "x.yaml:3:3: the listener [::]:1 overlaps with 0.0.0.0:1 in line 2: 0.0.0.0 takes all of "
         "IPv4, [::] takes everything"},
        {"workers: 1\n", "x.yaml:1:1: listen is missing; give at least one address with its sites, "
                         "or feeds"},
        {"", "x.yaml:1:1: the configuration is empty; give at least listen"},
        {"# nothing\n", "x.yaml:1:1: the configuration is empty; give at least listen"},
        {"---\n", "x.yaml:2:1: a configuration is a map of directives, such as \"workers: 2\""},
        {"[]", "x.yaml:1:1: a configuration is a map of directives, such as \"workers: 2\""},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

#define IN_SITES(s) "listen:\n- address: 0.0.0.0:1\n  sites:\n" s

static void sites_are_judged(void **state)
{
    static const struct config_broken broken[] = {
        {IN_SITES("  - {certificate: c, key: k}\n"),
         "x.yaml:4:5: this site has no name; give the one that its clients ask for"},
        {IN_SITES("  - {name: a, key: k}\n"),
         "x.yaml:4:5: the site a has no certificate; give a PEM file"},
        {IN_SITES("  - {name: a, certificate: c}\n"),
         "x.yaml:4:5: the site a has no key; give a PEM file"},
        {IN_SITES("  - {name: a, certificate: [c, d], key: k}\n"),
         "x.yaml:4:41: 1 key file for 2 certificates; give one key for each, in the same order"},
        {IN_SITES("  - " SITE "\n  - " SITE "\n"),
         "x.yaml:5:5: the site a stands in line 4 already; a listener has each name once"},
        {IN_SITES("  - {name: a.*.b, certificate: c, key: k}\n"),
         "x.yaml:4:12: \"a.*.b\" is no host name; a name is www.example.com or, with the star in "
         "front only, *.example.com"},
        {IN_SITES("  - {name: \"*\", certificate: c, key: k}\n"),
         "x.yaml:4:12: \"*\" is no host name; a name is www.example.com or, with the star in "
         "front only, *.example.com"},
        {IN_SITES("  - {name: a.example., certificate: c, key: k}\n"),
         "x.yaml:4:12: \"a.example.\" is no host name; a name is www.example.com or, with the "
         "star in front only, *.example.com"},
        {IN_SITES("  - {name: -a, certificate: c, key: k}\n"),
         "x.yaml:4:12: \"-a\" is no host name; a name is www.example.com or, with the star in "
         "front only, *.example.com"},
        {IN_SITES("  - {name: caf\xc3\xa9, certificate: c, key: k}\n"),
         "x.yaml:4:12: name takes a host name as TLS carries it; write this one as xn--..."},
        {IN_SITES("  - {name: a, certificate: c, key: k, domain: a/b}\n"),
         "x.yaml:4:47: domain takes a word of letters, digits, \"-\", \"_\" and \".\", at most 128 "
         "of them, not \"a/b\""},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void what_contradicts_is_refused(void **state)
{
    static const struct config_broken broken[] = {
        {"fleet: {rotate: 2s}\n" LISTEN,
         "x.yaml:1:17: accept, which is 24h by default, is more than 255 times rotate; make it at "
         "most 510000 ms or rotate longer"},
        {"fleet: {accept: 256s, rotate: 1s}\n" LISTEN,
         "x.yaml:1:17: accept is more than 255 times rotate; make it at most 255000 ms or rotate "
         "longer"},
        {"session_ticket_key: k\nfleet: {rotate: 1h}\n" LISTEN,
         "x.yaml:2:17: rotate has no meaning beside session_ticket_key, whose files rotate when "
         "they are replaced; remove one of the two"},
        {"fleet: {accept: 2h}\nsession_ticket_key: k\n" LISTEN,
         "x.yaml:1:17: accept has no meaning beside session_ticket_key, whose files rotate when "
         "they are replaced; remove one of the two"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
}

static void what_yaml_has_and_we_do_not_is_refused(void **state)
{
    static const struct config_broken broken[] = {
        {"workers: &a 2\n", "x.yaml:1:10: anchors (&name) are not taken; write the value where it "
                            "is needed"},
        {"fleet: &a {}\n",
         "x.yaml:1:8: anchors (&name) are not taken; write the value where it is needed"},
        {"listen: &a []\n",
         "x.yaml:1:9: anchors (&name) are not taken; write the value where it is needed"},
        {"workers: *a\n",
         "x.yaml:1:10: aliases (*name) are not taken; write the value itself, or quote it"},
        {"workers: !!int 2\n", "x.yaml:1:10: tags (!name) are not taken; write the plain value"},
        {"workers: ! 2\n", "x.yaml:1:10: tags (!name) are not taken; write the plain value"},
        {"fleet: !x {}\n", "x.yaml:1:8: tags (!name) are not taken; write the plain value"},
        {LISTEN "---\nworkers: 1\n",
         "x.yaml:4:1: a second document begins here; a configuration is one"},
        {"user: \"a\\nb\"\n",
         "x.yaml:1:7: this value holds a control character or a line break; remove it"},
        {"user: \"a\\0\"\n",
         "x.yaml:1:7: this value holds a control character or a line break; remove it"},
        {"user: \"a\\x9b\"\n",
         "x.yaml:1:7: this value holds a control character or a line break; remove it"},
        {"user: b: c\n",
         "x.yaml:1:8: this is no YAML: mapping values are not allowed in this context"},
        {"workers: \"2\n", "x.yaml:2:1: this is no YAML: found unexpected end of stream, while "
                           "scanning a quoted scalar that began in line 1"},
        {"listen:\n\t- a\n",
         "x.yaml:2:1: this is no YAML: found character that cannot start any token"},
        {"user: a\x01\n", "x.yaml:1:8: this is no YAML: control characters are not allowed"},
        {"# ok\nuser: \xe9\n", "x.yaml:2:7: here stands what is not UTF-8; save the file as UTF-8"},
        {"\xff\xfe"
         "a",
         "x.yaml:1:1: here stands what is not UTF-8; save the file as UTF-8"},
        {"user: \xed\xa0\x80\n",
         "x.yaml:1:7: here stands what is not UTF-8; save the file as UTF-8"},
        {"user: \xc3", "x.yaml:1:7: here stands what is not UTF-8; save the file as UTF-8"},
    };

    (void)state;
    EXPECT_COMPLAINTS(broken);
    expect_complaint_n("user: a\0b\n", 10,
                       "x.yaml:1:8: this is no YAML: control characters are not allowed");
}

static void bounds_hold(void **state)
{
    static char text[1024 * 1024 + 1];

    (void)state;
    memset(text, '#', sizeof text);
    expect_complaint_n(text, sizeof text,
                       "x.yaml: the file is larger than the 1 MiB that a configuration may have");
    expect_complaint_n(text, sizeof text - 1,
                       "x.yaml:1:1: the configuration is empty; give at least listen");
    memset(text, 'a', 5000);
    memcpy(text, "user: ", 6);
    expect_complaint_n(text, 5000,
                       "x.yaml:1:7: this value is longer than the 4096 bytes that one "
                       "may have");
    memset(text, '[', sizeof text);
    expect_complaint_n(text, sizeof text - 1,
                       "x.yaml:1:1: a configuration is a map of directives, such as \"workers: "
                       "2\"");
}

static void the_embedded_default_is_complete(void **state)
{
    struct config *c;
    struct rp_error err;

    (void)state;
    assert_int_equal(config_default("[::1]:0", &c, &err), RP_OK);
    assert_null(c->file);
    assert_int_equal(c->n_listen, 1);
    assert_string_equal(c->listen[0].address, "[::1]:0");
    assert_int_equal(c->listen[0].num_tickets, 2);
    assert_int_equal(c->listen[0].n_sites, 1);
    assert_null(c->listen[0].sites[0].name);
    assert_string_equal(c->listen[0].sites[0].domain_id, "site:");
    assert_int_equal(c->listen[0].sites[0].certificates.n, 0);
    config_free(&c);
    assert_int_equal(config_default("localhost", &c, &err), RP_INVALID);
    assert_null(c);
    assert_string_equal(err.text, "\"localhost\" is no address; write one such as 127.0.0.1:8443 "
                                  "or [::1]:8443");
}

static void domains_are_listed_once(void **state)
{
    struct config *c =
        config_of("listen:\n"
                  "- {address: \"0.0.0.0:1\", sites: [{name: b, certificate: c, key: k},"
                  " {name: a, certificate: c, key: k, domain: x}]}\n"
                  "- {address: \"0.0.0.0:2\", sites: [{name: b, certificate: c, key: k},"
                  " {name: x, certificate: c, key: k},"
                  " {name: c, certificate: c, key: k, domain: x}]}\n");
    const char **domains;
    size_t n;

    (void)state;
    assert_int_equal(config_domains(c, &domains, &n), RP_OK);
    assert_int_equal(n, 3);
    assert_string_equal(domains[0], "domain:x");
    assert_string_equal(domains[1], "site:b");
    assert_string_equal(domains[2], "site:x");
    memory_free(domains);
    config_free(&c);
}

static void a_file_is_read(void **state)
{
    char path[] = "/tmp/test_config_XXXXXX";
    const int fd = mkstemp(path);
    struct config *c;
    struct rp_error err;
    char expected[128];
    struct text t = text_of(expected, sizeof expected);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, LISTEN, strlen(LISTEN)), strlen(LISTEN));
    assert_int_equal(config_read(path, &c, &err), RP_OK);
    assert_string_equal(c->file, path);
    assert_string_equal(c->listen[0].sites[0].keys.items[0], "/tmp/k");
    config_free(&c);
    assert_int_equal(ftruncate(fd, 3), 0);
    assert_int_equal(config_read(path, &c, &err), RP_FORMAT);
    assert_null(c);
    text_addf(&t, "%s:1:1: ", path);
    assert_memory_equal(err.text, expected, t.len);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(config_read(path, &c, &err), RP_SYSTEM);
    assert_non_null(strstr(err.text, ": the configuration cannot be read: No such file"));
    assert_int_equal(config_read("/tmp", &c, &err), RP_SYSTEM);
    assert_string_equal(err.text, "/tmp: the configuration cannot be read: Is a directory");
}

static void survives_failing_allocations(void **state)
{
    static const char text[] = "user: web\nsession_ticket_key: [a, b]\n"
                               "listen: [{address: \"0.0.0.0:1\", backend: \"unix:/x\", ciphers: "
                               "x, groups: y, sites: [{name: a, certificate: [c, d], key: [k, l],"
                               " domain: z}, "
                               "{name: b, certificate: c, key: k}]}]\n";
    enum rp_status status = RP_NO_MEMORY;
    struct config *c;
    struct rp_error err;

    (void)state;
    expect_survival(text);
    for (long n = 0; status == RP_NO_MEMORY; n++) {
        memory_fail_after(n);
        status = config_default("127.0.0.1:0", &c, &err);
        memory_fail_after(-1);
        assert_true((status == RP_OK) == (c != NULL));
    }
    assert_int_equal(status, RP_OK);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(good_ones_are_taken),
        cmocka_unit_test(names_are_judged),
        cmocka_unit_test(values_are_judged),
        cmocka_unit_test(what_this_version_lacks_is_refused),
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(listeners_are_judged),
        cmocka_unit_test(sites_are_judged),
        cmocka_unit_test(what_contradicts_is_refused),
        cmocka_unit_test(what_yaml_has_and_we_do_not_is_refused),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(the_embedded_default_is_complete),
        cmocka_unit_test(domains_are_listed_once),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
