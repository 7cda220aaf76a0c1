#include "ticket_timing.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "order.h"
#include "ticket_offer.h"
#include "timing.h"

#define RUNS 3             /* that must agree; the first alone where nothing stands out */
#define RUN_US 4000000     /* no further round is begun after that */
#define ROUNDS_A_SESSION 8 /* before there is a fresh one */
#define FAILURES_MAX 8     /* rounds that came to nothing */
#define TICKET_LEN_MIN 128 /* a shorter one may be the name of a session that the server keeps */
#define PAD_OPENSSL 49     /* from the end: it changes the last byte of padding before 32 of MAC, */
#define PAD_GNUTLS 37      /* and before 20 */
#define MAC_LEN 32

#define WAYS 7

struct stopwatch {
    struct ticket_supply supply; /* used a time: a round */
    struct ticket_change ways[WAYS];
    struct timing timing;
};

static void choose_ways(struct stopwatch *w)
{
    const size_t n = w->supply.session->ticket_len;
    const struct ticket_change ways[WAYS] = {
        {CHANGE_FLIP, n / 2, false, 0x01},
        {CHANGE_FLIP, n - n / 4, false, 0x01},
        {CHANGE_FLIP, PAD_OPENSSL, true, 0x01},
        {CHANGE_FLIP, PAD_GNUTLS, true, 0x01},
        {CHANGE_FLIP, MAC_LEN, true, 0x01},
        /* Alike in whatever a server may do. */
        {CHANGE_FLIP, 1, true, 0x01},
        {CHANGE_FLIP, 1, true, 0x80},
    };

    for (size_t i = 0; i < WAYS; i++) {
        w->ways[i] = ways[i];
    }
}

static bool refresh(struct stopwatch *w)
{
    if (!ticket_supply_renew(&w->supply, ROUNDS_A_SESSION) ||
        w->supply.session->ticket_len < TICKET_LEN_MIN) {
        return false;
    }
    choose_ways(w);
    return true;
}

/* 0 to n - 1 in an order that is drawn. */
static bool draw_order(size_t n, size_t *out)
{
    uint8_t bytes[TIMING_WAYS_MAX];

    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t at = bytes[i] % (i + 1); /* near enough to even: 256 is no multiple of all */

        out[i] = out[at];
        out[at] = i;
    }
    return true;
}

/* False if a connection came to anything but a full handshake: such a round is not comparable. */
static bool time_round(struct stopwatch *w)
{
    uint32_t us[TIMING_WAYS_MAX] = {0};
    size_t order[TIMING_WAYS_MAX] = {0};

    if (!refresh(w) || !draw_order(WAYS, order)) {
        return false;
    }
    w->supply.n_used++;
    for (size_t i = 0; i < WAYS; i++) {
        struct trial t;
        bool full;

        if (!ticket_offer(&w->supply, &w->ways[order[i]], &t)) {
            return false;
        }
        full = trial_full(&t);
        us[order[i]] =
            t.result.first_byte_us < UINT32_MAX ? (uint32_t)t.result.first_byte_us : UINT32_MAX;
        trial_fini(&t);
        if (!full) {
            return false;
        }
    }
    timing_add(&w->timing, us);
    return true;
}

/* As many rounds as it takes to see such a difference: what ends it is how noisy it is, never what
 * the differences are. */
static void time_run(struct stopwatch *w, int64_t enough_us, struct timing_verdict *out)
{
    const int64_t until_us = raw_now_us() + RUN_US;
    unsigned n_failures = 0;

    w->timing = (struct timing){.n_ways = WAYS};
    do {
        n_failures += time_round(w) ? 0 : 1;
        timing_judge(&w->timing, out);
    } while (out->least_us > enough_us && w->timing.n_rounds < TIMING_ROUNDS_MAX &&
             n_failures < FAILURES_MAX && raw_now_us() < until_us && auditor_goes_on(w->supply.a));
}

static void tell(struct stopwatch *w, const struct timing_verdict *runs, size_t way)
{
    const struct timing_way *first = &runs[0].ways[way];
    const struct timing_way *last = &runs[RUNS - 1].ways[way];
    const bool later = first->difference_us > 0;
    char what[64];

    ticket_change_text(&w->ways[way], what, sizeof what);
    auditor_find(w->supply.a, FINDING_TICKET_TIMING,
                 "%s of %zu bytes: with %s the answer began %lld microseconds %s than with other "
                 "bits flipped, in %zu of %zu comparisons; and %lld in %zu of %zu, when it was "
                 "tried again; noise explains less than %lld",
                 session_kind_text(w->supply.kind), w->supply.ticket_len, what,
                 (long long)(later ? first->difference_us : -first->difference_us),
                 later ? "later" : "sooner", first->n_agree, runs[0].n_rounds,
                 (long long)(later ? last->difference_us : -last->difference_us), last->n_agree,
                 runs[RUNS - 1].n_rounds, (long long)runs[0].least_us);
}

void ticket_timing(struct auditor *a, enum session_kind kind, struct ticket_timing *out)
{
    struct stopwatch w = {.supply = {.a = a, .kind = kind}};
    struct timing_verdict runs[RUNS];
    int64_t enough_us = TIMING_FLOOR_US;
    size_t n = 0;
    size_t odd;

    *out = (struct ticket_timing){0};
    do {
        time_run(&w, enough_us, &runs[n++]);
        out->n_rounds = n == 1 ? w.timing.n_rounds : out->n_rounds;
        odd = timing_odd_way(runs, n);
        if (odd != TIMING_WAYS_MAX) {
            enough_us = order_most(enough_us, llabs(runs[0].ways[odd].difference_us) / 2);
        }
    } while (odd != TIMING_WAYS_MAX && n < RUNS);
    if (odd != TIMING_WAYS_MAX) {
        tell(&w, runs, odd);
    }
    if (runs[0].least_us != INT64_MAX && timing_odd_way(runs, 1) == TIMING_WAYS_MAX) {
        out->least_us = runs[0].least_us;
    }
    raw_session_free(&w.supply.session);
}
