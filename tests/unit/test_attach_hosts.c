/*
 * Two hosts whose boot clocks are days apart, one of which has taken the other's ring up: what one
 * seals, the other opens, and finds as old as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attach_kit.h"
#include "keyring_rings.h"
#include "rings_kit.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define APART (9 * 24 * HOUR + 123)

struct hosts {
    struct kit kits[2];
    SSL_CTX *servers[2];
};

static void wait(struct hosts *h, int64_t ms)
{
    kit_wait(&h->kits[0], ms);
    kit_wait(&h->kits[1], ms);
}

static int64_t fleet_ms(const struct hosts *h, unsigned host)
{
    return h->kits[host].now_ms + keyring_rings_offset_ms(h->kits[host].keyring);
}

/* One host seals from now on by that ring of the other's. */
static void follow(struct hosts *h, unsigned host, unsigned place)
{
    const struct rings *const from = keyring_rings_state(h->kits[1 - host].keyring);
    struct rings *const draft = keyring_rings_draft(h->kits[host].keyring);
    const int64_t base_ms = fleet_ms(h, host) - fleet_ms(h, 1 - host);

    assert_int_equal(rings_kit_take_up(draft, from, place, base_ms, fleet_ms(h, host)), RP_OK);
    rings_seal_by(draft, (unsigned)rings_find(draft, from->ring[place].id), fleet_ms(h, host));
    assert_int_equal(keyring_rings_commit(h->kits[host].keyring), RP_OK);
}

/* The first has been up for an hour, the second for nine days. They share a cache. */
static void set_up(struct hosts *h, int64_t session_timeout_ms, int64_t max_age_ms)
{
    const struct rp_keyring_options options = {
        .rotate_ms = HOUR, .accept_ms = 24 * HOUR, .spare_keys = keyring_rings_spare(1, 24)};

    for (unsigned i = 0; i < 2; i++) {
        struct rp_attach_options attach;

        kit_init(&h->kits[i], &options);
        attach = kit_options(&h->kits[i]);
        attach.cache = h->kits[0].cache;
        attach.session_timeout_ms = session_timeout_ms;
        attach.max_age_ms = max_age_ms;
        h->servers[i] = kit_server(&h->kits[i], &attach);
    }
    kit_wait(&h->kits[1], APART);
    wait(h, 100 * SECOND);
    follow(h, 1, 0);
}

static void tear_down(struct hosts *h)
{
    for (unsigned i = 0; i < 2; i++) {
        SSL_CTX_free(h->servers[i]);
        kit_fini(&h->kits[i]);
    }
}

static enum rp_verdict good(enum rp_mechanism mechanism)
{
    return mechanism == RP_MECHANISM_PSK ? RP_VERDICT_RENEWED : RP_VERDICT_ACCEPTED;
}

static void offer_at(struct hosts *h, unsigned host, SSL_SESSION *session,
                     enum rp_mechanism mechanism, struct kit_outcome *out)
{
    const struct kit_offer offer = {
        .version = mechanism == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
        .name = KIT_NAME,
        .session = session,
        .prepare = mechanism == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
    };

    kit_connect(&h->kits[host], h->servers[host], &offer, out);
    assert_true(out->done);
}

static void check_ages(struct hosts *h, unsigned sealer, enum rp_mechanism mechanism)
{
    SSL_SESSION *session = kit_full_for(&h->kits[sealer], h->servers[sealer], mechanism);
    struct kit_outcome out;

    for (int64_t age_ms = 0; age_ms < 13 * SECOND; age_ms += 3333) {
        for (unsigned host = 0; host < 2; host++) {
            offer_at(h, host, session, mechanism, &out);
            assert_string_equal(rp_verdict_text(out.info.verdict),
                                rp_verdict_text(good(mechanism)));
            assert_int_equal(out.info.age_ms, age_ms);
            assert_int_equal(out.info.sealed_ms, age_ms);
            SSL_SESSION_free(out.session);
        }
        wait(h, 3333);
    }
    SSL_SESSION_free(session);
}

static void a_session_is_as_old_on_every_host(void **state)
{
    struct hosts h;

    (void)state;
    set_up(&h, 20 * SECOND, HOUR);
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        check_ages(&h, 0, m);
        check_ages(&h, 1, m);
    }
    tear_down(&h);
}

