/*
 * The first flight to an attached server. The first byte of an input chooses: the rest is what a
 * peer sends, byte for byte; or it says how a real ClientHello, with a live ticket, PSK or session
 * ID in it, is changed: pairs of a place and a value to XOR there.
 *
 * Whatever comes, the server must neither crash nor leak, nor do anything undefined.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "attach_kit.h"
#include "hello_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { RAW, BY_ID, BY_TICKET, BY_PSK, BY_PSK_AND_REQUEST, N_KINDS };

struct target {
    struct kit kit;
    SSL_CTX *server;
    struct hello_edit hellos[N_KINDS];
};

static void make_hello(struct target *t, enum kind kind)
{
    static const uint8_t asked[2] = {3, 2};
    const enum rp_mechanism mechanism = kind == BY_ID       ? RP_MECHANISM_SESSION_ID
                                        : kind == BY_TICKET ? RP_MECHANISM_TICKET
                                                            : RP_MECHANISM_PSK;
    SSL_SESSION *session = kit_full_for(&t->kit, t->server, mechanism);
    const struct kit_offer offer = {
        .version = mechanism == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
        .name = KIT_NAME,
        .session = session,
        .asked = kind == BY_PSK_AND_REQUEST ? asked : NULL,
    };

    hello_edit_make(&t->kit, &offer, &t->hellos[kind]);
    SSL_SESSION_free(session);
}

static struct target *target_new(void)
{
    struct target *t = calloc(1, sizeof *t);
    struct rp_attach_options options;

    if (t == NULL) {
        abort();
    }
    kit_init(&t->kit, NULL);
    options = kit_options(&t->kit);
    t->server = kit_server(&t->kit, &options);
    for (enum kind kind = BY_ID; kind < N_KINDS; kind++) {
        make_hello(t, kind);
    }
    return t;
}

static void offer_raw(SSL_CTX *server, const uint8_t *data, size_t size)
{
    SSL *ssl = SSL_new(server);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    struct rp_ssl_info info;

    if (ssl == NULL || in == NULL || out == NULL) {
        abort();
    }
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    (void)BIO_write(in, data, (int)size);
    (void)SSL_do_handshake(ssl);
    rp_ssl_info(ssl, &info);
    ERR_clear_error();
    SSL_free(ssl);
}

static void offer_changed(struct target *t, const struct hello_edit *hello, const uint8_t *data,
                          size_t size)
{
    struct hello_edit *changed = malloc(sizeof *changed);
    struct rp_ssl_info info;

    if (changed == NULL) {
        abort();
    }
    *changed = *hello;
    for (; size >= 3; data += 3, size -= 3) {
        const size_t at = (size_t)data[0] << 8 | data[1];

        changed->bytes[at % changed->n] ^= data[2];
    }
    (void)hello_edit_offer(t->server, changed, &info);
    free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct target *target;

    if (target == NULL) {
        target = target_new();
    }
    if (size == 0) {
        return 0;
    }
    if (data[0] % N_KINDS == RAW) {
        offer_raw(target->server, data + 1, size - 1);
    } else {
        offer_changed(target, &target->hellos[data[0] % N_KINDS], data + 1, size - 1);
    }
    return 0;
}
