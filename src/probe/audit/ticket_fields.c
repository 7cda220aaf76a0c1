#include "ticket_fields.h"

#include <string.h>

#define SMALL 0x10000
#define SMALL_MIN 4 /* as many all small ones by chance: once in 2^64 */

void ticket_fields_add(struct ticket_fields *f, unsigned connection, const struct trial_ticket *t)
{
    if (f->n < TICKET_FIELDS_MAX) {
        f->tickets[f->n++] = (struct seen_ticket){*t, connection};
    }
}

static bool same_ticket(const struct seen_ticket *a, const struct seen_ticket *b)
{
    return a->ticket.len == b->ticket.len &&
           memcmp(a->ticket.digest, b->ticket.digest, TRIAL_DIGEST_LEN) == 0;
}

static bool same_nonce(const struct seen_ticket *a, const struct seen_ticket *b)
{
    const size_t n = a->ticket.nonce_len;

    return a->connection == b->connection && n == b->ticket.nonce_len && n <= TRIAL_NONCE_MAX &&
           memcmp(a->ticket.nonce, b->ticket.nonce, n) == 0;
}

/* With those before it. */
static void compare(const struct ticket_fields *f, size_t i, struct ticket_fields_verdict *out)
{
    const struct seen_ticket *x = &f->tickets[i];
    bool repeat = false;
    bool nonce = false;
    bool age_add = false;

    for (size_t j = 0; j < i; j++) {
        const struct seen_ticket *y = &f->tickets[j];

        if (y->ticket.version != x->ticket.version) {
            continue;
        }
        if (same_ticket(x, y)) {
            repeat = true;
        } else if (x->ticket.version == RAW_TLS13 && x->ticket.age_add == y->ticket.age_add) {
            age_add = true;
        }
        if (x->ticket.version == RAW_TLS13 && same_nonce(x, y)) {
            nonce = true;
        }
    }
    out->n_repeats += repeat ? 1 : 0;
    out->n_nonce_repeats += nonce ? 1 : 0;
    if (age_add) {
        out->n_age_add_repeats++;
        out->age_add = x->ticket.age_add;
    }
}

void ticket_fields_judge(const struct ticket_fields *f, struct ticket_fields_verdict *out)
{
    size_t n_small = 0;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < f->n; i++) {
        const struct trial_ticket *t = &f->tickets[i].ticket;

        if (t->version == RAW_TLS13) {
            out->n13++;
            n_small += t->age_add < SMALL ? 1 : 0;
        }
        if (t->lifetime_s > out->longest_s) {
            out->longest_s = t->lifetime_s;
            out->longest_version = t->version;
        }
        compare(f, i, out);
    }
    out->age_add_small = out->n13 >= SMALL_MIN && n_small == out->n13;
}
