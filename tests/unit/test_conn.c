#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "memory.h"
#include "relay_kit.h"
#include "serve_kit.h"
#include "text.h"

#define TURNS_MAX 20000
#define PATIENCE 400       /* turns of 1 ms without anything done, until the client goes */
#define ALLOCATIONS_MAX 40 /* more than any visit makes */

#define HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
#define SITES "    sites:\n      - { name: a.example, certificate: ec.pem, key: ec.key }\n"
#define WORD "GET / HTTP/1.0\r\n\r\n" /* which the page understands, and a backend awaits */
#define ANSWER "HTTP/1.0 200 OK\r\n\r\nfine"

/* A worker's connections, their backend and their client in one process. */
struct kit {
    struct serve_kit serve;
    struct loop *loop;
    struct loop_timer turn;
    struct log log;
    struct conn_count *count;
    struct conns conns;
    struct conn_listener listener;
    struct network network; /* that accept_proxy names */
    SSL_CTX *client_ctx;
    int backend_fd; /* listens */
    unsigned n_left;
    unsigned n_emptied;
};

/* One client's. */
struct visit {
    int fd; /* the client's */
    int backend_fd;
    SSL *ssl;
    char asked[1024]; /* what came to the backend */
    size_t n_asked;
    char got[32768];
    size_t n_got;
    bool said;
    bool ended; /* by close_notify */
    bool over;
};

static void turn_is_over(struct loop_timer *timer)
{
    const struct kit *k = (struct kit *)((char *)timer - offsetof(struct kit, turn));

    loop_stop(k->loop);
}

static void left(struct conns *conns)
{
    ((struct kit *)((char *)conns - offsetof(struct kit, conns)))->n_left++;
}

static void emptied(struct conns *conns)
{
    ((struct kit *)((char *)conns - offsetof(struct kit, conns)))->n_emptied++;
}

static int listen_for_backends(struct address *address)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(address_parse("127.0.0.1:0", address));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address->storage, address->len), 0);
    assert_int_equal(listen(fd, 16), 0);
    address->len = sizeof address->storage;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &address->len), 0);
    return fd;
}

static void configure(struct kit *k, bool with_page)
{
    struct address backend;
    char name[ADDRESS_TEXT_SIZE];
    char yaml[512];
    struct text t = text_of(yaml, sizeof yaml);

    k->backend_fd = listen_for_backends(&backend);
    address_text(&backend, name);
    text_add(&t, "listen:\n  - address: 127.0.0.1:0\n    accept_proxy: 127.0.0.0/8\n");
    if (!with_page) {
        text_addf(&t, "    backend: %s\n    proxy_protocol: v2\n", name);
    }
    text_add(&t, SITES);
    assert_int_equal(serve_kit_configure(&k->serve, yaml), RP_OK);
    assert_true(network_parse("127.0.0.0/8", &k->network));
    k->listener = (struct conn_listener){.ctx = sites_listener_ctx(k->serve.sites, 0),
                                         .backend_name = k->serve.config->listen[0].backend,
                                         .backend = backend,
                                         .config = &k->serve.config->listen[0],
                                         .accept_proxy = &k->network,
                                         .n_accept_proxy = 1};
}

static void init(struct kit *k, bool with_page)
{
    memset(k, 0, sizeof *k);
    serve_kit_init(&k->serve);
    configure(k, with_page);
    assert_int_equal(loop_new(&k->loop), RP_OK);
    k->turn.due = turn_is_over;
    k->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .least = LOG_LEVEL_DEBUG};
    assert_int_equal(conn_count_new(&k->count), RP_OK);
    assert_int_equal(conn_count_addresses(k->count), RP_OK);
    conn_count_begin(k->count, 0);
    k->client_ctx = SSL_CTX_new(TLS_client_method());
    k->conns.loop = k->loop;
    k->conns.log = &k->log;
    k->conns.log_connections = true;
    k->conns.count = k->count;
    k->conns.max_per_address = 1;
    k->conns.left = left;
    k->conns.emptied = emptied;
    if (with_page) {
        assert_int_equal(page_new(k->loop, k->serve.sites, &k->conns.page), RP_OK);
    }
    assert_int_equal(conns_init(&k->conns), RP_OK);
}

