#include "ticket_compare.h"

#include <string.h>

#include "session_asn1.h"
#include "structure.h"
#include "text.h"
#include "ticket_content.h"
#include "ticket_findings.h"

#define SECRET_MIN 16
#define DER_AT_MAX 64
#define NAME_LEN 16
#define BLOCK 16
#define EVIDENCE_SIZE 512

static enum rp_status find_secret(struct ticket_audit *audit, const struct ticket_sample *s,
                                  size_t i)
{
    for (size_t k = 0; k < TICKET_SECRETS_MAX; k++) {
        const struct ticket_bytes *secret = &s->secrets[k];
        const size_t at = secret->n >= SECRET_MIN
                              ? structure_find(s->ticket.p, s->ticket.n, secret->p, secret->n)
                              : SIZE_MAX;
        char evidence[EVIDENCE_SIZE];
        struct text t = text_of(evidence, sizeof evidence);

        if (at != SIZE_MAX) {
            text_addf(&t, "the session's secret, %zu bytes, stands in clear at byte %zu", secret->n,
                      at);
            return ticket_findings_add(audit, TICKET_FINDING_PLAIN, i, i, evidence);
        }
    }
    return RP_OK;
}

/* A whole session in DER, with anything before and after it. */
static bool find_session(struct ticket_bytes ticket, struct text *t)
{
    for (size_t at = 0; at <= DER_AT_MAX && at + 16 <= ticket.n; at++) {
        const size_t len = session_asn1_len(ticket.p + at);
        struct session_asn1 session;

        if (len != 0 && len <= ticket.n - at && session_asn1_decode(ticket.p + at, len, &session)) {
            ticket_content_describe(t, &session);
            text_addf(t, " stands in clear at byte %zu", at);
            return true;
        }
    }
    return false;
}

static bool is_layout(struct ticket_bytes ticket, enum ticket_layout layout)
{
    struct ticket_view view;

    return ticket_layout_split(layout, ticket, &view);
}

static enum rp_status look_at(struct ticket_audit *audit, const struct ticket_sample *s, size_t i)
{
    const struct ticket_bytes ticket = s->ticket;
    char evidence[EVIDENCE_SIZE];
    struct text t = text_of(evidence, sizeof evidence);
    struct structure structure;
    enum rp_status status;

    if (find_session(ticket, &t)) {
        return ticket_findings_add(audit, TICKET_FINDING_PLAIN, i, i, evidence);
    }
    status = find_secret(audit, s, i);
    /* A DPAPI blob has text and zeroes in its head; an identifier is what it is. */
    if (status != RP_OK || ticket.n < 2 * NAME_LEN || is_layout(ticket, TICKET_LAYOUT_SCHANNEL) ||
        is_layout(ticket, TICKET_LAYOUT_STATEFUL)) {
        return status;
    }
    if (structure_is_constant(ticket.p, NAME_LEN)) {
        text_addf(&t, "the first 16 bytes are all %02x", ticket.p[0]);
        status = ticket_findings_add(audit, TICKET_FINDING_BLANK_NAME, i, i, evidence);
        t = text_of(evidence, sizeof evidence);
    }
    structure = structure_of(ticket.p + NAME_LEN, ticket.n - NAME_LEN);
    if (status == RP_OK && structure_is_strong(&structure)) {
        text_add(&t, "after the first 16 bytes ");
        structure_describe(&structure, &t);
        status = ticket_findings_add(audit, TICKET_FINDING_NOT_RANDOM, i, i, evidence);
    }
    return status;
}

enum rp_status ticket_look_at(struct ticket_audit *audit, const struct ticket_sample *samples,
                              size_t n)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < n && status == RP_OK; i++) {
        status = look_at(audit, &samples[i], i);
    }
    return status;
}

