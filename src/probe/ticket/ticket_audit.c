#include "ticket_audit.h"

#include <string.h>

#include <openssl/crypto.h>

#include "memory.h"
#include "structure.h"
#include "text.h"
#include "ticket_compare.h"
#include "ticket_crack.h"
#include "ticket_findings.h"
#include "weak_keys.h"

#define NAME_LEN 16
#define WHOLLY_MAX 4 /* tickets under one key name on which the rarer ways are tried too */
#define EVIDENCE_SIZE 512

struct audit {
    struct ticket_audit *out;
    const struct ticket_sample *samples;
    size_t n;
    const struct ticket_audit_observer *observer; /* NULL: none */
    struct ticket_judgement judgement;
    struct crack_ticket *tickets;
    struct weak_keys *keys;
    struct cracker *cracker;
};

/* How many earlier tickets have the same first bytes, as a name. */
static size_t n_before(const struct audit *a, size_t i)
{
    const struct ticket_bytes t = a->samples[i].ticket;
    size_t n = 0;

    for (size_t j = 0; j < i && n < WHOLLY_MAX; j++) {
        const struct ticket_bytes other = a->samples[j].ticket;

        n += t.n >= NAME_LEN && other.n >= NAME_LEN && memcmp(t.p, other.p, NAME_LEN) == 0;
    }
    return n;
}

static bool is_repeated(const struct audit *a, size_t i)
{
    const struct ticket_bytes t = a->samples[i].ticket;

    for (size_t j = 0; j < i && j < TICKET_COMPARED_MAX; j++) {
        const struct ticket_bytes other = a->samples[j].ticket;

        if (t.n == other.n && (t.n == 0 || memcmp(t.p, other.p, t.n) == 0)) {
            return true;
        }
    }
    return false;
}

static void prepare(struct audit *a, size_t i)
{
    struct crack_ticket *t = &a->tickets[i];
    const struct ticket_bytes bytes = a->samples[i].ticket;
    struct structure s;

    if (bytes.n < NAME_LEN || is_repeated(a, i)) {
        return; /* an empty one is left alone */
    }
    t->ticket = bytes;
    for (size_t k = 0; k < a->judgement.n_candidates; k++) {
        struct ticket_view *view = &t->views[t->n_views];

        t->n_views += ticket_layout_split(a->judgement.candidates[k].layout, bytes, view);
    }
    /* Tickets of several servers may have no layout in common. */
    if (a->judgement.n_candidates == 0) {
        t->n_views = ticket_layout_guess(bytes, t->views);
    }
    t->briefly = n_before(a, i) >= WHOLLY_MAX;
    s = structure_of(bytes.p + NAME_LEN, bytes.n - NAME_LEN);
    t->structured = structure_is_strong(&s);
}

static enum rp_status judge(struct audit *a)
{
    struct ticket_bytes *tickets = memory_new(a->n != 0 ? a->n : 1, sizeof *tickets);

    a->tickets = memory_new(a->n != 0 ? a->n : 1, sizeof *a->tickets);
    if (tickets == NULL || a->tickets == NULL) {
        memory_free(tickets);
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < a->n; i++) {
        tickets[i] = a->samples[i].ticket;
    }
    ticket_layout_judge(tickets, a->n, &a->judgement);
    memory_free(tickets);
    for (size_t i = 0; i < a->n; i++) {
        prepare(a, i);
    }
    return RP_OK;
}

static enum rp_status add_opened(struct audit *a, size_t i, const struct weak_key *key,
                                 const struct crack_result *result)
{
    char evidence[EVIDENCE_SIZE];
    struct text t = text_of(evidence, sizeof evidence);

    text_addf(&t, "opens under a key that is %s (%s): %s", key->text, key->source, result->how);
    if (result->content[0] != '\0') {
        text_addf(&t, "; inside is %s", result->content);
    }
    return ticket_findings_add(a->out, TICKET_FINDING_WEAK_KEY, i, i, evidence);
}

static enum rp_status try_cipher_key(struct audit *a, const struct weak_key *key)
{
    enum rp_status status = RP_OK;

    if (!cracker_set_key(a->cracker, key->bytes, key->len)) {
        return RP_CRYPTO;
    }
    for (size_t i = 0; i < a->n && status == RP_OK; i++) {
        struct crack_result result;

        if (a->tickets[i].ticket.n != 0 &&
            cracker_try(a->cracker, &a->tickets[i], &a->out->n_decryptions, &result)) {
            status = add_opened(a, i, key, &result);
        }
    }
    return status;
}

