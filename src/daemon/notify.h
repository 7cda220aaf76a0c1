/*
 * Telling the service manager how we are, and leaving descriptors in its care: the protocol of
 * sd_notify(3), datagrams of VARIABLE=VALUE lines to the socket that NOTIFY_SOCKET names. Without
 * that variable every call does nothing. A manager that does not read holds nobody up for more than
 * a second; what it did not take is lost.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "address.h"

struct notify {
    int fd; /* close-on-exec; -1: there is nobody to tell */
    struct address to;
};

/*
 * Reads NOTIFY_SOCKET, a path or, after an @, an abstract name. The variable stays, for who is
 * executed after us. False: it is set, but to nothing that can be used; notify then does nothing.
 */
bool notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/*
 * Each false if the manager was to be told and did not take it. status: one line, of which 200
 * bytes are sent. monotonic_us: CLOCK_MONOTONIC when the reload began.
 */
bool notify_ready(const struct notify *notify, const char *status);
bool notify_reloading(const struct notify *notify, int64_t monotonic_us);
bool notify_stopping(const struct notify *notify, const char *status);
bool notify_main_pid(const struct notify *notify, pid_t pid);

/* Leaves copies of descriptors in the manager's store; those that it has already it knows again. */
bool notify_store(const struct notify *notify, const char *name, const int *fds, size_t n);

/* Takes all of this name out of it. */
bool notify_forget(const struct notify *notify, const char *name);

#endif
