#include "resumption.h"

#include <string.h>

#include "index.h"
#include "memory.h"
#include "peer_check.h"
#include "session_time.h"

struct resumption *resumption_begin(SSL *ssl, const struct attachment *listener, const char *name)
{
    const size_t n = name != NULL ? strlen(name) + 1 : 0;
    struct resumption *old = resumption_of(ssl);
    struct resumption *r = memory_new(1, sizeof *r + n);

    if (SSL_set_ex_data(ssl, index_ssl(), r) != 1) {
        resumption_free(&r);
    } else {
        resumption_free(&old);
    }
    if (r == NULL) {
        return NULL;
    }
    if (name != NULL) {
        r->name = memcpy(r->name_room, name, n);
    }
    r->listener = listener;
    r->verdict = RP_VERDICT_NONE;
    r->mechanism = RP_MECHANISM_NONE;
    r->sealed_ago_ms = -1;
    r->age_ms = -1;
    return r;
}

void resumption_free(struct resumption **r)
{
    if (r != NULL) {
        memory_free(*r);
        *r = NULL;
    }
}

struct resumption *resumption_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, index_ssl());
}

const struct attachment *resumption_site(const SSL *ssl, const struct resumption *r)
{
    if (r == NULL || attachment_of(SSL_get_SSL_CTX(ssl)) != r->site) {
        return NULL;
    }
    return r->site;
}

void resumption_key(struct resumption *r, const struct window_key *key)
{
    r->has_key = true;
    memcpy(r->key_name, key->keys.stek.name, sizeof r->key_name);
    r->key_base_ms = key->base_ms;
}

void resumption_origin(struct resumption *r, int64_t origin_ms)
{
    r->has_origin = true;
    r->origin_ms = origin_ms;
}

/* Until it is known, this is the full handshake. */
static int64_t origin_of(const struct resumption *r)
{
    return r->has_origin ? r->origin_ms : r->now_ms;
}

/* b is not later; the longest there is, where it does not fit. */
static int64_t since(int64_t a, int64_t b)
{
    int64_t ms;

    return __builtin_sub_overflow(a, b, &ms) ? INT64_MAX : ms;
}

enum rp_verdict resumption_judge(SSL *ssl, struct resumption *r, const struct attachment *site,
                                 const struct session_meta *meta, int64_t lifetime_ms)
{
    const int64_t now_ms = r->now_ms;
    const struct session_claim claim = {
        .context = site->context,
        .binding = r->binding,
        .fleet_ms = now_ms,
        .max_age_ms = site->max_age_ms,
        .version = (uint16_t)SSL_version(ssl),
        .ems = r->ems,
    };

    r->sealed_ago_ms = now_ms > meta->sealed_ms ? since(now_ms, meta->sealed_ms) : 0;
    r->age_ms = now_ms > meta->origin_ms ? since(now_ms, meta->origin_ms) : 0;
    r->verdict = r->unnamed ? RP_VERDICT_WRONG_SNI : session_check(meta, lifetime_ms, &claim);
    return r->verdict;
}

static bool read_context(const SSL_SESSION *session, struct session_meta *meta)
{
    unsigned n = 0;
    const uint8_t *context = SSL_SESSION_get0_id_context(session, &n);

    if (n != sizeof meta->context) {
        return false;
    }
    memcpy(meta->context, context, sizeof meta->context);
    return true;
}

enum rp_verdict resumption_judge_session(SSL *ssl, struct resumption *r,
                                         const struct attachment *site, SSL_SESSION *session,
                                         int64_t base_ms)
{
    const int64_t lifetime_ms = (int64_t)SSL_SESSION_get_timeout(session) * 1000;
    struct session_meta meta;
    void *data = NULL;
    size_t n = 0;

    if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 ||
        !session_meta_decode(data, n, &meta) || !read_context(session, &meta)) {
        r->verdict = RP_VERDICT_FOREIGN;
        return r->verdict;
    }
    session_time_to_fleet(&meta, base_ms);
    if (resumption_judge(ssl, r, site, &meta, lifetime_ms) == RP_VERDICT_ACCEPTED) {
        resumption_origin(r, meta.origin_ms);
        r->verdict = peer_check(ssl, session, site->clock.wall_s(site->clock.cookie));
    }
    return r->verdict;
}

int64_t resumption_wall_s(const struct resumption *r, const struct attachment *site)
{
    return site->clock.wall_s(site->clock.cookie) - r->sealed_ago_ms / 1000;
}

bool resumption_name_session(const struct resumption *r, SSL_SESSION *session)
{
    return r->name == NULL || SSL_SESSION_set1_hostname(session, r->name) == 1;
}

void resumption_meta(const SSL *ssl, const struct resumption *r, const struct attachment *site,
                     int64_t base_ms, struct session_meta *out)
{
    const int64_t origin_ms = origin_of(r);

    *out = (struct session_meta){
        .origin_ms = origin_ms,
        .sealed_ms = r->now_ms > origin_ms ? r->now_ms : origin_ms,
        .version = (uint16_t)SSL_version(ssl),
        .ems = SSL_version(ssl) == TLS1_3_VERSION || r->ems,
    };
    memcpy(out->context, site->context, sizeof out->context);
    memcpy(out->binding, r->binding, sizeof out->binding);
    session_time_to_ring(out, base_ms);
}

uint32_t resumption_life_s(const struct resumption *r, const struct attachment *site,
                           const struct window_key *key)
{
    const struct session_life life = {
        .fleet_ms = r->now_ms,
        .origin_ms = origin_of(r),
        .session_timeout_ms = site->session_timeout_ms,
        .max_age_ms = site->max_age_ms,
        .opens_until_ms = key->opens_until_ms,
    };

    return session_lifetime_s(&life);
}

bool resumption_can_seal(const struct resumption *r, const struct attachment *site)
{
    struct window_key key;
    const bool lives = window_sealing(site->keyring, site->place, r->now_ms, &key) &&
                       resumption_life_s(r, site, &key) != 0;

    window_key_wipe(&key);
    return lives;
}
