/*
 * A slot makes one connection after the other. In a resuming mode it holds the newest session that
 * the server gave it. The pass first seeds every slot by a full handshake, and only when all have
 * ended does the measuring begin. A slot that has no session then (its session expired, or with
 * --fresh it was used) seeds itself again; seeds are never among the measured connections.
 */
#include "load_pass.h"

#include <sys/resource.h>

#include "client.h"
#include "error.h"
#include "memory.h"
#include "text.h"

/* Not offered within this of the end of its lifetime: it might expire on the way. */
#define EXPIRY_MARGIN_NS UINT64_C(250000000)

/* Without a single success the pass gives up after this many failures, or two a slot. */
#define HOPELESS 32

#define NS_PER_MS UINT64_C(1000000)

struct slot {
    struct load_pass *pass;
    struct client *client;
    SSL_SESSION *session; /* the newest; NULL: none */
    uint64_t session_ns;  /* when it came */
    size_t session_from;  /* the address that gave it */
    size_t address;       /* of the connection under way */
    bool seeding;
    bool has_new_session;
    uint64_t offered_age_ms;
    size_t offered_from;
};

struct load_pass {
    struct load_pass_config config;
    SSL_CTX *ctx;
    bool resumes;
    bool measuring;
    bool stopped;
    unsigned n_seeding; /* slots that have not ended their first seed */
    uint64_t n_spent;   /* of options->count */
    size_t next_address;
    uint64_t start_ns;     /* of the measuring */
    uint64_t deadline_ns;  /* UINT64_MAX when counting */
    uint64_t last_good_ns; /* end of the last connection that did as expected */
    uint64_t cpu_start_us;
    unsigned n_slots;
    struct slot *slots;
};

