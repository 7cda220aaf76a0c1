/* What the files of the parent share. */
#ifndef PARENT_STATE_H
#define PARENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/keyring.h>
#include <reprise/status.h>

#include "child.h"
#include "conn_count.h"
#include "feed_writer.h"
#include "generation.h"
#include "limiter.h"
#include "log.h"
#include "loop.h"
#include "message.h"
#include "metrics.h"
#include "notify.h"
#include "parent.h"
#include "parent_command.h"
#include "predecessor.h"
#include "upgrade.h"

#define PARENT_START_MS 60000 /* for whoever is to become ready */
#define PARENT_ALL 0
#define PARENT_MARGIN_MS 1000 /* that is waited beyond a bound which another process keeps */

enum parent_phase {
    PARENT_STARTING, /* the first generation is coming, and none runs */
    PARENT_RUNNING,  /* who ends is started again; another generation may be coming */
    PARENT_DRAINING, /* workers finish, then all others */
    PARENT_STOPPING, /* all were killed; waiting for them */
};

/* How far the generation that is coming has come. */
enum parent_stage {
    PARENT_STAGE_KEEPER,  /* the first: until the keeper is ready, and has taken the static keys */
    PARENT_STAGE_DOMAINS, /* the keeper adds security domains */
    PARENT_STAGE_WORKERS, /* until all are ready */
};

/* Security domains that the keyring lacks; names are borrowed from the generation's configuration.
 */
struct parent_domains {
    const char **names;
    size_t n;
    size_t n_taken;
    size_t n_sent; /* and not answered */
};

/* What was said between parent and feeder. */
struct parent_feeding {
    bool has_begun;   /* the feeder was told to */
    bool has_settled; /* each feed was brought up to date or could not be, or time is over */
    struct loop_timer settle; /* until when a start waits for that */
};

struct parent {
    const struct parent_start *start;
    struct notify notify;
    bool is_announced; /* the service manager was told that we are the service */
    struct upgrade upgrade;
    struct predecessor predecessor;
    struct log log;
    struct system_log system_log; /* if the log goes there */
    char log_path[CONFIG_SOCKET_PATH_MAX + 1];
    struct loop *loop;
    struct rp_keyring *keyring;
    struct conn_count *count; /* of the workers' connections */
    struct metrics *metrics;
    struct generation *running; /* NULL: none yet */
    struct generation *coming;  /* NULL: none */
    enum parent_stage stage;    /* of the one that is coming */
    struct parent_domains domains;
    uint64_t leaving;  /* number of the generation that is told to accept no more; 0: none */
    bool reload_again; /* SIGHUP came during a reload */
    struct child *children;
    struct child *keeper;  /* one of them */
    struct child *courier; /* another; NULL: there is none */
    bool store_is_up;      /* what the courier said last */
    struct child *feeder;  /* a third; NULL: there is none */
    struct parent_feeding feeding;
    struct feed_writer folders[CONFIG_FEEDS_MAX]; /* parent_folder.h; zeroes: not begun */
    struct parent_command commands[CONFIG_FEEDS_MAX];
    enum parent_phase phase;
    struct loop_timer deadline; /* of what is coming; later of draining */
    struct loop_timer look;     /* at the key files */
    struct loop_timer beat;     /* asks the children for signs of life */
    struct limiter epochs;      /* lines about them */
    enum rp_status status;      /* of starting */
    struct rp_error *err;       /* what parent_run will return */
};

/* parent.c */

/* Ends the start: kills whom it started; parent_run returns status and what err says. */
void parent_fail(struct parent *parent, enum rp_status status, const struct rp_error *why);
/* A successor has taken over: workers finish, within the bound for those of an old generation. */
void parent_retire(struct parent *parent);
/* A child of one that drains has ended: who is next? */
void parent_drain_further(struct parent *parent);

/* parent_children.c: starting, watching and waiting for children of any kind. */

