/*
 * The system calls that a process may still make once it has what it needs: a filter in the kernel
 * (seccomp) that nothing can take off again, not even whoever has taken the process over.
 *
 * What is not on a role's list is refused with EPERM; what only an intruder has a use for (exec,
 * another's memory, namespaces) kills the process. But for the feeder, and a courier whose store
 * is a folder, no role opens files; none forks, or makes memory
 * writable or executable that is not, so that a worker's mapping of the window stays read-only.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <reprise/status.h>

#include "log.h"

enum sandbox_role {
    SANDBOX_KEEPER,          /* memory, timers, its channel, the log */
    SANDBOX_COURIER,         /* the same, and it accepts connections */
    SANDBOX_COURIER_FOLDER,  /* the same, and it has files: its store is a folder */
    SANDBOX_COURIER_NETWORK, /* as SANDBOX_COURIER, and it makes connections: to its store */
    SANDBOX_WORKER,          /* accepts connections and makes some */
    SANDBOX_FEEDER,          /* writes files, and talks to HAProxy's Unix socket */
    SANDBOX_FEEDER_NETWORK,  /* the same, and HAProxy's socket has a port */
};

/*
 * For the whole process, which is single-threaded; after privileges were dropped. RP_SYSTEM: the
 * kernel or a container offers none, or a sanitizer is built in, which needs what no role has; the
 * process is as it was, and err says why.
 */
enum rp_status sandbox_enter(enum sandbox_role role, struct rp_error *err) RP_MUST_USE;

/* The same where a filter is wanted but is no condition for the work: log hears why there is none.
 */
void sandbox_enter_if_possible(enum sandbox_role role, const struct log *log);

#endif
