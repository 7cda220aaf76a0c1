#include "facts_kit.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "memory.h"
#include "text.h"

#define PORT 443
#define BEGAN_S 1700000000

struct maker {
    const struct kit_host *hosts;
    struct facts *facts;
    unsigned n_visits; /* to tell tickets apart */
};

static const struct kit_host *host_of(const struct maker *k, size_t a)
{
    return &k->hosts[a];
}

static unsigned n_processes(const struct kit_host *h)
{
    return h->n_processes != 0 ? h->n_processes : 1;
}

static uint8_t key_of(const struct kit_host *h, unsigned process)
{
    return h->n_processes != 0 ? h->processes[process] : 1;
}

static const char * or (const char *s, const char *otherwise)
{
    return s != NULL ? s : otherwise;
}

static void copy(char *out, size_t size, const char *s)
{
    struct text t = text_of(out, size);

    text_add(&t, s);
}

/* Bytes that look random, of a number. */
static void scatter(uint8_t *p, size_t n, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 0x1234567;

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)(x >> 24);
    }
}

static void fill_ticket(struct maker *k, const struct kit_host *h, unsigned process,
                        uint16_t version, bool early, struct visit_ticket *t)
{
    k->n_visits++;
    t->version = version;
    t->lifetime_s = h->lifetime_s != 0 ? h->lifetime_s : 300;
    t->age_add = k->n_visits * 77777;
    t->nonce_len = version >= 0x0304 ? 8 : 0;
    t->early_data_max = early ? 16384 : 0;
    t->n_extensions = early;
    t->len = h->stateful ? 32 : h->nameless ? 201 : 192;
    scatter(t->start, sizeof t->start, k->n_visits);
    scatter(t->digest, sizeof t->digest, k->n_visits + 1000);
    if (!h->stateful && !h->nameless) {
        scatter(t->start, 16, (uint64_t)key_of(h, process) << 32);
    }
}

static bool issues(const struct kit_host *h)
{
    return !h->no_sessions;
}

static void fill_certificate(const struct kit_host *h, unsigned process, struct visit *v)
{
    const char *subject = or (h->subjects[process], or (h->subject, "CN = example.com"));

    v->certificate.present = true;
    v->certificate.not_before_s = BEGAN_S - 86400;
    v->certificate.not_after_s = BEGAN_S + (int64_t)86400 * 90;
    v->certificate.names_host = true;
    copy(v->certificate.subject, sizeof v->certificate.subject, subject);
    copy(v->certificate.issuer, sizeof v->certificate.issuer, "CN = Test CA");
    for (size_t i = 0; subject[i] != '\0'; i++) {
        v->certificate.digest[i % 32] =
            (uint8_t)(v->certificate.digest[i % 32] * 31 + (uint8_t)subject[i]);
    }
}

/* A handshake with a process of the host. */
static void fill_visit(struct maker *k, size_t a, unsigned process, enum mechanism m, bool resumed,
                       struct visit *v)
{
    const struct kit_host *h = host_of(k, a);
    const uint16_t version = mechanism_version(m);

    *v = (struct visit){.end = VISIT_OK,
                        .alert = VISIT_NO_ALERT,
                        .connected = true,
                        .established = true,
                        .resumed = resumed,
                        .version = version,
                        .cipher = or (h->cipher, version >= 0x0304 ? "TLS_AES_256_GCM_SHA384"
                                                                   : "ECDHE-RSA-AES256-GCM-SHA384"),
                        .cipher_hash = or (h->hash, "SHA384"),
                        .group = "x25519",
                        .ems = !h->no_ems,
                        .asked_certificate = h->asks && !resumed,
                        .http_status = 200,
                        .handshake_us = resumed ? 400 : 1200,
                        .at_ms = 10 + k->n_visits};
    copy(v->http_server, sizeof v->http_server, or (h->server, ""));
    if (!resumed) {
        fill_certificate(h, process, v);
    }
    if (mechanism_by_session_id(m)) {
        v->session_id_len = issues(h) ? 32 : 0;
        scatter(v->session_id, 32, k->n_visits++ + 5000);
    } else if (issues(h) && (version >= 0x0304 || !resumed)) {
        v->n_tickets = version >= 0x0304 && !resumed ? 2 : 1;
        for (unsigned i = 0; i < v->n_tickets; i++) {
            fill_ticket(k, h, process, version, m == MECHANISM_EARLY, &v->tickets[i]);
        }
    }
}

