#include "tls_server.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#define GOOD_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
#define BAD_REPLY "220 mail.example ESMTP\r\n"

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");

    assert_non_null(san);
    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                     -1, -1, 0);
    (void)X509_set_issuer_name(cert, name);
    (void)X509_set_pubkey(cert, key);
    (void)X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void save_certificate(struct tls_server *s, X509 *cert)
{
    int fd;
    FILE *file;

    memcpy(s->certificate, "/tmp/reprise-test-XXXXXX", 25);
    fd = mkstemp(s->certificate);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    assert_int_equal(fclose(file), 0);
}

static SSL_CTX *make_context(struct tls_server *s, enum tls_server_kind kind)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key);

    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    save_certificate(s, cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    if (kind == TLS_SERVER_GIVES_NOTHING) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_num_tickets(ctx, 0);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    }
    if (kind == TLS_SERVER_FORGETS) {
        /* Gives IDs, and finds none, for what is outside is empty. */
        (void)SSL_CTX_set_session_cache_mode(ctx,
                                             SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    }
    if (kind == TLS_SERVER_ONLY_12) {
        (void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    }
    if (kind == TLS_SERVER_SHORT_LIVED) {
        (void)SSL_CTX_set_timeout(ctx, 1);
    }
    return ctx;
}

static void new_ticket_keys(SSL_CTX *ctx)
{
    unsigned char keys[80];

    (void)RAND_bytes(keys, sizeof keys);
    (void)SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof keys);
}

static void reset(int fd)
{
    const struct linger at_once = {1, 0};
    char hello[16];

    (void)recv(fd, hello, sizeof hello, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Reads to the end of the request; false if the client sent none. */
static bool read_request(SSL *ssl)
{
    char request[4096];
    size_t len = 0;

    while (len < sizeof request) {
        const int n = SSL_read(ssl, request + len, (int)(sizeof request - len));

        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        if (len >= 4 && memcmp(request + len - 4, "\r\n\r\n", 4) == 0) {
            return true;
        }
    }
    return false;
}

static void answer(SSL *ssl, enum tls_server_kind kind)
{
    static const char more[16384] = "HTTP/1.1 200 OK\r\n\r\n";
    const char *reply = kind == TLS_SERVER_GARBLES ? BAD_REPLY : GOOD_REPLY;

    if (kind == TLS_SERVER_ENDLESS_BODY || kind == TLS_SERVER_ENDLESS_HEADER) {
        const size_t n = strlen(more) - (kind == TLS_SERVER_ENDLESS_HEADER ? 2 : 0);

        (void)SSL_write(ssl, more, (int)n);
        while (SSL_write(ssl, more + strlen(more), (int)(sizeof more - strlen(more))) > 0) {
        }
    } else {
        (void)SSL_write(ssl, reply, (int)strlen(reply));
    }
}

static void serve(SSL_CTX *ctx, int fd, enum tls_server_kind kind,
                  volatile struct tls_server_counts *counts)
{
    SSL *ssl = SSL_new(ctx);

    (void)SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        if (SSL_session_reused(ssl)) {
            counts->resumed++;
        } else {
            counts->full++;
        }
        if (read_request(ssl)) {
            counts->requests++;
            answer(ssl, kind);
        }
        (void)SSL_shutdown(ssl); /* else SSL_free drops the session */
    } else {
        counts->failed++;
    }
    SSL_free(ssl);
}

static void run(SSL_CTX *ctx, int listener, enum tls_server_kind kind,
                volatile struct tls_server_counts *counts)
{
    for (unsigned n = 1; kind != TLS_SERVER_SILENT; n++) {
        const int fd = accept(listener, NULL, NULL);

        if (kind == TLS_SERVER_RESETS) {
            reset(fd);
        } else if (kind != TLS_SERVER_DROPS_SOME || n % 4 != 0) {
            if (kind == TLS_SERVER_FORGETS) {
                new_ticket_keys(ctx);
            }
            serve(ctx, fd, kind, counts);
        }
        (void)close(fd);
    }
    for (;;) {
        (void)pause();
    }
}

void tls_server_start(struct tls_server *s, enum tls_server_kind kind)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL_CTX *ctx = make_context(s, kind);
    const pid_t parent = getpid();

    assert_int_equal(bind(listener, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 256), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    s->counts =
        mmap(NULL, sizeof *s->counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s->counts != MAP_FAILED);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        if (getppid() != parent) {
            _exit(1);
        }
        run(ctx, listener, kind, s->counts);
    }
    (void)close(listener);
    SSL_CTX_free(ctx);
}

void tls_server_stop(struct tls_server *s)
{
    assert_int_equal(kill(s->pid, SIGKILL), 0);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    (void)unlink(s->certificate);
}
