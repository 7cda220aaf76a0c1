#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"
#include "page.h"
#include "page_answer.h"
#include "page_text.h"
#include "serve_kit.h"
#include "text.h"

#define TWO_SITES                                                                                  \
    "listen:\n"                                                                                    \
    "  - address: 127.0.0.1:0\n"                                                                   \
    "    sites:\n"                                                                                 \
    "      - { name: a.example, certificate: ec.pem, key: ec.key }\n"                              \
    "      - { name: b.example, certificate: ec.pem, key: ec.key }\n"
#define ANSWER_SIZE 65536

static int kit_setup(void **state)
{
    static struct serve_kit kit;

    serve_kit_init(&kit);
    assert_int_equal(serve_kit_configure(&kit, TWO_SITES), RP_OK);
    *state = &kit;
    return 0;
}

static int kit_teardown(void **state)
{
    serve_kit_fini(*state);
    return 0;
}

static struct facts reused(void)
{
    struct facts f = {
        .info = {.resumed = true,
                 .mechanism = RP_MECHANISM_TICKET,
                 .verdict = RP_VERDICT_ACCEPTED,
                 .has_key = true,
                 .sealed_ms = 61500,
                 .age_ms = 3600000},
        .version = "TLSv1.2",
        .cipher = "ECDHE-ECDSA-AES128-GCM-SHA256",
        .has_sni = true,
        .sni = "a.example",
        .key = "000102030405060708090a0b0c0d0e0f",
        .worker = 3,
    };

    return f;
}

static struct facts fresh(void)
{
    struct facts f = {
        .info = {.sealed_ms = -1, .age_ms = 0, .verdict = RP_VERDICT_NONE, .issued = true},
        .version = "TLSv1.3",
        .cipher = "TLS_AES_256_GCM_SHA384",
        .issued = "101112131415161718191a1b1c1d1e1f",
    };

    return f;
}

/* Texts. */

static json_t *parse(const struct facts *f)
{
    json_t *object;
    size_t n;
    char *text;

    assert_int_equal(page_text_json(f, &text, &n), RP_OK);
    assert_int_equal(strlen(text), n);
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    memory_free(text);
    return object;
}

static const char *string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

static void json_tells_a_resumed_session(void **state)
{
    const struct facts f = reused();
    json_t *object = parse(&f);

    (void)state;
    assert_int_equal(json_object_size(object), 13);
    assert_string_equal(string_of(object, "session"), "Reused");
    assert_string_equal(string_of(object, "mechanism"), "ticket");
    assert_string_equal(string_of(object, "verdict"), "accepted");
    assert_string_equal(string_of(object, "version"), "TLSv1.2");
    assert_string_equal(string_of(object, "key_name"), f.key);
    assert_int_equal(json_integer_value(json_object_get(object, "sealed_ms")), 61500);
    assert_int_equal(json_integer_value(json_object_get(object, "age_ms")), 3600000);
    assert_true(json_is_null(json_object_get(object, "issued_key_name")));
    assert_string_equal(string_of(object, "server_name"), "a.example");
    assert_int_equal(json_integer_value(json_object_get(object, "worker")), 3);
    assert_int_equal(json_integer_value(json_object_get(object, "pid")), getpid());
    json_decref(object);
}

static void json_tells_a_new_session(void **state)
{
    const struct facts f = fresh();
    json_t *object = parse(&f);

    (void)state;
    assert_string_equal(string_of(object, "session"), "New");
    assert_true(json_is_null(json_object_get(object, "key_name")));
    assert_true(json_is_null(json_object_get(object, "sealed_ms")));
    assert_true(json_is_null(json_object_get(object, "server_name")));
    assert_int_equal(json_integer_value(json_object_get(object, "age_ms")), 0);
    assert_string_equal(string_of(object, "issued_key_name"), f.issued);
    json_decref(object);
}

/* A server name is the peer's; libssl passes any bytes but NUL. */
static void odd_names_are_escaped(void **state)
{
    struct facts f = reused();
    json_t *object;
    size_t n;
    char *html;

    (void)state;
    memcpy(f.sni, "<b>\"'&", 7);
    object = parse(&f);
    assert_string_equal(string_of(object, "server_name"), "<b>\"'&");
    json_decref(object);
    assert_int_equal(page_text_html("[{{server_name}}]", &f, &html, &n), RP_OK);
    assert_string_equal(html, "[&lt;b&gt;&quot;&#39;&amp;]");
    assert_int_equal(strlen(html), n);
    memory_free(html);
    memcpy(f.sni, "\xff\x01x", 4);
    object = parse(&f);
    assert_string_equal(string_of(object, "server_name"), "??x");
    json_decref(object);
}