/* A new one in the list, not started. NULL: out of memory. */
struct child *parent_child_new(struct parent *parent, const struct child_kind *kind,
                               const char *title, const char *name);
/* A kind's `descriptors` if it keeps those of the keyring alone. */
enum rp_status parent_keyring_alone(const struct child *child, int **out, size_t *n);
enum rp_status parent_child_start(struct child *child, struct rp_error *err) RP_MUST_USE;
/* Once more, at once; if it fails, after a pause. */
void parent_child_again(struct child *child);
/* Asks it to finish, and forgets it when it has ended; at once if it has not been started. */
void parent_child_drain(struct child *child, int64_t bound_ms);
/* The same by SIGKILL, without a word in the log. */
void parent_child_discard(struct child *child);
void parent_child_ended(struct parent *parent, pid_t pid, int wait_status);
void parent_beat(struct loop_timer *timer);
void parent_children_free(struct parent *parent);
unsigned parent_n_alive(const struct parent *parent, const struct child_kind *kind); /* NULL: all */
/* Those of a kind that were asked to finish and have not gone. */
unsigned parent_n_draining(const struct parent *parent, const struct child_kind *kind);

/* In a child: what is left of its siblings and of generations it does not serve (NULL: of all), and
 * the fleet secret. */
void parent_forget(struct parent *parent, const struct generation *served);
/* The same with the address of the store, which may hold a password, and which only the courier has
 * a use for. */
void parent_forget_store(struct parent *parent);
struct log parent_log_of(const struct child *child);
const struct privileges_account *parent_account(const struct parent *parent,
                                                const struct privileges_account *account);
/* In a child that cannot start: says so; its exit status. */
int parent_complain(const struct child *child, const struct rp_error *err);

/* The one that is served or, before there is one, comes. */
const struct generation *parent_generation(const struct parent *parent);

/* parent_keeper.c, parent_workers.c: the kinds. */
extern const struct child_kind parent_keeper_kind;
extern const struct child_kind parent_worker_kind;
enum rp_status parent_keeper_start(struct parent *parent, struct rp_error *err) RP_MUST_USE;
/* The generation that runs is new: what it changes for the keeper takes another, on the same ring.
 */
void parent_keeper_follow(struct parent *parent, const struct generation *before);
/* The workers of the generation that is coming. */
enum rp_status parent_workers_start(struct parent *parent, struct rp_error *err) RP_MUST_USE;
bool parent_workers_ready(const struct parent *parent, const struct generation *generation);
void parent_workers_accept(struct parent *parent, const struct generation *generation);
/* number: of their generation, or PARENT_ALL. */
void parent_workers_drain(struct parent *parent, uint64_t number, int64_t bound_ms);
void parent_workers_discard(struct parent *parent, const struct generation *generation);
/* Whether those that drain have done what they were told: they accept no more. */
bool parent_workers_left(const struct parent *parent, uint64_t number);
/* Those that drain and are too many generations old have no more time. */
void parent_workers_hurry(struct parent *parent);

/* parent_log.c: the log goes where the configuration says. */
void parent_log_follow(struct parent *parent, const struct config *config);
void parent_log_check(const struct parent *parent); /* once it has changed */

/* parent_courier.c: it shows what the generation that runs wants shown; anew for each. */
extern const struct child_kind parent_courier_kind;
void parent_courier_follow(struct parent *parent);
/* That of the first generation, where its keeper has use for it before anybody is served. */
enum rp_status parent_courier_begin(struct parent *parent, struct rp_error *err) RP_MUST_USE;
/* A successor shows its own figures. */
void parent_courier_retire(struct parent *parent);

/* parent_fleet.c: mail between keeper and courier. */
bool parent_has_fleet(const struct parent *parent);
/* The keeper hears whether the store can be asked. */
void parent_fleet_tell(struct parent *parent);
/* The courier is gone, and with it whatever was asked of the store. */
void parent_fleet_lost(struct parent *parent);
/* False: it is not theirs to send. */
bool parent_fleet_from_keeper(struct parent *parent, enum channel_type type, const uint8_t *body,
                              size_t n);