static bool equal(struct ticket_bytes a, struct ticket_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/*
 * Equal IVs are a fault where the layout is certain. Where it is but likely, what we take for an IV
 * might be a longer name; that the first block of ciphertext is equal too, as one key, one IV and
 * the constant head of a session make it, settles that.
 */
static bool shares_iv(struct ticket_bytes a, struct ticket_bytes b,
                      const struct ticket_judgement *judgement, struct text *t)
{
    const struct ticket_candidate best = judgement->candidates[0];
    struct ticket_view va;
    struct ticket_view vb;

    if (judgement->n_candidates == 0 || best.fit < TICKET_FIT_LIKELY ||
        !ticket_layout_split(best.layout, a, &va) || !ticket_layout_split(best.layout, b, &vb) ||
        va.iv.n == 0 || !equal(va.iv, vb.iv)) {
        return false;
    }
    if (best.fit < TICKET_FIT_CERTAIN &&
        (va.ciphertext.n < BLOCK || memcmp(va.ciphertext.p, vb.ciphertext.p, BLOCK) != 0)) {
        return false;
    }
    text_add(t, "IV ");
    text_add_hex(t, va.iv.p, va.iv.n);
    text_addf(t, ", in layout %s", ticket_layout_word(best.layout));
    text_add(t, equal(va.name, vb.name) ? ", comes again under the same key name"
                                        : ", comes again under another key name");
    return true;
}

/* What two secrets differ by, found in what two tickets differ by: one keystream made both. */
static size_t find_difference(const struct ticket_sample *a, const struct ticket_sample *b,
                              size_t secret)
{
    const struct ticket_bytes sa = a->secrets[secret];
    const struct ticket_bytes sb = b->secrets[secret];
    const size_t len = sa.n < sb.n ? sa.n : sb.n;
    const size_t n = a->ticket.n < b->ticket.n ? a->ticket.n : b->ticket.n;

    if (len < SECRET_MIN || memcmp(sa.p, sb.p, len) == 0) {
        return SIZE_MAX;
    }
    for (size_t at = 0; at + len <= n; at++) {
        size_t i = 0;

        while (i < len && (a->ticket.p[at + i] ^ b->ticket.p[at + i]) == (sa.p[i] ^ sb.p[i])) {
            i++;
        }
        if (i == len) {
            return at;
        }
    }
    return SIZE_MAX;
}

static enum rp_status compare(struct ticket_audit *audit, const struct ticket_sample *samples,
                              size_t i, size_t j, const struct ticket_judgement *judgement)
{
    char evidence[EVIDENCE_SIZE];
    struct text t = text_of(evidence, sizeof evidence);

    for (size_t k = 0; k < TICKET_SECRETS_MAX; k++) {
        const size_t at = find_difference(&samples[i], &samples[j], k);

        if (at != SIZE_MAX) {
            text_addf(&t,
                      "the XOR of two tickets holds, at byte %zu, the XOR of their sessions' "
                      "secrets",
                      at);
            return ticket_findings_add(audit, TICKET_FINDING_KEYSTREAM, i, j, evidence);
        }
    }
    if (shares_iv(samples[i].ticket, samples[j].ticket, judgement, &t)) {
        return ticket_findings_add(audit, TICKET_FINDING_KEYSTREAM, i, j, evidence);
    }
    return RP_OK;
}

enum rp_status ticket_compare(struct ticket_audit *audit, const struct ticket_sample *samples,
                              size_t n, const struct ticket_judgement *judgement)
{
    const size_t compared = n < TICKET_COMPARED_MAX ? n : TICKET_COMPARED_MAX;
    enum rp_status status = RP_OK;

    audit->n_different = n;
    for (size_t j = 1; j < compared && status == RP_OK; j++) {
        for (size_t i = 0; i < j && status == RP_OK; i++) {
            audit->n_pairs++;
            if (equal(samples[i].ticket, samples[j].ticket)) {
                audit->n_different--;
                status = ticket_findings_add(audit, TICKET_FINDING_REPEATED, i, j,
                                             "the server gave it twice, or it was read twice");
                break;
            }
            status = compare(audit, samples, i, j, judgement);
        }
    }
    return status;
}