static uint64_t cpu_us(void)
{
    struct rusage r;

    if (getrusage(RUSAGE_SELF, &r) != 0) {
        return 0;
    }
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static bool is_hopeless(const struct load_pass *p)
{
    const struct tally *t = p->config.tally;
    const uint64_t failed = tally_failed(t);

    if (t->n_seeds + t->n_resumed + t->n_full != 0) {
        return false;
    }
    return (t->n_connected == 0 && failed >= p->n_slots) ||
           (failed >= HOPELESS && failed / 2 >= p->n_slots);
}

static bool may_begin(const struct load_pass *p)
{
    const uint64_t count = p->config.options->count;

    return !p->stopped && !is_hopeless(p) &&
           (count != 0 ? p->n_spent < count : uv_hrtime() < p->deadline_ns);
}

static void drop_session(struct slot *s)
{
    SSL_SESSION_free(s->session);
    s->session = NULL;
}

static bool has_expired(const struct slot *s, uint64_t now_ns)
{
    const uint64_t hint_ns =
        (uint64_t)SSL_SESSION_get_ticket_lifetime_hint(s->session) * 1000 * NS_PER_MS;

    return hint_ns != 0 && now_ns - s->session_ns + EXPIRY_MARGIN_NS >= hint_ns;
}

static void begin(struct slot *s, SSL_SESSION *offer)
{
    struct load_pass *p = s->pass;

    s->seeding = p->resumes && offer == NULL;
    s->has_new_session = false;
    s->address = p->next_address;
    p->next_address = (p->next_address + 1) % p->config.n_addresses;
    client_start(s->client, &p->config.addresses[s->address], offer);
}

static void begin_next(struct slot *s)
{
    struct load_pass *p = s->pass;
    const uint64_t now_ns = uv_hrtime();

    if (!may_begin(p)) {
        return;
    }
    if (s->session != NULL && has_expired(s, now_ns)) {
        drop_session(s);
    }
    if (s->session == NULL) {
        p->n_spent += !p->resumes;
        begin(s, NULL);
        return;
    }
    p->n_spent++;
    s->offered_age_ms = (now_ns - s->session_ns) / NS_PER_MS;
    s->offered_from = s->session_from;
    begin(s, s->session);
    if (p->config.options->fresh) {
        drop_session(s);
    }
}

static void start_measuring(struct load_pass *p)
{
    const struct load_options *o = p->config.options;

    p->measuring = true;
    p->cpu_start_us = cpu_us();
    p->start_ns = uv_hrtime();
    p->deadline_ns = o->count != 0 ? UINT64_MAX : p->start_ns + (uint64_t)o->time_ms * NS_PER_MS;
    for (unsigned i = 0; i < p->n_slots; i++) {
        begin_next(&p->slots[i]);
    }
}

/* Kept up to date, for nobody knows which connection is the last. */
static void note_end(struct load_pass *p, bool good)
{
    const uint64_t now_ns = uv_hrtime();
    struct tally *t = p->config.tally;
    uint64_t end_ns = now_ns;

    p->last_good_ns = good ? now_ns : p->last_good_ns;
    if (p->deadline_ns != UINT64_MAX && now_ns > p->deadline_ns) {
        /* Waiting for what hangs after the deadline is not time that was measured. */
        end_ns = p->last_good_ns > p->deadline_ns ? p->last_good_ns : p->deadline_ns;
    }
    t->n_timed++;
    t->elapsed_us = (end_ns - p->start_ns) / 1000;
    t->cpu_us = cpu_us() - p->cpu_start_us;
}

static void describe_offer(const struct slot *s, struct text *t)
{
    if (s->pass->resumes) {
        text_addf(t, " (offered: a session %llu ms old, from %s)",
                  (unsigned long long)s->offered_age_ms,
                  s->pass->config.addresses[s->offered_from].text);
    }
}

static void connection_done(void *cookie, const struct client_outcome *o)
{
    struct slot *s = cookie;
    struct load_pass *p = s->pass;
    struct tally *t = p->config.tally;
    const char *address = p->config.addresses[s->address].text;
    const uint64_t expected = tally_expected(t);

    if (s->seeding) {
        tally_seed(t, o, address, s->has_new_session);
        p->n_spent += p->measuring && (o->end != CLIENT_OK || !s->has_new_session);
    } else {
        char offer[128];
        struct text text = text_of(offer, sizeof offer);

        describe_offer(s, &text);
        tally_measured(t, o, address, offer);
    }
    if (p->measuring) {
        note_end(p, tally_expected(t) != expected);
        begin_next(s);
    } else if (--p->n_seeding == 0 && !p->stopped && t->n_seeds != 0) {
        start_measuring(p);
    }
}

static void session_came(void *cookie, SSL_SESSION *session)
{
    struct slot *s = cookie;

    if (!load_mode_accepts(s->pass->config.tally->mode, session)) {
        SSL_SESSION_free(session);
        return;
    }
    drop_session(s);
    s->session = session; /* transferred */
    s->session_ns = uv_hrtime();
    s->session_from = s->address;
    s->has_new_session = true;
}

static enum rp_status make_slots(struct load_pass *p)
{
    const struct load_options *o = p->config.options;
    const struct client_config client = {
        .ctx = p->ctx,
        .names.servername = o->servername,
        .names.verify_name = o->cafile == NULL       ? NULL
                             : o->servername != NULL ? o->servername
                                                     : o->target.name,
        .names.verify_is_address = o->servername == NULL && o->target.literal,
        .request = o->request_len != 0 ? o->request : NULL,
        .request_len = o->request_len,
        .timeout_ms = (uint64_t)o->timeout_ms,
        .session = session_came,
        .done = connection_done,
    };

    p->slots = memory_new(o->connections, sizeof *p->slots);
    if (p->slots == NULL) {
        return RP_NO_MEMORY;
    }
    for (; p->n_slots < o->connections; p->n_slots++) {
        struct slot *s = &p->slots[p->n_slots];
        struct client_config own = client;
        enum rp_status status;

        s->pass = p;
        own.cookie = s;
        status = client_new(p->config.loop, &own, &s->client);
        if (status != RP_OK) {
            return status;
        }
    }
    return RP_OK;
}

enum rp_status load_pass_new(const struct load_pass_config *config, struct load_pass **out,
                             struct rp_error *err)
{
    struct load_pass *p = memory_new(1, sizeof *p);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (p == NULL) {
        goto done;
    }
    p->config = *config;
    p->resumes = load_mode_resumes(config->tally->mode);
    p->deadline_ns = UINT64_MAX;
    status = load_mode_context(config->tally->mode, config->options->cafile, &p->ctx, err);
    if (status != RP_OK) {
        goto done;
    }
    client_prepare(p->ctx);
    status = make_slots(p);
    if (status != RP_OK) {
        goto done;
    }
    *out = p; /* transferred */
    p = NULL;

done:
    if (status == RP_NO_MEMORY) {
        error_set(err, "out of memory");
    }
    load_pass_free(&p);
    return status;
}

void load_pass_start(struct load_pass *p)
{
    if (!p->resumes) {
        start_measuring(p);
        return;
    }
    p->n_seeding = p->n_slots;
    for (unsigned i = 0; i < p->n_slots; i++) {
        begin(&p->slots[i], NULL);
    }
}

void load_pass_stop(struct load_pass *p)
{
    p->stopped = true;
}

uint64_t load_pass_elapsed_us(const struct load_pass *p)
{
    return p->measuring ? (uv_hrtime() - p->start_ns) / 1000 : 0;
}

void load_pass_free(struct load_pass **pass)
{
    struct load_pass *p = *pass;

    if (p == NULL) {
        return;
    }
    for (unsigned i = 0; i < p->n_slots; i++) {
        client_close(&p->slots[i].client);
        drop_session(&p->slots[i]);
    }
    if (p->config.loop != NULL) {
        (void)uv_run(p->config.loop, UV_RUN_DEFAULT);
    }
    memory_free(p->slots);
    SSL_CTX_free(p->ctx);
    memory_free(p);
    *pass = NULL;
}