bool parent_fleet_from_courier(struct child *courier, enum channel_type type, const uint8_t *body,
                               size_t n);

/* parent_feeder.c: it feeds what the generation that runs wants fed; anew for each. */
extern const struct child_kind parent_feeder_kind;
/* That of the generation that runs or, the first, comes, if it has feeds. */
enum rp_status parent_feeder_start(struct parent *parent, struct rp_error *err) RP_MUST_USE;
/* The same later: what fails is logged, and tried again. */
void parent_feeder_follow(struct parent *parent);
/* Whether the start need not wait for it (any more). */
bool parent_feeder_settled(const struct parent *parent);
/* Somebody got out of its way: it begins if all have. */
void parent_feeder_go(struct parent *parent);
void parent_feeder_epoch(const struct parent *parent, const struct message_epoch *m);
/* It goes; what next (NULL: nobody) does not have, it overwrites. now: what it feeds. */
void parent_feeder_leave(struct parent *parent, const struct generation *now,
                         const struct config *next);
/* A successor of this process has the files as they are. True: it is gone already. */
bool parent_feeder_kill(struct parent *parent);
void parent_feeder_ended(struct parent *parent, const struct child *feeder);

/* parent_metrics.c: what the parent counts. */
enum rp_status parent_metrics_begin(struct parent *parent, struct rp_error *err) RP_MUST_USE;
/* After whatever changes the children or the phase. */
void parent_metrics_update(const struct parent *parent);
void parent_metrics_count(const struct parent *parent, enum metrics_parent_cell cell);
void parent_metrics_reloaded(const struct parent *parent);
/* Where a child counts the log lines that nobody took; NULL: not there. */
metrics_cell *parent_metrics_lost(const struct child *child);

/* parent_manager.c: what the service manager is told, and given to keep. */
void parent_manager_begin(struct parent *parent);
void parent_manager_ready(struct parent *parent); /* also of another generation */
void parent_manager_reloading(struct parent *parent);
void parent_manager_stopping(struct parent *parent);
void parent_manager_stopped(struct parent *parent);

/* parent_reload.c: from one generation to the next. */
void parent_reload(struct parent *parent);
/* A SIGHUP that came meanwhile asks for what the files say now. */
void parent_reload_if_asked(struct parent *parent);
/* Takes generation over. The first waits for the keeper; a later one goes on at once. */
void parent_coming_begin(struct parent *parent, struct generation *generation);
/* The keeper is ready, or has taken what it was sent, or has not (why_not). */
void parent_coming_keeper(struct parent *parent);
void parent_coming_domains(struct parent *parent, const struct message_taken *m);
void parent_coming_ready(struct parent *parent); /* a worker is */
/* A first generation ends the start, a later one leaves everything as it was. */
void parent_coming_fail(struct parent *parent, enum rp_status status, const struct rp_error *why);
/* The same without a word, as all comes to an end. */
void parent_coming_drop(struct parent *parent);
/* An old worker has answered, or ended: is the reload done? */
void parent_reload_further(struct parent *parent);
/* It is, as far as anybody waits. */
void parent_reload_done(struct parent *parent);

/* parent_domains.c: which the keeper adds, piece by piece. */
enum rp_status parent_domains_begin(struct parent *parent, struct rp_error *err) RP_MUST_USE;
bool parent_domains_done(const struct parent *parent);
void parent_domains_send(struct parent *parent); /* the next, or again those not answered */
void parent_domains_end(struct parent *parent);

/* parent_keys.c: static keys. */
enum rp_status parent_keys_send(struct parent *parent, struct rp_error *err) RP_MUST_USE;
void parent_keys_reload(struct parent *parent, const char *why);
void parent_keys_taken(struct parent *parent, const struct message_taken *m);
void parent_keys_look(struct loop_timer *timer);

#endif
