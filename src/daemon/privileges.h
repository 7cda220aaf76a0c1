/* Under which users the processes run, and how they give up what they do not need. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include <reprise/status.h>

#include "config.h"

#define PRIVILEGES_GROUPS_MAX CONFIG_FEEDS_MAX

struct privileges_account {
    uid_t uid;
    gid_t gid;
    size_t n_groups; /* further ones */
    gid_t groups[PRIVILEGES_GROUPS_MAX];
};

enum privileges_remark {
    PRIVILEGES_SEPARATED, /* started as root: each kind of process has its own user */
    PRIVILEGES_NOBODY,    /* started as root, but our users do not exist: all run as nobody */
    PRIVILEGES_SAME,      /* not started as root: all run as we do */
};

struct privileges {
    enum privileges_remark remark;
    struct privileges_account worker; /* not of PRIVILEGES_SAME */
    struct privileges_account keeper;
    struct privileges_account courier;   /* the worker's, where it has no user of its own */
    struct privileges_account feeder;    /* the same; with the groups that feeds name */
    gid_t feed_groups[CONFIG_FEEDS_MAX]; /* of each feed; (gid_t)-1: it names none. Always */
};

/* A configured user that does not exist is an error, which names the command that creates it. */
enum rp_status privileges_plan(const struct config *config, struct privileges *out,
                               struct rp_error *err) RP_MUST_USE;

/*
 * Gives up root for good: user, group and all further groups but the account's. On failure errno
 * says why: EPERM also if any could be had back.
 */
bool privileges_drop(const struct privileges_account *account) RP_MUST_USE;

/*
 * Moves into a network namespace of its own, in which there is no way out; for whoever needs none.
 * False: it is not ours to do, as it is root's, or the kernel or a container forbids it.
 */
bool privileges_leave_network(void);

/* Gives up all capabilities, of which a service manager may hand some to one that is not root. */
bool privileges_drop_capabilities(void) RP_MUST_USE;

/* No core dumps, nobody's debugger, no privileges by exec. For every process; after dropping. */
bool privileges_confine(void) RP_MUST_USE;

#endif