static void html_has_the_facts(void **state)
{
    static const struct {
        const char *template;
        const char *html;
    } cases[] = {
        {"", ""},
        {"no facts", "no facts"},
        {"{{session}}", "Reused"},
        {"{{session}}{{worker}}.", "Reused3."},
        {"{{nothing}}{{}}-", "-"},
        {"{{session", "{{session"},
        {"{{sealed}} {{age}}", "61 s ago 60 min ago"},
        {"}}{{key}}", "}}000102030405060708090a0b0c0d0e0f"},
    };
    const struct facts f = reused();
    size_t n;
    char *html;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(page_text_html(cases[i].template, &f, &html, &n), RP_OK);
        assert_string_equal(html, cases[i].html);
        memory_free(html);
    }
}

/* Answers. */

static void answers_are_decided(void **state)
{
    const struct serve_kit *kit = *state;
    static const struct {
        struct page_request request;
        unsigned status;
    } cases[] = {
        {{"GET", "/", "a.example", 1, true}, 200},
        {{"HEAD", "/", "a.example", 1, true}, 200},
        {{"GET", "/session.json", "A.example:8443", 1, true}, 200},
        {{"GET", "/", "127.0.0.1", 1, true}, 200},
        {{"GET", "/", NULL, 0, false}, 200},
        {{"GET", "/", NULL, 0, true}, 400},
        {{"GET", "/", "a.example", 2, true}, 400},
        {{"GET", "/", "a.example", 2, false}, 400},
        {{"GET", "/", "", 1, true}, 400},
        {{"GET", "/", "a.example/x", 1, true}, 400},
        {{"GET", "/", "b.example", 1, true}, 421},
        {{"GET", "/", "b.example", 1, false}, 421},
        {{"POST", "/", "b.example", 1, true}, 421},
        {{"POST", "/", "a.example", 1, true}, 405},
        {{"get", "/", "a.example", 1, true}, 405},
        {{"GET", "/index.html", "a.example", 1, true}, 404},
        {{"GET", "/session.json/", "a.example", 1, true}, 404},
        {{"GET", "*", "a.example", 1, true}, 404},
        {{"GET", "", "a.example", 1, true}, 404},
        {{"GET", "https://a.example", "b.example", 1, true}, 200},
        {{"GET", "HTTPS://a.example:1/session.json", "b.example", 1, true}, 200},
        {{"GET", "https://b.example/", "a.example", 1, true}, 421},
        {{"GET", "https:///", "a.example", 1, true}, 400},
        {{"GET", "http://a.example/", "a.example", 1, true}, 404},
    };
    const struct facts f = reused();
    struct http_answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(page_answer_new(kit->sites, &f, &cases[i].request, &answer), RP_OK);
        if (answer.status != cases[i].status) {
            print_error("case %zu: %u\n", i, answer.status);
        }
        assert_int_equal(answer.status, cases[i].status);
        assert_int_equal(strlen(answer.body), answer.body_len);
        http_answer_fini(&answer);
    }
}

static void page_has_no_place_left_open(void **state)
{
    const struct serve_kit *kit = *state;
    const struct page_request request = {"GET", "/", "a.example", 1, true};
    const struct facts f = reused();
    struct http_answer answer;

    assert_int_equal(page_answer_new(kit->sites, &f, &request, &answer), RP_OK);
    assert_non_null(answer.csp);
    assert_null(strstr(answer.body, "{{"));
    assert_non_null(strstr(answer.body, f.key));
    assert_non_null(strstr(answer.body, "<title>Reused"));
    http_answer_fini(&answer);
}

static void answers_survive_want_of_memory(void **state)
{
    const struct serve_kit *kit = *state;
    static const char *const targets[] = {"/", "/session.json", "/none"};
    const struct facts f = reused();
    struct http_answer answer;

    for (size_t i = 0; i < 3; i++) {
        const struct page_request request = {"GET", targets[i], "a.example", 1, true};

        memory_fail_after(0);
        assert_int_equal(page_answer_new(kit->sites, &f, &request, &answer), RP_NO_MEMORY);
        memory_fail_after(-1);
        http_answer_fini(&answer);
    }
}

/* A visit over its socket. */

struct visitor {
    struct loop_watch watch;
    struct loop *loop;
    struct text answer;
    char buffer[ANSWER_SIZE];
};

