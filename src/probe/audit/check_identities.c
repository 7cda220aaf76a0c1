#include <string.h>

#include <openssl/rand.h>

#include "checks.h"
#include "memory.h"
#include "resumption.h"

#define MANY 200
#define MANY_LEN 32
#define LONG_LEN ((size_t)40 * 1024)
#define LIVE_AT 100 /* among the many: the one with the live key name */
#define ROUNDS 3
#define STALLS_FOUND 2
#define REVIVAL_US 1000000 /* between looks whether the server is still there */
#define STALL_US 1000000
#define STALL_TIMES 20 /* what a handshake without all that takes */

struct flood {
    const char *text;
    size_t n;
    size_t len;
    bool live_names; /* all of them bear the key name */
    bool may_close;  /* so large that a server may well have had enough of it */
};

struct flood_seen {
    unsigned n;
    unsigned n_closed;
    unsigned n_stalled;
    uint64_t slowest_us;
    uint64_t usual_us;
    bool gone; /* no handshake afterwards */
};

/* Microseconds; 0: it was not done. */
static uint64_t plain_handshake(struct auditor *a, const struct raw_config *config)
{
    const int64_t began_us = raw_now_us();
    struct trial t;
    uint64_t took = 0;

    auditor_try(a, config, TRIAL_HANDSHAKE, &t);
    if (t.result.established) {
        took = (uint64_t)(raw_now_us() - began_us);
    }
    trial_fini(&t);
    return took;
}

/* Ours ended over it: is there still a server for others? */
static bool is_gone(struct auditor *a)
{
    struct raw_config config;

    auditor_config(a, RAW_TLS13, &config);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (plain_handshake(a, &config) != 0 || auditor_cancelled(a)) {
            return false;
        }
        (void)auditor_wait_until(a, raw_now_us() + REVIVAL_US);
    }
    return true;
}

/* Identities at random in one block; of as many as were asked for, the first bytes of the ticket.
 */
static bool fill(const struct flood *f, const struct raw_session *s, uint8_t *bytes,
                 struct raw_psk *psks)
{
    const size_t name_len = s->ticket_len < 16 ? s->ticket_len : 16;

    for (size_t i = 0; i < f->n; i++) {
        uint8_t *p = bytes + i * f->len;

        if (RAND_bytes(p, (int)f->len) != 1) {
            return false;
        }
        if (f->live_names || i == LIVE_AT) {
            memcpy(p, s->ticket, name_len);
        }
        psks[i] = (struct raw_psk){.identity = p, .identity_len = f->len};
    }
    return true;
}

static void throw_one(struct auditor *a, const struct raw_psk *psks, size_t n,
                      struct flood_seen *seen)
{
    const int64_t began_us = raw_now_us();
    struct raw_config config;
    struct trial t;
    uint64_t took;

    auditor_config(a, RAW_TLS13, &config);
    config.hello.psks = psks;
    config.hello.n_psks = n;
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    took = (uint64_t)(raw_now_us() - began_us);
    seen->n++;
    seen->slowest_us = took > seen->slowest_us ? took : seen->slowest_us;
    if (t.result.end == RAW_END_CLOSED || t.result.end == RAW_END_RESET) {
        seen->n_closed += t.result.established ? 0 : 1;
    } else if (t.result.end == RAW_END_TIMEOUT ||
               (took > STALL_US && took > STALL_TIMES * seen->usual_us)) {
        seen->n_stalled += t.result.established && took <= STALL_US ? 0 : 1;
    }
    if (!t.result.established && t.result.end != RAW_END_ALERT) {
        seen->gone = is_gone(a);
    }
    trial_fini(&t);
}

static void tell(struct auditor *a, const struct flood *f, const struct flood_seen *seen)
{
    if (seen->gone) {
        auditor_find(a, FINDING_IDENTITY_FLOOD, "after %s no handshake was done any more", f->text);
    } else if (seen->n_stalled >= STALLS_FOUND) {
        auditor_find(a, FINDING_IDENTITY_FLOOD,
                     "%s: no answer for %llu ms, %u of %u times; without them a handshake takes "
                     "%llu ms",
                     f->text, (unsigned long long)seen->slowest_us / 1000, seen->n_stalled, seen->n,
                     (unsigned long long)seen->usual_us / 1000);
    } else if (seen->n_closed == seen->n && seen->n >= 3 && !f->may_close &&
               !resumption_ends_anyway(a, KIND_PSK13, seen->n, seen->n)) {
        auditor_find(a, FINDING_IDENTITY_FLOOD,
                     "%s: the connection was cut without an alert %u of %u times", f->text,
                     seen->n_closed, seen->n);
    }
}

static bool is_settled(const struct flood_seen *seen)
{
    return seen->gone || seen->n_stalled >= STALLS_FOUND;
}

static void try_flood(struct auditor *a, const struct flood *f, const struct raw_session *s,
                      struct flood_seen *seen)
{
    uint8_t *bytes = memory_new(f->n, f->len);
    struct raw_psk *psks = memory_new(f->n, sizeof *psks);
    struct raw_config config;

    auditor_config(a, RAW_TLS13, &config);
    seen->usual_us = plain_handshake(a, &config);
    if (bytes != NULL && psks != NULL && seen->usual_us != 0 && fill(f, s, bytes, psks)) {
        for (unsigned i = 0; i < ROUNDS && auditor_goes_on(a) && !is_settled(seen); i++) {
            throw_one(a, psks, f->n, seen);
        }
    }
    memory_free(psks);
    memory_free(bytes);
}

void check_identities(struct auditor *a)
{
    struct raw_session *s = NULL;
    unsigned n = 0;
    bool settled = false;

    if (!check_needs(a, KIND_PSK13)) {
        return;
    }
    s = auditor_session(a, KIND_PSK13);
    if (s == NULL) {
        return;
    }
    {
        const struct flood floods[] = {
            {"200 junk identities of 32 bytes", MANY, MANY_LEN, false, false},
            {"200 identities with a live key name, as long as a ticket", MANY,
             s->ticket_len < 256 ? s->ticket_len : 256, true, true},
            {"an identity of 40 kB with a live key name", 1, LONG_LEN, true, true},
        };

        for (size_t i = 0; i < sizeof floods / sizeof floods[0] && !settled; i++) {
            struct flood_seen seen = {0};

            try_flood(a, &floods[i], s, &seen);
            tell(a, &floods[i], &seen);
            n += seen.n;
            settled = is_settled(&seen);
        }
    }
    raw_session_free(&s);
    if (n != 0) {
        auditor_conclude(a, AUDIT_PASSED,
                         "%u floods of identities: the server answered at once, and went on", n);
    }
}
