/*
 * What `reprise load` does not do for `make bench`: moves bulk data one way through a terminator,
 * or holds idle connections. Speaks to peer_backend through it.
 *
 *   peer_client down PORT VERSION STREAMS BYTES   each stream asks for BYTES; prints seconds taken
 *   peer_client up PORT VERSION STREAMS BYTES     each stream sends BYTES; prints seconds taken
 *   peer_client idle PORT VERSION N               one request on each of N connections, then prints
 *                                                 "ready" and holds them until stdin ends
 *
 * VERSION is 1.2 or 1.3. Anything unexpected ends it with status 1: then nothing was measured.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "number.h"
#include "text.h"

#define BUFFER_SIZE 65536
#define STREAMS_MAX 64
#define IDLE_MAX 100000

struct job {
    SSL_CTX *ctx;
    uint16_t port;
    bool up;
    uint64_t bytes;
};

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "peer_client: failed: %s\n", what);
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

static SSL_CTX *new_context(const char *version)
{
    const int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    require(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, number) == 1 &&
                SSL_CTX_set_max_proto_version(ctx, number) == 1 &&
                SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1,
            "a client context");
    return ctx;
}

static SSL *connect_tls(const struct job *job)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(job->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    SSL *ssl = SSL_new(job->ctx);

    require(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0, "connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    require(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1, "handshake");
    require(strstr(SSL_get_cipher_name(ssl), "AES_128_GCM") != NULL ||
                strstr(SSL_get_cipher_name(ssl), "AES128-GCM") != NULL,
            "AES-128-GCM");
    return ssl;
}

static void send_request(SSL *ssl, bool up, uint64_t bytes, bool closes)
{
    char buffer[128];
    struct text t = text_of(buffer, sizeof buffer);
    size_t n;

    text_addf(&t, "%s /%llu HTTP/1.1\r\n%s\r\n", up ? "POST" : "GET", (unsigned long long)bytes,
              closes ? "Connection: close\r\n" : "");
    require(SSL_write_ex(ssl, buffer, t.len, &n) == 1, "the request");
}

static void send_body(SSL *ssl, uint64_t bytes)
{
    static const char zeroes[BUFFER_SIZE];

    while (bytes != 0) {
        size_t n = bytes < BUFFER_SIZE ? (size_t)bytes : BUFFER_SIZE;

        require(SSL_write_ex(ssl, zeroes, n, &n) == 1, "the body");
        bytes -= n;
    }
}

/* The head comes in one piece from peer_backend, perhaps with the beginning of the body. */
static void read_answer(SSL *ssl, uint64_t bytes)
{
    char buffer[BUFFER_SIZE + 1];
    const char *end;
    uint64_t left;
    size_t n;

    require(SSL_read_ex(ssl, buffer, BUFFER_SIZE, &n) == 1, "the answer");
    buffer[n] = '\0';
    end = strstr(buffer, "\r\n\r\n");
    require(strncmp(buffer, "HTTP/1.1 200 ", 13) == 0 && end != NULL, "an answer of the backend");
    n -= (size_t)(end + 4 - buffer);
    require(n <= bytes, "no more than was asked for");
    for (left = bytes - n; left != 0; left -= n) {
        require(SSL_read_ex(ssl, buffer, BUFFER_SIZE, &n) == 1 && n <= left, "the body");
    }
}

static void *move(void *cookie)
{
    const struct job *job = cookie;
    SSL *ssl = connect_tls(job);

    send_request(ssl, job->up, job->bytes, true);
    if (job->up) {
        send_body(ssl, job->bytes);
    }
    read_answer(ssl, job->up ? 0 : job->bytes);
    (void)SSL_shutdown(ssl);
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
    return NULL;
}

static double now_s(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void move_all(struct job *job, uint64_t n_streams)
{
    pthread_t threads[STREAMS_MAX];
    const double start = now_s();

    for (uint64_t i = 0; i < n_streams; i++) {
        require(pthread_create(&threads[i], NULL, move, job) == 0, "a thread");
    }
    for (uint64_t i = 0; i < n_streams; i++) {
        require(pthread_join(threads[i], NULL) == 0, "a thread's end");
    }
    (void)printf("%.6f\n", now_s() - start);
}

static void hold(const struct job *job, uint64_t n)
{
    struct rlimit limit;
    char byte;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (uint64_t i = 0; i < n; i++) {
        SSL *ssl = connect_tls(job); /* held until the process ends */

        send_request(ssl, false, 1, false);
        read_answer(ssl, 1);
    }
    require(printf("ready\n") > 0 && fflush(stdout) == 0, "stdout");
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

int main(int argc, char **argv)
{
    const bool idle = argc == 5 && strcmp(argv[1], "idle") == 0;
    const bool up = argc == 6 && strcmp(argv[1], "up") == 0;
    const bool down = argc == 6 && strcmp(argv[1], "down") == 0;
    struct job job = {.up = up};
    uint64_t port = 0;
    uint64_t n = 0;

    if ((!idle && !up && !down) || !number_parse(argv[2], UINT16_MAX, &port) ||
        !number_parse(argv[4], idle ? IDLE_MAX : STREAMS_MAX, &n) ||
        (!idle && !number_parse(argv[5], INT64_MAX, &job.bytes))) {
        (void)fprintf(stderr, "usage: peer_client down|up PORT VERSION STREAMS BYTES\n"
                              "       peer_client idle PORT VERSION N\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    job.port = (uint16_t)port;
    job.ctx = new_context(argv[3]);
    if (idle) {
        hold(&job, n);
    } else {
        move_all(&job, n);
    }
    return 0;
}