static void fill_failure(struct visit *v, enum visit_end end, uint8_t alert, const char *why)
{
    *v = (struct visit){.end = end, .alert = alert};
    v->connected = end != VISIT_REFUSED;
    error_set(&v->why, "%s", why);
}

static bool has_failed(const struct kit_host *h, struct visit *v)
{
    if (h->unreachable) {
        fill_failure(v, VISIT_REFUSED, VISIT_NO_ALERT, "connection refused");
    } else if (h->no_tls) {
        fill_failure(v, VISIT_GARBAGE, VISIT_NO_ALERT, "this port speaks plain HTTP");
    } else if (h->no_version) {
        fill_failure(v, VISIT_VERSION, 70, "the server does not speak TLS 1.3");
    } else {
        return false;
    }
    return true;
}

static void issue(struct maker *k, size_t a, enum mechanism m)
{
    struct address_facts *address = &k->facts->addresses[a];
    struct issue_facts *issue = &address->issue[m];
    const struct kit_host *h = host_of(k, a);

    issue->n_tries = k->facts->n_tries;
    issue->visits = memory_new(issue->n_tries, sizeof *issue->visits);
    assert_non_null(issue->visits);
    for (unsigned t = 0; t < issue->n_tries; t++) {
        struct visit *v = &issue->visits[t];

        if (!has_failed(h, v)) {
            fill_visit(k, a, t % n_processes(h), m, false, v);
        }
        issue->n_established += v->established;
        issue->n_issued += v->established && issues(h);
    }
    address->reachable |= !h->unreachable;
    address->tls |= issue->n_established != 0 || h->no_version;
}

static bool takes_key(const struct kit_host *to, unsigned process, uint8_t key)
{
    return key == key_of(to, process) ||
           (!to->own_alone && key < 32 && (to->opens >> key & 1) != 0);
}

static bool resumes(const struct maker *k, size_t i, unsigned from, size_t j, unsigned process,
                    enum mechanism m, bool again)
{
    const struct kit_host *a = host_of(k, i);
    const struct kit_host *b = host_of(k, j);
    const bool same_ems = mechanism_version(m) >= 0x0304 || a->no_ems == b->no_ems;
    const bool same_hash = strcmp(or (a->hash, ""), or (b->hash, "")) == 0;

    if (b->forgets || b->sni_only || (b->single_use && again) || !same_ems || !same_hash ||
        strcmp(or (a->context, ""), or (b->context, "")) != 0) {
        return false;
    }
    if (mechanism_by_session_id(m) || a->stateful) {
        return !a->own_cache || (i == j && (!b->own_alone || from == process));
    }
    return takes_key(b, process, key_of(a, from));
}

static struct visit *kept(struct visit **place)
{
    if (*place == NULL) {
        *place = memory_new(1, sizeof **place);
        assert_non_null(*place);
        return *place;
    }
    return NULL;
}

static void decline(struct maker *k, struct cell *c, unsigned t, size_t j, unsigned process,
                    enum mechanism m)
{
    const struct kit_host *h = host_of(k, j);
    const bool fails = h->alert != 0 || h->resets;
    struct visit *v;