static void fini(struct kit *k)
{
    conns_fini(&k->conns);
    page_free(&k->conns.page);
    loop_free(&k->loop);
    conn_count_free(&k->count);
    SSL_CTX_free(k->client_ctx);
    (void)close(k->log.fd);
    (void)close(k->backend_fd);
    serve_kit_fini(&k->serve);
}

static void run_turn(struct kit *k)
{
    assert_true(loop_timer_set(k->loop, &k->turn, 1));
    loop_run(k->loop);
}

static void visit_begin(struct kit *k, struct visit *v, const char *header)
{
    struct address peer = {.len = sizeof peer.storage};
    int pair[2];

    memset(v, 0, sizeof *v);
    v->backend_fd = -1;
    relay_kit_tcp_pair(pair);
    v->fd = pair[0];
    v->ssl = SSL_new(k->client_ctx);
    assert_int_equal(SSL_set_fd(v->ssl, v->fd), 1);
    SSL_set_connect_state(v->ssl);
    assert_int_equal(send(v->fd, header, strlen(header), 0), (ssize_t)strlen(header));
    assert_int_equal(getpeername(pair[1], (struct sockaddr *)&peer.storage, &peer.len), 0);
    assert_true(conn_count_enter(k->count, 0, 1));
    conn_open(&k->conns, &k->listener, pair[1], &peer);
}

static void visit_end(struct kit *k, struct visit *v)
{
    SSL_free(v->ssl);
    relay_kit_close(&v->fd);
    relay_kit_close(&v->backend_fd);
    for (unsigned i = 0; i < TURNS_MAX && k->conns.n != 0; i++) {
        run_turn(k);
    }
    for (unsigned i = 0; i < 4; i++) {
        run_turn(k); /* the page hears of the end of its visit */
    }
    assert_int_equal(k->conns.n, 0);
}

/* The backend: answers, and ends. True: something was done. */
static bool backend_step(const struct kit *k, struct visit *v)
{
    ssize_t n;

    if (v->backend_fd < 0) {
        v->backend_fd = accept4(k->backend_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return v->backend_fd >= 0;
    }
    n = recv(v->backend_fd, v->asked + v->n_asked, sizeof v->asked - v->n_asked, 0);
    if (n <= 0) {
        return false;
    }
    v->n_asked += (size_t)n;
    if (memmem(v->asked, v->n_asked, WORD, strlen(WORD)) != NULL) {
        assert_int_equal(send(v->backend_fd, ANSWER, strlen(ANSWER), 0), strlen(ANSWER));
        (void)shutdown(v->backend_fd, SHUT_WR);
    }
    return true;
}

/* The client: handshake, a word, the answer, and then the end. True: something was done. */
static bool client_step(struct visit *v)
{
    size_t n = 0;
    int code;

    ERR_clear_error();
    if (SSL_is_init_finished(v->ssl) == 0) {
        code = SSL_do_handshake(v->ssl);
    } else if (!v->said) {
        code = SSL_write_ex(v->ssl, WORD, strlen(WORD), &n);
        v->said = code == 1;
    } else {
        code = SSL_read_ex(v->ssl, v->got + v->n_got, sizeof v->got - v->n_got, &n);
        v->n_got += n;
    }
    if (code != 1) {
        const int error = SSL_get_error(v->ssl, code);

        v->ended = error == SSL_ERROR_ZERO_RETURN;
        v->over = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    }
    return code == 1 || v->over;
}

/* True: the answer came, and all of it. */
static bool visit(struct kit *k, struct visit *v)
{
    for (unsigned i = 0, idle = 0; i < TURNS_MAX && idle < PATIENCE && !v->over; i++) {
        const bool backend_went = backend_step(k, v);
        const bool client_went = client_step(v);

        idle = backend_went || client_went ? 0 : idle + 1;
        run_turn(k);
    }
    return v->ended && memmem(v->got, v->n_got, " 200 OK\r\n", 9) != NULL;
}

static unsigned n_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        n++;
    }
    (void)closedir(folder);
    return n;
}

