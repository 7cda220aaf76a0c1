#include "load_mode.h"

#include <string.h>

#include <openssl/err.h>

#include "client_tls.h"
#include "error.h"

const char *load_mode_word(enum load_mode mode)
{
    switch (mode) {
#define WORD(name, word, text)                                                                     \
    case LOAD_##name:                                                                              \
        return word;
        LOAD_MODE_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

const char *load_mode_text(enum load_mode mode)
{
    switch (mode) {
#define TEXT(name, word, text)                                                                     \
    case LOAD_##name:                                                                              \
        return text;
        LOAD_MODE_MAP(TEXT)
#undef TEXT
    }
    return "unknown";
}

static bool find(const char *word, size_t len, enum load_mode *out)
{
#define FIND(name, mode_word, text)                                                                \
    if (strlen(mode_word) == len && memcmp(mode_word, word, len) == 0) {                           \
        *out = LOAD_##name;                                                                        \
        return true;                                                                               \
    }
    LOAD_MODE_MAP(FIND)
#undef FIND
    return false;
}

enum rp_status load_mode_parse(const char *list, enum load_mode modes[static LOAD_MODES], size_t *n,
                               struct rp_error *err)
{
    const char *at = list;

    *n = 0;
    for (;;) {
        const size_t len = strcspn(at, ",");
        enum load_mode mode;

        if (!find(at, len, &mode)) {
            error_set(err, "unknown mode \"%.*s\": use full12, full13, id, ticket or psk", (int)len,
                      at);
            return RP_INVALID;
        }
        for (size_t i = 0; i < *n; i++) {
            if (modes[i] == mode) {
                error_set(err, "mode %s is named twice", load_mode_word(mode));
                return RP_INVALID;
            }
        }
        modes[(*n)++] = mode;
        if (at[len] == '\0') {
            return RP_OK;
        }
        at += len + 1;
    }
}

bool load_mode_resumes(enum load_mode mode)
{
    return mode == LOAD_ID || mode == LOAD_TICKET || mode == LOAD_PSK;
}

static bool is_tls13(enum load_mode mode)
{
    return mode == LOAD_FULL13 || mode == LOAD_PSK;
}

static enum rp_status set_up(SSL_CTX *ctx, enum load_mode mode)
{
    const int version = is_tls13(mode) ? TLS1_3_VERSION : TLS1_2_VERSION;

    if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1) {
        return RP_CRYPTO;
    }
    if (mode == LOAD_ID) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }
    /* A server that just closes has said enough: whether the reply is whole is judged by itself. */
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return RP_OK;
}

enum rp_status load_mode_context(enum load_mode mode, const char *cafile, SSL_CTX **out,
                                 struct rp_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    enum rp_status status = ctx != NULL ? set_up(ctx, mode) : RP_NO_MEMORY;

    *out = NULL;
    if (status != RP_OK) {
        error_set(err, "cannot set up TLS: %s", rp_status_text(status));
        goto done;
    }
    if (cafile != NULL) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        ERR_clear_error();
        if (SSL_CTX_load_verify_file(ctx, cafile) != 1) {
            error_set(err, "cannot read certificates from %s: %s", cafile, client_tls_why_not());
            status = RP_INVALID;
            goto done;
        }
    }
    *out = ctx; /* transferred */
    ctx = NULL;

done:
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return status;
}

bool load_mode_accepts(enum load_mode mode, const SSL_SESSION *session)
{
    unsigned id_len = 0;

    (void)SSL_SESSION_get_id(session, &id_len);
    switch (mode) {
    case LOAD_FULL12:
    case LOAD_FULL13:
        return false;
    case LOAD_ID:
        return id_len != 0 && !SSL_SESSION_has_ticket(session);
    case LOAD_TICKET:
        return SSL_SESSION_has_ticket(session) != 0;
    case LOAD_PSK:
        /* A TLS 1.3 ticket with lifetime 0 is to be discarded at once (RFC 8446, 4.6.1). */
        return SSL_SESSION_has_ticket(session) != 0 &&
               SSL_SESSION_get_ticket_lifetime_hint(session) != 0;
    }
    return false;
}
