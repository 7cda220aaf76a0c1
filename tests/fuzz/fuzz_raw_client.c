/*
 * The first byte chooses what the raw client offers, and in what pieces it is fed the rest: what a
 * server sent. All its randomness follows from a seed, so a recorded server is believed here.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "raw_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RESUMES 4
#define PIECES 8

static const uint8_t seed[RAW_SEED_LEN] = {1};

static void choose(struct raw_config *config, uint8_t how, const struct raw_session *session)
{
    raw_config_init(config, "localhost");
    config->seed = seed;
    if ((how & 3) == 1) {
        raw_hello_only(&config->hello, RAW_TLS12);
    } else if ((how & 3) == 2) {
        raw_hello_only(&config->hello, RAW_TLS13);
    }
    if (how & RESUMES) {
        raw_hello_offer_psk(&config->hello, session, 1);
        raw_hello_offer_ticket(&config->hello, session);
    }
}

static void look(struct raw_client *c)
{
    const struct raw_result *const r = raw_client_result(c);
    struct raw_session *s = NULL;
    size_t n;

    for (size_t i = 0; i < r->n_sessions; i++) {
        if (raw_client_session(c, i, &s) != RP_OK) {
            abort();
        }
        raw_session_free(&s);
    }
    for (size_t i = 0; i < r->n_tickets; i++) {
        if (raw_client_ticket(c, i, &n) == NULL) {
            abort();
        }
    }
    (void)raw_client_hello_ext(c, 51, &n);
    (void)raw_client_encrypted_ext(c, 16, &n);
    if (r->end == RAW_END_LOCAL || (r->end == RAW_END_GARBAGE && r->why.text[0] == '\0') ||
        strlen(r->fingerprint) >= sizeof r->fingerprint) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct raw_session *session;
    struct raw_config config;
    struct raw_client *c;
    size_t piece;

    if (size == 0 || raw_session_new(seed, sizeof seed, &session) != RP_OK) {
        return 0;
    }
    session->suite = 0x1301;
    session->secret_len = 32;
    choose(&config, data[0], session);
    piece = data[0] & PIECES ? 7 : size;
    if (raw_client_new(&config, &c) != RP_OK) {
        abort();
    }
    raw_client_sent(c, 1, 1);
    for (size_t at = 1; at < size; at += piece) {
        raw_client_feed(c, data + at, size - at < piece ? size - at : piece, 2);
    }
    look(c);
    raw_client_end(c, RAW_END_CLOSED, NULL);
    raw_client_free(&c);
    raw_session_free(&session);
    return 0;
}
