/*
 * The audit of one address: what its checks share. One thread at a time per auditor; what all of
 * them share is atomic.
 *
 * A check makes trials (a full handshake that gives a session, that session offered in a way that a
 * sound server declines), adds findings, and concludes. Whatever cannot be judged is concluded so.
 */
#ifndef AUDITOR_H
#define AUDITOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit.h"
#include "profile.h"
#include "raw_identity.h"
#include "trial.h"

#define AUDITOR_REQUEST_SIZE 768

/* Of all auditors of a run. */
struct audit_shared {
    const struct audit_config *config;
    const struct raw_identity *identity;   /* NULL: none */
    const atomic_bool *cancel;             /* NULL: never */
    const struct profile *const *profiles; /* of all addresses; for what comes after all are made */
    atomic_uint n_connections;
    atomic_size_t n_done; /* checks */
    atomic_size_t n_findings;
};

struct auditor {
    struct audit_shared *shared;
    const struct audit_config *config;
    size_t address;
    struct profile profile;
    bool ask_first;                     /* tickets of TLS 1.3 come after the first request */
    char request[AUDITOR_REQUEST_SIZE]; /* HTTP; empty: none is to be sent */

    enum audit_check check; /* the one that is being made */
    int64_t check_from_us;
    int64_t check_until_us;
    unsigned n_connections; /* of it */
    size_t n_check_findings;

    struct finding *findings;
    size_t n_findings;
    struct audit_result results[AUDIT_CHECKS];
    bool has_result[AUDIT_CHECKS];
    bool no_memory; /* a finding was lost */
};

void auditor_init(struct auditor *a, struct audit_shared *shared, size_t address);
void auditor_fini(struct auditor *a);

const struct peer_address *auditor_address(const struct auditor *a);

/* SNI of the site that is audited; NULL: none. */
const char *auditor_name(const struct auditor *a);

/* Nobody cancelled, and the check that is being made has time left for another trial. */
bool auditor_goes_on(const struct auditor *a);
bool auditor_cancelled(const struct auditor *a);

/* Waits until then on raw_now_us; false if cancelled. */
bool auditor_wait_until(const struct auditor *a, int64_t at_us);

/* How long a check may wait for time to pass. */
unsigned auditor_wait_s(const struct auditor *a);

/* A hello for that version and our name; with the client certificate, if there is one. */
void auditor_config(const struct auditor *a, uint16_t version, struct raw_config *out);

/* The same for a kind of session: none by ID that is by ticket. */
void auditor_config_for(const struct auditor *a, enum session_kind kind, struct raw_config *out);

/* For a connection that a check makes itself. */
void auditor_count(struct auditor *a);
int64_t auditor_deadline_us(const struct auditor *a);

/* One connection, counted. trial_fini is the caller's. */
void auditor_try(struct auditor *a, const struct raw_config *config, enum trial_want want,
                 struct trial *out);

/* The same, with that as Host of the request. */
void auditor_try_host(struct auditor *a, const char *host, const struct raw_config *config,
                      enum trial_want want, struct trial *out);

/* The same at any address of the config. */
void auditor_try_at(struct auditor *a, size_t address, const struct raw_config *config,
                    enum trial_want want, struct trial *out);

/*
 * A fresh session of that kind by a full handshake, with a config as auditor_config_for gave it,
 * changed or not; NULL if none was to be had.
 */
struct raw_session *auditor_issue(struct auditor *a, enum session_kind kind,
                                  const struct raw_config *config);

/* The same with nothing changed. */
struct raw_session *auditor_session(struct auditor *a, enum session_kind kind);

/* The session of a full handshake, if it is of that kind; it is the caller's. */
struct raw_session *auditor_pick(struct trial *t, enum session_kind kind);

/* Offers it in the hello of a config that auditor_config_for gave. */
void auditor_offer(struct raw_config *config, enum session_kind kind, const struct raw_session *s);

/* Begins the time that the profile may take. */
void auditor_start(struct auditor *a);

/* Begins and ends a check. */
void auditor_begin(struct auditor *a, enum audit_check check);
void auditor_end(struct auditor *a);

/* A finding of the check that is being made, at this address. */
void auditor_find(struct auditor *a, enum finding_name name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * How the check ended; the last word counts. With findings it is AUDIT_FOUND, whatever outcome
 * says; without any word it is AUDIT_NOT_JUDGED.
 */
void auditor_conclude(struct auditor *a, enum audit_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