/* RFC 5077 has the MAC at the end, over all before it; so do all that use one. */
static bool verifies(struct audit *a, enum ticket_hash hash, struct ticket_bytes t)
{
    const size_t len = ticket_hash_len(hash);
    uint8_t mac[TICKET_MAC_MAX];

    if (t.n <= len + NAME_LEN) {
        return false;
    }
    a->out->n_macs++;
    return ticket_cipher_mac(cracker_cipher(a->cracker), hash, t.p, t.n - len, mac) &&
           CRYPTO_memcmp(mac, t.p + t.n - len, len) == 0;
}

static enum rp_status try_mac_key(struct audit *a, const struct weak_key *key,
                                  enum ticket_hash hash)
{
    enum rp_status status = RP_OK;

    if (!ticket_cipher_set_mac_key(cracker_cipher(a->cracker), hash, key->bytes, key->mac_len)) {
        return RP_CRYPTO;
    }
    for (size_t i = 0; i < a->n && status == RP_OK; i++) {
        char evidence[EVIDENCE_SIZE];
        struct text t = text_of(evidence, sizeof evidence);

        if (a->tickets[i].briefly && hash != TICKET_HASH_SHA256) {
            continue;
        }
        if (verifies(a, hash, a->tickets[i].ticket)) {
            text_addf(
                &t,
                "its %s verifies under a key that is %s (%s): anybody can change a ticket and "
                "the server takes it",
                ticket_hash_text(hash), key->text, key->source);
            status = ticket_findings_add(a->out, TICKET_FINDING_WEAK_KEY, i, i, evidence);
        }
    }
    return status;
}

static enum rp_status try_keys(struct audit *a)
{
    enum rp_status status = RP_OK;

    for (size_t k = 0; k < a->keys->n && status == RP_OK; k++) {
        const struct weak_key *key = &a->keys->keys[k];

        if (key->len == 16 || key->len == 32) {
            status = try_cipher_key(a, key);
        }
        for (unsigned h = 0; h < TICKET_HASHES && status == RP_OK && !key->same_mac; h++) {
            status = try_mac_key(a, key, (enum ticket_hash)h);
        }
        if (a->observer != NULL) {
            a->observer->progress(a->observer->cookie, k + 1, a->keys->n);
        }
    }
    a->out->n_cipher_keys = a->keys->n_cipher;
    a->out->n_mac_keys = a->keys->n_mac;
    return status;
}

static enum rp_status run(struct audit *a)
{
    size_t longest = 0;
    enum rp_status status = judge(a);

    for (size_t i = 0; i < a->n; i++) {
        longest = a->samples[i].ticket.n > longest ? a->samples[i].ticket.n : longest;
    }
    if (status == RP_OK) {
        status = ticket_look_at(a->out, a->samples, a->n);
    }
    if (status == RP_OK) {
        status = ticket_compare(a->out, a->samples, a->n, &a->judgement);
    }
    if (status == RP_OK) {
        status = weak_keys_new(&a->keys);
    }
    if (status == RP_OK) {
        status = cracker_new(longest, &a->cracker);
    }
    return status == RP_OK ? try_keys(a) : status;
}

enum rp_status ticket_audit_run(const struct ticket_sample *samples, size_t n,
                                const struct ticket_audit_observer *observer,
                                struct ticket_audit **out)
{
    struct audit a = {.samples = samples, .n = n, .observer = observer};
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    a.out = memory_new(1, sizeof *a.out);
    if (a.out == NULL) {
        goto done;
    }
    a.out->n_tickets = n;
    status = run(&a);
    if (status == RP_OK) {
        *out = a.out; /* transferred */
        a.out = NULL;
    }

done:
    cracker_free(&a.cracker);
    weak_keys_free(&a.keys);
    memory_free(a.tickets);
    ticket_audit_free(&a.out);
    return status;
}

void ticket_audit_free(struct ticket_audit **audit)
{
    if (*audit != NULL) {
        memory_free((*audit)->findings);
        memory_free(*audit);
        *audit = NULL;
    }
}

bool ticket_audit_is_bad(const struct ticket_audit *audit)
{
    for (size_t i = 0; i < audit->n_findings; i++) {
        if (ticket_finding_is_fault(audit->findings[i].kind)) {
            return true;
        }
    }
    return false;
}
