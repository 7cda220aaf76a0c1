#include "tls_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <openssl/err.h>

#include "lean_provider.h"
#include "openssl_error.h"
#include "text.h"

/* Forward secret and authenticated encryption only; the weaker AES first, for it is the faster. */
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

#define PART_SIZE 128

/* One of the three lists that OpenSSL parses for us. */
struct list {
    const char *name; /* of the directive */
    const char *separators;
    int (*set)(SSL_CTX *ctx, const char *value);
    bool has_operators;
    size_t place; /* offset of its struct config_place in a struct config_listen */
};

static int set_groups(SSL_CTX *ctx, const char *value)
{
    return (int)SSL_CTX_set1_groups_list(ctx, value);
}

#define PLACE(name) offsetof(struct config_listen, places.name)

static const struct list cipher_list = {"ciphers", ": ,;", SSL_CTX_set_cipher_list, true,
                                        PLACE(ciphers)};
static const struct list suite_list = {"ciphersuites", ":", SSL_CTX_set_ciphersuites, false,
                                       PLACE(ciphersuites)};
static const struct list group_list = {"groups", ":", set_groups, false, PLACE(groups)};

/*
 * A cipher list with an unknown name in it passes as long as another matches: so part by part. What
 * takes ciphers away (!RC4) may name those that this OpenSSL was built without.
 */
static bool part_is_known(const struct list *list, SSL_CTX *scratch, const char *part, size_t n)
{
    char value[PART_SIZE];
    struct text t = text_of(value, sizeof value);

    if (list->has_operators && strchr("!-+", part[0]) != NULL) {
        return true;
    }
    if (list->has_operators && part[0] == '@') {
        text_add(&t, "ALL:");
    }
    text_add_n(&t, part, n);
    return !t.cut && list->set(scratch, value) == 1;
}

static const char *next_part(const struct list *list, const char **rest, size_t *n)
{
    const char *part = *rest + strspn(*rest, list->separators);

    *n = strcspn(part, list->separators);
    *rest = part + *n;
    return *n != 0 ? part : NULL;
}

static enum rp_status complain(const struct config *config, const struct config_listen *listen,
                               const struct list *list, const char *part, size_t n,
                               struct rp_error *err)
{
    char reason[OPENSSL_ERROR_SIZE];

    const struct config_place *place =
        (const struct config_place *)(const void *)((const char *)listen + list->place);

    (void)openssl_error_take(reason, "unknown");
    config_complain(config, *place, err, "%s: OpenSSL refuses \"%.*s\" (%s)", list->name, (int)n,
                    part, reason);
    return RP_INVALID;
}

static enum rp_status set_list(SSL_CTX *ctx, const struct config *config,
                               const struct config_listen *listen, const struct list *list,
                               const char *value, struct rp_error *err)
{
    SSL_CTX *scratch = SSL_CTX_new(TLS_server_method());
    enum rp_status status = RP_OK;
    const char *rest = value;
    const char *part;
    size_t n;

    if (scratch == NULL) {
        return RP_NO_MEMORY;
    }
    while (status == RP_OK && (part = next_part(list, &rest, &n)) != NULL) {
        if (!part_is_known(list, scratch, part, n)) {
            status = complain(config, listen, list, part, n, err);
        }
    }
    if (status == RP_OK && list->set(ctx, value) != 1) {
        status = complain(config, listen, list, value, strlen(value), err);
    }
    SSL_CTX_free(scratch);
    return status;
}

static enum rp_status set_lists(SSL_CTX *ctx, const struct config *config,
                                const struct config_listen *listen, struct rp_error *err)
{
    enum rp_status status;

    status = set_list(ctx, config, listen, &cipher_list,
                      listen->ciphers != NULL ? listen->ciphers : CIPHERS, err);
    if (status == RP_OK && listen->ciphersuites != NULL) {
        status = set_list(ctx, config, listen, &suite_list, listen->ciphersuites, err);
    }
    if (status == RP_OK && listen->groups != NULL) {
        status = set_list(ctx, config, listen, &group_list, listen->groups, err);
    }
    return status;
}

static bool set_protocol(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* What is left of a write moves to another buffer; an idle connection keeps none of libssl's.
     */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* One read for all records that have come, instead of two for each. */
    SSL_CTX_set_read_ahead(ctx, 1);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_dh_auto(ctx, 1) == 1;
}

enum rp_status tls_context_new(const struct config *config, const struct config_listen *listen,
                               SSL_CTX **out, struct rp_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(NULL, LEAN_QUERY, TLS_server_method());
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    ERR_clear_error();
    if (ctx == NULL) {
        goto done;
    }
    if (!set_protocol(ctx)) {
        status = RP_CRYPTO;
        goto done;
    }
    status = set_lists(ctx, config, listen, err);
    if (status != RP_OK) {
        goto done;
    }
    *out = ctx;
    ctx = NULL; /* transferred */
done:
    SSL_CTX_free(ctx);
    return status;
}