static void visitor_ready(struct loop_watch *watch, uint32_t events)
{
    struct visitor *v = (struct visitor *)watch;
    char chunk[4096];
    ssize_t n;

    (void)events;
    while ((n = recv(watch->fd, chunk, sizeof chunk, 0)) > 0) {
        text_add_n(&v->answer, chunk, (size_t)n);
    }
    if (n == 0 || errno != EAGAIN) {
        loop_stop(v->loop);
    }
}

static void visit(const struct serve_kit *kit, const char *request, struct visitor *v)
{
    const struct facts f = reused();
    struct page *page;

    memset(v, 0, sizeof *v);
    v->answer = text_of(v->buffer, sizeof v->buffer);
    assert_int_equal(loop_new(&v->loop), RP_OK);
    assert_int_equal(page_new(v->loop, kit->sites, &page), RP_OK);
    assert_int_equal(page_visit(page, &f, &v->watch.fd), RP_OK);
    v->watch.events = EPOLLIN;
    v->watch.ready = visitor_ready;
    assert_true(loop_watch(v->loop, &v->watch));
    assert_int_equal(send(v->watch.fd, request, strlen(request), MSG_NOSIGNAL),
                     (ssize_t)strlen(request));
    loop_run(v->loop);
    loop_unwatch(v->loop, &v->watch);
    (void)close(v->watch.fd);
    page_free(&page);
    loop_free(&v->loop);
    assert_false(v->answer.cut);
}

static bool has(const struct visitor *v, const char *words)
{
    return strcasestr(v->buffer, words) != NULL;
}

static void page_is_served(void **state)
{
    static struct visitor v;

    visit(*state, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", &v);
    assert_true(has(&v, "HTTP/1.1 200 OK\r\n"));
    assert_true(has(&v, "\r\nConnection: close\r\n"));
    assert_true(has(&v, "\r\nCache-Control: no-store\r\n"));
    assert_true(has(&v, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(has(&v, "script-src 'sha256-"));
    assert_true(has(&v, "</html>"));
    visit(*state, "GET /session.json HTTP/1.0\r\n\r\n", &v);
    assert_true(has(&v, " 200 OK\r\n"));
    assert_true(has(&v, "\"session\": \"Reused\""));
}

static void head_has_no_body(void **state)
{
    static struct visitor v;

    visit(*state, "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n", &v);
    assert_true(has(&v, "HTTP/1.1 200 OK\r\n"));
    assert_true(has(&v, "\r\nContent-Length: "));
    assert_false(has(&v, "<html"));
}

static void others_get_their_status(void **state)
{
    static const struct {
        const char *request;
        const char *words;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "HTTP/1.1 421 "},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 404 "},
        {"DELETE / HTTP/1.1\r\nHost: a.example\r\n\r\n", "\r\nAllow: GET, HEAD\r\n"},
        {"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405 "},
    };
    static struct visitor v;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        visit(*state, cases[i].request, &v);
        if (!has(&v, cases[i].words)) {
            print_error("%s", v.buffer);
        }
        assert_true(has(&v, cases[i].words));
    }
}

static void endless_requests_are_refused(void **state)
{
    static char request[40000];
    static struct visitor v;
    struct text t = text_of(request, sizeof request);

    text_add(&t, "GET / HTTP/1.1\r\nHost: a.example\r\nX: ");
    while (t.len < sizeof request - 8) {
        text_add_char(&t, 'x');
    }
    visit(*state, request, &v);
    assert_true(has(&v, "HTTP/1.1 4"));
    assert_false(has(&v, "</html>") && has(&v, "200 OK"));
}

static void page_survives_want_of_memory(void **state)
{
    const struct serve_kit *kit = *state;
    struct page *page;
    struct loop *loop;

    assert_int_equal(loop_new(&loop), RP_OK);
    memory_fail_after(0);
    assert_int_equal(page_new(loop, kit->sites, &page), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(page);
    page_free(&page);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_tells_a_resumed_session),
        cmocka_unit_test(json_tells_a_new_session),
        cmocka_unit_test(odd_names_are_escaped),
        cmocka_unit_test(html_has_the_facts),
        cmocka_unit_test(answers_are_decided),
        cmocka_unit_test(page_has_no_place_left_open),
        cmocka_unit_test(answers_survive_want_of_memory),
        cmocka_unit_test(page_is_served),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(others_get_their_status),
        cmocka_unit_test(endless_requests_are_refused),
        cmocka_unit_test(page_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
