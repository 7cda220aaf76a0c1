#include "tally.h"

#include "error.h"

static void count_end(struct tally *t, const struct client_outcome *o, const char *address)
{
    t->n_begun++;
    t->n_connected += o->connected;
    t->n_replies[o->http_status / 100 % 6] += o->http_status != 0;
    if (t->cipher == NULL) {
        t->cipher = o->cipher;
    }
    if (o->end != CLIENT_OK) {
        t->n_failed[o->end]++;
        if (t->first_failure.text[0] == '\0') {
            error_set(&t->first_failure, "%s: %s", address, o->why.text);
        }
    }
}

static const char *what_lacks(enum load_mode mode)
{
    return mode == LOAD_ID       ? "the server gave no session ID"
           : mode == LOAD_TICKET ? "the server gave no TLS 1.2 ticket"
                                 : "the server gave no TLS 1.3 ticket";
}

void tally_seed(struct tally *t, const struct client_outcome *o, const char *address,
                bool has_session)
{
    count_end(t, o, address);
    if (o->end != CLIENT_OK) {
        return;
    }
    if (has_session) {
        t->n_seeds++;
        return;
    }
    t->n_no_session++;
    if (t->first_failure.text[0] == '\0') {
        error_set(&t->first_failure, "%s: %s", address, what_lacks(t->mode));
    }
}

static const char *what_happened(enum load_mode mode, const struct client_outcome *o)
{
    switch (mode) {
    case LOAD_ID:
        return o->session_id_len != 0 ? "the server answered with another session ID"
                                      : "the server answered with no session ID";
    case LOAD_TICKET:
        return o->n_sessions != 0 ? "the server made a full handshake and gave a new ticket"
                                  : "the server made a full handshake and gave no ticket";
    case LOAD_PSK:
        return "the server did not take the PSK";
    case LOAD_FULL12:
    case LOAD_FULL13:
        break;
    }
    return "the server resumed though nothing was offered";
}

void tally_measured(struct tally *t, const struct client_outcome *o, const char *address,
                    const char *context)
{
    count_end(t, o, address);
    if (o->end != CLIENT_OK) {
        return;
    }
    t->n_resumed += o->reused;
    t->n_full += !o->reused;
    if (o->reused == load_mode_resumes(t->mode)) {
        latency_add(&t->handshake, o->handshake_us);
        latency_add(&t->connection, o->connection_us);
    } else if (t->first_refusal.text[0] == '\0') {
        error_set(&t->first_refusal, "%s: %s%s", address, what_happened(t->mode, o), context);
    }
}

uint64_t tally_failed(const struct tally *t)
{
    uint64_t n = t->n_no_session;

    for (unsigned i = 0; i < CLIENT_ENDS; i++) {
        n += t->n_failed[i];
    }
    return n;
}

uint64_t tally_expected(const struct tally *t)
{
    return load_mode_resumes(t->mode) ? t->n_resumed : t->n_full;
}

uint64_t tally_unexpected(const struct tally *t)
{
    return load_mode_resumes(t->mode) ? t->n_full : t->n_resumed;
}

bool tally_is_good(const struct tally *t)
{
    return tally_failed(t) == 0 && tally_unexpected(t) == 0 && tally_expected(t) != 0;
}

uint64_t tally_rate_tenths(const struct tally *t)
{
    return t->elapsed_us != 0 ? tally_expected(t) * 10000000 / t->elapsed_us : 0;
}