static void it_expires_to_the_millisecond(void **state)
{
    struct hosts h;

    (void)state;
    set_up(&h, 10 * SECOND, HOUR);
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        for (unsigned sealer = 0; sealer < 2; sealer++) {
            SSL_SESSION *session = kit_full_for(&h.kits[sealer], h.servers[sealer], m);
            struct kit_outcome out;

            wait(&h, 10 * SECOND);
            offer_at(&h, 1 - sealer, session, m, &out);
            assert_int_equal(out.info.verdict, good(m));
            SSL_SESSION_free(out.session);
            wait(&h, 1);
            offer_at(&h, 1 - sealer, session, m, &out);
            assert_int_equal(out.info.verdict, RP_VERDICT_EXPIRED);
            SSL_SESSION_free(out.session);
            SSL_SESSION_free(session);
        }
    }
    tear_down(&h);
}

/* Renewed here and there in turn, across epochs and a ring that is younger than the session. */
static void a_chain_ends_at_max_age_on_every_host(void **state)
{
    struct hosts h;
    struct kit_outcome out;
    SSL_SESSION *session;
    struct rings *draft;
    unsigned place = 0;

    (void)state;
    set_up(&h, 2 * HOUR, 5 * HOUR);
    session = kit_full_for(&h.kits[0], h.servers[0], RP_MECHANISM_PSK);
    for (int hours = 1; hours <= 5; hours++) {
        wait(&h, HOUR);
        if (hours == 3) { /* the second begins a ring, the first follows */
            draft = keyring_rings_draft(h.kits[1].keyring);
            assert_int_equal(rings_seed(draft, 7, fleet_ms(&h, 1), &place), RP_OK);
            rings_seal_by(draft, place, fleet_ms(&h, 1));
            assert_int_equal(keyring_rings_commit(h.kits[1].keyring), RP_OK);
            follow(&h, 0, place);
        }
        offer_at(&h, (unsigned)hours % 2, session, RP_MECHANISM_PSK, &out);
        assert_string_equal(rp_verdict_text(out.info.verdict),
                            hours < 5 ? "accepted-renew" : "accepted");
        assert_int_equal(out.info.age_ms, hours * HOUR);
        assert_int_equal(out.info.sealed_ms, HOUR);
        if (hours < 5) {
            SSL_SESSION_free(session);
            session = out.session;
        }
    }
    wait(&h, 1);
    offer_at(&h, 0, session, RP_MECHANISM_PSK, &out);
    assert_string_equal(rp_verdict_text(out.info.verdict), "expired");
    SSL_SESSION_free(out.session);
    SSL_SESSION_free(session);
    tear_down(&h);
}

/* Fleet time that is set right while a session lives moves its age by as much, and nothing else. */
static void an_offset_moves_the_age_by_itself(void **state)
{
    struct hosts h;
    struct kit_outcome out;
    SSL_SESSION *session;

    (void)state;
    set_up(&h, 20 * SECOND, HOUR);
    session = kit_full_for(&h.kits[0], h.servers[0], RP_MECHANISM_TICKET);
    wait(&h, 5 * SECOND);
    keyring_rings_set_offset_ms(h.kits[1].keyring, 40);
    wait(&h, 0);
    offer_at(&h, 1, session, RP_MECHANISM_TICKET, &out);
    assert_int_equal(out.info.age_ms, 5 * SECOND + 40);
    keyring_rings_set_offset_ms(h.kits[1].keyring, -5 * SECOND - 40); /* sealed in the future now */
    wait(&h, 0);
    SSL_SESSION_free(out.session);
    offer_at(&h, 1, session, RP_MECHANISM_TICKET, &out);
    assert_int_equal(out.info.verdict, RP_VERDICT_ACCEPTED);
    assert_int_equal(out.info.age_ms, 0);
    SSL_SESSION_free(out.session);
    SSL_SESSION_free(session);
    tear_down(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_as_old_on_every_host),
        cmocka_unit_test(it_expires_to_the_millisecond),
        cmocka_unit_test(a_chain_ends_at_max_age_on_every_host),
        cmocka_unit_test(an_offset_moves_the_age_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
