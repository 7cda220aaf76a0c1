#include "early_volley.h"

#include <string.h>

#include <openssl/rand.h>

void early_config(const struct auditor *a, const struct raw_session *s, struct raw_config *out)
{
    auditor_config_for(a, KIND_PSK13, out);
    auditor_offer(out, KIND_PSK13, s);
    out->hello.early_data = true;
    if (a->request[0] != '\0') {
        out->early = (const uint8_t *)a->request;
        out->early_len = strlen(a->request);
    }
    if (out->early_len > s->max_early_data) {
        out->early = NULL;
        out->early_len = 0;
    }
}

struct raw_conn *early_open(struct auditor *a, const struct raw_config *config, size_t address)
{
    const struct peer_address *to = &a->config->addresses[address];
    struct raw_conn *conn = NULL;

    auditor_count(a);
    if (raw_conn_open(config, (const struct sockaddr *)&to->sa, to->len, auditor_deadline_us(a),
                      &conn) != RP_OK) {
        return NULL;
    }
    return conn;
}

unsigned early_volley(struct auditor *a, const struct raw_config *config, struct early_volley *v)
{
    struct raw_conn *conns[EARLY_VOLLEY_MAX] = {NULL};
    struct raw_config same = *config;
    uint8_t seed[RAW_SEED_LEN];
    unsigned n = 0;

    if (RAND_bytes(seed, sizeof seed) != 1) {
        return 0;
    }
    same.seed = seed;
    for (size_t i = 0; i < v->n; i++) {
        conns[i] = early_open(a, &same, v->addresses[i]);
    }
    for (size_t i = 0; i < v->n; i++) {
        if (conns[i] != NULL) {
            (void)raw_conn_flush(conns[i]);
        }
    }
    for (size_t i = 0; i < v->n; i++) {
        v->answered[i] = conns[i] != NULL && raw_conn_handshake(conns[i]);
        v->accepted[i] = v->answered[i] && raw_conn_result(conns[i])->early == RAW_EARLY_ACCEPTED;
        n += v->accepted[i] ? 1 : 0;
    }
    for (size_t i = 0; i < v->n; i++) {
        raw_conn_close(&conns[i]);
    }
    return n;
}

struct raw_session *early_session(struct auditor *a, const struct raw_config *config)
{
    struct raw_session *s = auditor_issue(a, KIND_PSK13, config);

    if (s != NULL && s->max_early_data == 0) {
        raw_session_free(&s);
    }
    return s;
}