/* Nothing is counted, nothing is open. */
static void assert_clean(struct kit *k, unsigned n_open)
{
    struct network client;
    uint32_t place;

    assert_int_equal(k->conns.n, 0);
    assert_int_equal(n_descriptors(), n_open);
    assert_true(network_parse("192.0.2.1", &client));
    assert_true(conn_count_enter(k->count, 0, 1));
    conn_count_leave(k->count, 0);
    assert_true(conn_count_enter_address(k->count, 0, &client, 1, &place));
    conn_count_leave_address(k->count, 0, place);
}

static void is_served_and_goes(void **state)
{
    static struct visit v;

    (void)state;
    for (unsigned with_page = 0; with_page < 2; with_page++) {
        struct kit k;
        unsigned n_open;

        init(&k, with_page == 1);
        n_open = n_descriptors();
        visit_begin(&k, &v, HEADER);
        assert_int_equal(k.conns.n, 1);
        assert_true(visit(&k, &v));
        visit_end(&k, &v);
        assert_clean(&k, n_open);
        assert_int_equal(k.n_left, 1);
        assert_int_equal(k.n_emptied, 1);
        fini(&k);
    }
}

/* The second of an address is closed when its header has told whose it is; the first goes on. */
static void one_too_many(void **state)
{
    static struct visit first;
    static struct visit second;
    unsigned n_open;
    struct kit k;

    (void)state;
    init(&k, false);
    n_open = n_descriptors();
    visit_begin(&k, &first, HEADER);
    run_turn(&k);
    conn_count_leave(k.count, 0); /* of all there may be two */
    visit_begin(&k, &second, HEADER);
    assert_true(conn_count_enter(k.count, 0, 2));
    assert_false(visit(&k, &second));
    assert_int_equal(second.n_got, 0);
    assert_true(visit(&k, &first));
    SSL_free(second.ssl);
    relay_kit_close(&second.fd);
    relay_kit_close(&second.backend_fd);
    visit_end(&k, &first);
    assert_clean(&k, n_open);
    fini(&k);
}

/* Wherever memory ends, the connection does too, and takes all that was its own with it. */
static void every_allocation_may_fail(void **state)
{
    static struct visit v;

    (void)state;
    for (unsigned with_page = 0; with_page < 2; with_page++) {
        unsigned n_served = 0;
        bool served = false;
        unsigned n_open;
        struct kit k;

        init(&k, with_page == 1);
        run_turn(&k); /* from now on there is room for its timer */
        n_open = n_descriptors();
        for (long n = 0; n < ALLOCATIONS_MAX; n++) {
            memory_fail_after(n);
            visit_begin(&k, &v, HEADER);
            served = visit(&k, &v);
            memory_fail_after(-1);
            visit_end(&k, &v);
            assert_clean(&k, n_open);
            n_served += served;
        }
        assert_true(served);
        assert_true(n_served < ALLOCATIONS_MAX);
        fini(&k);
    }
}

static int n_unsent(int fd)
{
    int n = -1;

    assert_int_equal(ioctl(fd, SIOCOUTQNSD, &n), 0);
    return n;
}

/* Tried again, for the system holds nothing back for longer than 200 ms. */
static void what_is_held_goes_with_the_push(void **state)
{
    unsigned n_held = 0;

    (void)state;
    for (unsigned i = 0; i < 5 && n_held == 0; i++) {
        struct stream s;
        int pair[2];
        size_t done;

        relay_kit_tcp_pair(pair);
        stream_init(&s, pair[0]);
        s.more = true;
        assert_int_equal(stream_write(&s, "held", 4, &done), STREAM_OK);
        s.more = false;
        n_held += n_unsent(pair[0]) == 4;
        stream_push(&s);
        assert_int_equal(n_unsent(pair[0]), 0);
        assert_false(s.held);
        relay_kit_close(&pair[0]);
        relay_kit_close(&pair[1]);
    }
    assert_int_equal(n_held, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_served_and_goes),
        cmocka_unit_test(one_too_many),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(what_is_held_goes_with_the_push),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* the client's side is libssl's own */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
