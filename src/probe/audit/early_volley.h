/* One and the same first flight with early data, sent over several connections at once. */
#ifndef EARLY_VOLLEY_H
#define EARLY_VOLLEY_H

#include "auditor.h"

#define EARLY_VOLLEY_MAX 8

struct early_volley {
    size_t n;                           /* connections, at most EARLY_VOLLEY_MAX */
    size_t addresses[EARLY_VOLLEY_MAX]; /* index into the config's */
    bool answered[EARLY_VOLLEY_MAX];
    bool accepted[EARLY_VOLLEY_MAX];
};

/* A hello that offers the session with early data: as auditor_config_for, to be changed or sent. */
void early_config(const struct auditor *a, const struct raw_session *s, struct raw_config *out);

/* A connection to that address of the config, counted; NULL if it cannot be made here. */
struct raw_conn *early_open(struct auditor *a, const struct raw_config *config, size_t address);

/*
 * All connections are made, then all first flights are sent, equal to the last bit, then all
 * answers are read. How many accepted the early data.
 */
unsigned early_volley(struct auditor *a, const struct raw_config *config, struct early_volley *v);

/* A session that may carry early data; NULL if none was to be had. */
struct raw_session *early_session(struct auditor *a, const struct raw_config *config);

#endif
