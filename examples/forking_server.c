/*
 * A TLS server of four processes whose sessions resume on every one of them, by session ID, ticket
 * and PSK, under keys that rotate every minute.
 *
 *     cc forking_server.c -o forking_server $(pkg-config --cflags --libs reprise libssl libcrypto)
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
 *         -subj /CN=localhost -keyout key.pem -out cert.pem
 *     ./forking_server 127.0.0.1:4433 cert.pem key.pem
 *
 *     openssl s_client -connect 127.0.0.1:4433 -tls1_2 -reconnect </dev/null | grep Reused
 *     openssl s_client -connect 127.0.0.1:4433 -ign_eof -sess_out session.pem </dev/null
 *     openssl s_client -connect 127.0.0.1:4433 -ign_eof -sess_in session.pem </dev/null
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/reprise.h>

static void serve(SSL *ssl)
{
    struct rp_ssl_info info;
    char line[128];
    int n;

    if (SSL_accept(ssl) != 1) {
        return;
    }
    rp_ssl_established(ssl);
    rp_ssl_info(ssl, &info);
    n = snprintf(line, sizeof line, "%s (%s, %s) at worker %d\n", info.resumed ? "Reused" : "New",
                 rp_mechanism_text(info.mechanism), rp_verdict_text(info.verdict), (int)getpid());
    if (SSL_write(ssl, line, n) == n) {
        SSL_shutdown(ssl);
    }
}

static void work(SSL_CTX *ctx, struct rp_keyring *keyring, int listener)
{
    rp_keyring_read_only(keyring); /* the chain is the parent's alone */
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        SSL *ssl = SSL_new(ctx);

        SSL_set_fd(ssl, fd);
        serve(ssl);
        SSL_free(ssl);
    }
}

int main(int argc, char **argv)
{
    const struct rp_keyring_options ring = {.rotate_ms = 60 * 1000, .accept_ms = 600 * 1000};
    struct rp_attach_options options = {.clock = rp_clock_system(), .domain = "example"};
    struct rp_error err = {"usage: forking_server ADDRESS:PORT CERTIFICATE KEY"};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *listener = argc == 4 ? BIO_new_accept(argv[1]) : NULL;
    int64_t next = 0;

    signal(SIGPIPE, SIG_IGN);
    if (listener == NULL || SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1 ||
        BIO_do_accept(listener) != 1 /* the first call binds */ ||
        rp_keyring_new(&ring, &options.keyring, &err) != RP_OK ||
        rp_keyring_keep(options.keyring, rp_clock_boot_ms(NULL), NULL, &err) != RP_OK ||
        rp_keyring_domain_add(options.keyring, options.domain) != RP_OK ||
        rp_cache_new(1 << 20, &options.cache, &err) != RP_OK ||
        rp_attach(ctx, &options, &err) != RP_OK) {
        return fprintf(stderr, "%s\n", err.text), 1;
    }
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            work(ctx, options.keyring, (int)BIO_get_fd(listener, NULL));
            return 1;
        }
    }
    /* The parent only keeps the keys. Where it fails to, sealing goes on under the current ones. */
    while (rp_keyring_advance(options.keyring, rp_clock_boot_ms(NULL), &next) == RP_OK) {
        poll(NULL, 0, 1000);
    }
    return 1;
}
