/* What the files of the parent share. */
#ifndef PARENT_STATE_H
#define PARENT_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "child.h"
#include "config.h"
#include "key_watch.h"
#include "listening.h"
#include "log.h"
#include "loop.h"
#include "message.h"
#include "privileges.h"
#include "resources.h"

enum parent_phase {
    PARENT_STARTING_KEEPER,  /* until it is ready, and has taken the static keys */
    PARENT_STARTING_WORKERS, /* until all are ready */
    PARENT_RUNNING,          /* who ends is started again */
    PARENT_DRAINING,         /* workers finish, then the keeper */
    PARENT_STOPPING,         /* all were killed; waiting for them */
};

struct parent {
    const struct config *config;
    struct log log;
    struct privileges privileges;
    struct resources resources;
    struct loop *loop;
    struct listening *listening;
    struct key_watch *key_watch; /* NULL: no static keys */
    struct child keeper;
    struct child *workers;
    unsigned n_workers;
    enum parent_phase phase;
    struct loop_timer deadline; /* of starting, later of draining */
    struct loop_timer look;     /* at the key files */
    enum rp_status status;      /* of starting */
    struct rp_error *err;
};

/* Ends the start: kills whom it started; parent_run returns status and what err says. */
void parent_fail(struct parent *parent, enum rp_status status);

/* parent_children.c: forking, and what the children say. */
enum rp_status parent_start_keeper(struct parent *parent) RP_MUST_USE;
enum rp_status parent_start_worker(struct parent *parent, struct child *worker) RP_MUST_USE;

/* The keeper has taken what it needs: the rest can start. */
void parent_keeper_started(struct parent *parent);
void parent_worker_started(struct parent *parent, struct child *worker);

/* parent_keys.c: static keys. */
enum rp_status parent_keys_send(struct parent *parent, struct rp_error *err) RP_MUST_USE;
void parent_keys_reload(struct parent *parent, const char *why);
void parent_keys_taken(struct parent *parent, const struct message_keys_taken *m);
void parent_keys_look(struct loop_timer *timer);

#endif
