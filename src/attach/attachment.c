#include "attachment.h"

#include <string.h>

#include "derive.h"
#include "error.h"
#include "index.h"
#include "memory.h"
#include "window.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS (24 * 60 * 60 * SECOND_MS)
#define LIFETIME_MAX_MS (7 * DAY_MS) /* RFC 8446 section 4.6.1 */
#define DEFAULT_NUM_TICKETS 2
#define DEFAULT_MAX_TICKETS 8
#define TICKETS_MAX 255 /* the counts of RFC 9149 have one byte */

/* Hashed with its NUL. */
static const char policy_label[] = "reprise 1 policy";

static bool options_good(const struct rp_attach_options *o, struct rp_error *err)
{
    const char *wrong = NULL;

    if (o->keyring == NULL) {
        wrong = "no keyring";
    } else if (o->clock.boot_ms == NULL || o->clock.wall_s == NULL) {
        wrong = "no clock: pass rp_clock_system()";
    } else if (o->domain == NULL) {
        wrong = "no domain";
    } else if (o->policy == NULL && o->policy_len != 0) {
        wrong = "a policy length without a policy";
    } else if (o->num_tickets > TICKETS_MAX || o->max_tickets > TICKETS_MAX) {
        wrong = "more than 255 tickets";
    } else if (o->session_timeout_ms != 0 &&
               (o->session_timeout_ms < SECOND_MS || o->session_timeout_ms > LIFETIME_MAX_MS)) {
        wrong = "session_timeout is not within 1 s and 7 days";
    } else if (o->max_age_ms != 0 && o->max_age_ms < SECOND_MS) {
        wrong = "max_age is less than 1 s";
    }
    if (wrong != NULL) {
        error_set(err, "cannot attach: %s", wrong);
    }
    return wrong == NULL;
}

static void take_options(struct attachment *at, const struct rp_attach_options *o)
{
    at->keyring = o->keyring;
    at->cache = o->cache;
    at->clock = o->clock;
    at->no_tickets = o->no_tickets;
    at->num_tickets = o->num_tickets != 0 ? o->num_tickets : DEFAULT_NUM_TICKETS;
    at->max_tickets = o->max_tickets != 0 ? o->max_tickets : DEFAULT_MAX_TICKETS;
    at->session_timeout_ms = o->session_timeout_ms != 0 ? o->session_timeout_ms : DAY_MS;
    at->max_age_ms = o->max_age_ms != 0 ? o->max_age_ms : DAY_MS;
    at->select = o->select;
    at->select_cookie = o->select_cookie;
    at->client_hello = o->client_hello;
    at->client_hello_arg = o->client_hello_arg;
}

static bool hash_policy(const struct attachment *at, const struct rp_attach_options *o,
                        uint8_t out[static EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const bool good = md != NULL && EVP_DigestInit_ex(md, at->algorithms.sha256, NULL) == 1 &&
                      EVP_DigestUpdate(md, policy_label, sizeof policy_label) == 1 &&
                      EVP_DigestUpdate(md, o->policy, o->policy_len) == 1 &&
                      EVP_DigestFinal_ex(md, out, NULL) == 1;

    EVP_MD_CTX_free(md);
    return good;
}

/* By domain and policy alone: the same on every host and after a renewal of the certificate. */
static enum rp_status make_bindings(struct attachment *at, const struct rp_attach_options *o)
{
    const size_t half = sizeof at->context / 2;
    uint8_t domain[DERIVE_DOMAIN_LEN];
    uint8_t policy[EVP_MAX_MD_SIZE];
    enum rp_status status;

    if (!hash_policy(at, o, policy)) {
        return RP_CRYPTO;
    }
    status = derive_domain_id(o->domain, domain);
    if (status != RP_OK) {
        return status;
    }
    memcpy(at->context, domain, half);
    memcpy(at->context + half, policy, half);
    return binding_table_new(at->algorithms.sha256, domain, policy, &at->bindings);
}

enum rp_status attachment_new(const struct rp_attach_options *options, struct attachment **out,
                              struct rp_error *err)
{
    struct attachment *at = NULL;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (!options_good(options, err)) {
        return RP_INVALID;
    }
    at = memory_new(1, sizeof *at);
    if (at == NULL) {
        goto done;
    }
    take_options(at, options);
    status = algorithms_init(&at->algorithms);
    if (status != RP_OK) {
        goto done;
    }
    if (!window_domain(at->keyring, options->domain, &at->place)) {
        error_set(err, "cannot attach: the keyring has no domain %s", options->domain);
        status = RP_NOT_FOUND;
        goto done;
    }
    status = make_bindings(at, options);
    if (status != RP_OK) {
        goto done;
    }
    at->blank = revival_blank(at->context);
    if (at->blank == NULL) {
        status = RP_NO_MEMORY;
        goto done;
    }
    *out = at; /* transferred */
    at = NULL;
done:
    if (status != RP_OK && status != RP_NOT_FOUND) {
        error_set(err, "cannot attach: %s", rp_status_text(status));
    }
    attachment_free(&at);
    return status;
}

void attachment_free(struct attachment **at)
{
    if (at == NULL || *at == NULL) {
        return;
    }
    SSL_SESSION_free((*at)->blank);
    binding_table_free(&(*at)->bindings);
    algorithms_fini(&(*at)->algorithms);
    memory_free(*at);
    *at = NULL;
}

const struct attachment *attachment_of(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, index_ctx());
}

int64_t attachment_fleet_ms(const struct attachment *at)
{
    return window_fleet_ms(at->keyring, at->clock.boot_ms(at->clock.cookie));
}