    if (c->n_full + c->n_failed == 0) {
        c->offered = t;
    }
    c->n_full += !fails;
    c->n_failed += fails;
    v = kept(fails ? &c->failed : &c->full);
    if (v != NULL && h->resets) {
        fill_failure(v, VISIT_RESET, VISIT_NO_ALERT, "the connection was reset in the handshake");
    } else if (v != NULL && fails) {
        fill_failure(v, VISIT_ALERT, h->alert, "the server sent an alert");
    } else if (v != NULL) {
        fill_visit(k, j, process, m, false, v);
    }
}

static void offer(struct maker *k, size_t i, size_t j, enum mechanism m)
{
    struct cell *c = facts_cell(k->facts, m, i, j);
    const struct kit_host *a = host_of(k, i);
    const struct kit_host *b = host_of(k, j);

    if (k->facts->addresses[i].issue[m].n_issued == 0 ||
        k->facts->addresses[j].issue[m].n_established == 0) {
        return;
    }
    for (unsigned t = 0; t < k->facts->n_tries; t++) {
        const unsigned from = t % n_processes(a);
        const unsigned process = (t + t / n_processes(b)) % n_processes(b);
        struct visit *v;

        c->n_tries++;
        if (!resumes(k, i, from, j, process, m, false)) {
            decline(k, c, t, j, process, m);
            continue;
        }
        c->n_resumed++;
        c->n_early += m == MECHANISM_EARLY && !b->no_early;
        c->n_new_tickets += mechanism_version(m) >= 0x0304;
        v = kept(&c->resumed);
        if (v != NULL) {
            fill_visit(k, j, process, m, true, v);
            v->early_accepted = m == MECHANISM_EARLY && !b->no_early;
        }
    }
}

static void experiment(struct maker *k, size_t a, enum mechanism m)
{
    const struct kit_host *h = host_of(k, a);
    struct address_facts *address = &k->facts->addresses[a];

    if (h->sni_only) {
        address->own[m].n_no_sni_tries = 3;
        address->own[m].n_no_sni = 3;
    }
    if (h->single_use) {
        address->own[m].n_twice_tries = 3;
        address->own[m].n_twice = 0;
    }
}

static void name(struct peer_address *address, size_t i)
{
    struct text t = text_of(address->text, sizeof address->text);

    text_addf(&t, "127.0.0.%zu:%d", i + 1, PORT);
}

struct facts *kit_facts(const struct kit_host *hosts, size_t n, unsigned mechanisms,
                        unsigned n_tries)
{
    const struct endpoint endpoint = {.host = "example.com", .name = "example.com", .port = PORT};
    struct peer_address *addresses = memory_new(n, sizeof *addresses);
    struct maker k = {.hosts = hosts};

    assert_non_null(addresses);
    for (size_t i = 0; i < n; i++) {
        name(&addresses[i], i);
    }
    assert_int_equal(facts_new(&endpoint, addresses, n, mechanisms, &k.facts), RP_OK);
    memory_free(addresses);
    copy(k.facts->servername, sizeof k.facts->servername, "example.com");
    k.facts->n_tries = n_tries;
    k.facts->began_s = BEGAN_S;
    k.facts->took_ms = 1234;
    for (unsigned m = 0; m < MECHANISMS; m++) {
        if ((mechanisms & 1U << m) == 0) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            issue(&k, i, (enum mechanism)m);
            experiment(&k, i, (enum mechanism)m);
        }
        for (size_t i = 0; i < n * n; i++) {
            offer(&k, i / n, i % n, (enum mechanism)m);
        }
    }
    return k.facts;
}

struct facts *kit_fleet(const struct kit_host *host, size_t n, unsigned mechanisms,
                        unsigned n_tries)
{
    struct kit_host *hosts = memory_new(n, sizeof *hosts);
    struct facts *facts;

    assert_non_null(hosts);
    for (size_t i = 0; i < n; i++) {
        hosts[i] = *host;
    }
    facts = kit_facts(hosts, n, mechanisms, n_tries);
    memory_free(hosts);
    return facts;
}
