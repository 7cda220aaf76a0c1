#include "alpn.h"

#include <string.h>

#include "memory.h"
#include "text.h"

struct alpn {
    unsigned len;
    unsigned char wire[]; /* each with its length in front */
};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                  const unsigned char *in, unsigned in_len, void *cookie)
{
    const struct alpn *ours = cookie;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, ours->wire, ours->len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum rp_status encode(const char *const *names, size_t n, struct alpn **out)
{
    size_t len = 0;
    struct alpn *alpn;

    for (size_t i = 0; i < n; i++) {
        len += 1 + strlen(names[i]);
    }
    alpn = memory_new(1, sizeof *alpn + len);
    if (alpn == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t name_len = strlen(names[i]);

        alpn->wire[alpn->len++] = (unsigned char)name_len;
        memcpy(&alpn->wire[alpn->len], names[i], name_len);
        alpn->len += (unsigned)name_len;
    }
    *out = alpn;
    return RP_OK;
}

enum rp_status alpn_new(const struct config_listen *listen, struct alpn **out)
{
    static const char *const page[] = {"http/1.1"};

    *out = NULL;
    if (listen->backend == NULL) {
        return encode(page, 1, out);
    }
    return listen->alpn.n != 0
               ? encode((const char *const *)listen->alpn.items, listen->alpn.n, out)
               : RP_OK;
}

void alpn_free(struct alpn **alpn)
{
    memory_free(*alpn);
    *alpn = NULL;
}

void alpn_use(struct alpn *alpn, SSL_CTX *ctx)
{
    if (alpn != NULL) {
        SSL_CTX_set_alpn_select_cb(ctx, choose, alpn);
    }
}

void alpn_text(const SSL *ssl, char out[static ALPN_TEXT_SIZE])
{
    struct text t = text_of(out, ALPN_TEXT_SIZE);
    const unsigned char *chosen = NULL;
    unsigned n = 0;

    SSL_get0_alpn_selected(ssl, &chosen, &n);
    text_add_n(&t, (const char *)chosen, n);
}
