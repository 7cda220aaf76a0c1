#include "session_check.h"

#include <string.h>

#include "order.h"

#define VERSION_TLS13 0x0304
#define LIFETIME_MAX_S 604800 /* RFC 8446 section 4.6.1 */

/* Of a session's context. */
#define TAG_LEN 4
#define DOMAIN_AT 0
#define POLICY_AT (DOMAIN_AT + TAG_LEN)

_Static_assert(POLICY_AT + TAG_LEN == SESSION_CONTEXT_LEN, "layout");

/* a - b, at the end of the range where it does not fit. */
static int64_t difference(int64_t a, int64_t b)
{
    int64_t result;

    if (__builtin_sub_overflow(a, b, &result)) {
        result = a < b ? INT64_MIN : INT64_MAX;
    }
    return result;
}

static bool differ(const uint8_t *a, const uint8_t *b, size_t at, size_t n)
{
    return memcmp(a + at, b + at, n) != 0;
}

static bool expired(const struct session_meta *m, int64_t lifetime_ms,
                    const struct session_claim *claim)
{
    const int64_t age_ms = difference(claim->fleet_ms, m->sealed_ms);

    return age_ms < -SESSION_SKEW_MS || (age_ms < 0 ? 0 : age_ms) > lifetime_ms ||
           difference(claim->fleet_ms, m->origin_ms) > claim->max_age_ms;
}

enum rp_verdict session_check(const struct session_meta *m, int64_t lifetime_ms,
                              const struct session_claim *claim)
{
    if (differ(m->context, claim->context, DOMAIN_AT, TAG_LEN)) {
        return RP_VERDICT_WRONG_DOMAIN;
    }
    if (m->version != claim->version) {
        return RP_VERDICT_WRONG_VERSION;
    }
    if (differ(m->context, claim->context, POLICY_AT, TAG_LEN)) {
        return RP_VERDICT_POLICY_CHANGED;
    }
    /* Of domain and policy too, where four bytes do not tell them apart. */
    if (differ(m->binding, claim->binding, 0, SESSION_HASH_LEN)) {
        return RP_VERDICT_WRONG_SNI;
    }
    /* Without it on either side nothing resumes, though RFC 7627 section 5.3 would let it. */
    if (m->version < VERSION_TLS13 && (!m->ems || !claim->ems)) {
        return RP_VERDICT_WRONG_EMS;
    }
    return expired(m, lifetime_ms, claim) ? RP_VERDICT_EXPIRED : RP_VERDICT_ACCEPTED;
}

uint32_t session_lifetime_s(const struct session_life *life)
{
    const int64_t age_ms = difference(life->fleet_ms, life->origin_ms);
    int64_t left_ms = order_least(life->session_timeout_ms, INT64_C(1000) * LIFETIME_MAX_S);

    left_ms = order_least(left_ms, difference(life->max_age_ms, age_ms));
    /* The key opens up to, not including, opens_until_ms; a session is good in its last one. */
    left_ms = order_least(left_ms, difference(difference(life->opens_until_ms, 1), life->fleet_ms));
    return left_ms > 0 ? (uint32_t)(left_ms / 1000) : 0;
}
