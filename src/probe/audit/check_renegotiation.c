#include "checks.h"
#include "repeat.h"

#define ANSWER_QUIET_MS 400

static enum vote renegotiate(struct auditor *a, void *cookie)
{
    const bool insecure = *(const bool *)cookie;
    const struct peer_address *address = auditor_address(a);
    struct raw_config config;
    struct raw_conn *conn = NULL;
    enum vote vote = VOTE_VOID;

    auditor_config(a, RAW_TLS12, &config);
    auditor_count(a);
    if (raw_conn_open(&config, (const struct sockaddr *)&address->sa, address->len,
                      auditor_deadline_us(a), &conn) != RP_OK) {
        return VOTE_VOID;
    }
    if (raw_conn_handshake(conn) &&
        raw_client_renegotiate(raw_conn_client(conn), insecure) == RP_OK) {
        (void)raw_conn_read(conn, RAW_UNTIL_ANSWER, ANSWER_QUIET_MS);
        vote =
            raw_conn_result(conn)->renegotiation == RAW_RENEGOTIATION_BEGUN ? VOTE_HIT : VOTE_MISS;
    }
    raw_conn_close(&conn);
    return vote;
}

void check_renegotiation(struct auditor *a)
{
    bool insecure = true;
    struct votes v;

    if (a->profile.kinds[KIND_ID12].n_full == 0 && a->profile.kinds[KIND_TICKET12].n_full == 0) {
        if (profile_unclear(&a->profile, KIND_ID12) ||
            profile_unclear(&a->profile, KIND_TICKET12)) {
            auditor_conclude(a, AUDIT_NOT_JUDGED, "no handshake of TLS 1.2 comes to its end");
        } else {
            auditor_conclude(a, AUDIT_NOT_APPLICABLE, "the server does not speak TLS 1.2");
        }
        return;
    }
    repeat(a, renegotiate, &insecure, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_INSECURE_RENEGOTIATION,
                     "a second ClientHello in TLS 1.2, without renegotiation_info, was answered "
                     "with ServerHello %u of %u times",
                     v.n_hits, v.n);
    }
    insecure = false;
    repeat(a, renegotiate, &insecure, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_RENEGOTIATION,
                     "a second ClientHello in TLS 1.2 was answered with ServerHello %u of %u times",
                     v.n_hits, v.n);
    } else if (votes_judged(&v)) {
        auditor_conclude(a, AUDIT_PASSED, "refused or ignored %u of %u times", v.n - v.n_hits, v.n);
    }
}
