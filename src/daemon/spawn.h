/*
 * Forks a child that shares nothing with its parent but what it is told to keep: a channel, its
 * descriptors, and the memory of the fork. There is no exec.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include <reprise/status.h>

#include "privileges.h"

struct spawn {
    const char *title; /* at most 15 bytes, for ps and top */
    const int *keep;   /* descriptors that the child keeps besides 0, 1, 2 and its channel */
    size_t n_keep;
    /* Runs in the child, still privileged; returns its exit status. */
    int (*run)(int channel_fd, void *cookie);
    void *cookie;
};

/*
 * In the child: signals as at program start, but for those that a terminal or a service manager
 * sends to all processes, which only the parent answers and which the child ignores. It dies with
 * the parent.
 */
enum rp_status spawn_child(const struct spawn *spawn, pid_t *pid, int *channel_fd,
                           struct rp_error *err) RP_MUST_USE;

/*
 * In a child, before it does anything else: signals as at program start, none blocked, but for n
 * that are ignored, also those that were waiting.
 */
bool spawn_reset_signals(const int *ignored, size_t n) RP_MUST_USE;

/*
 * In the child, when it has what it needed privileges for: becomes account (NULL: the user stays),
 * gives up all capabilities either way, and is confined.
 */
enum rp_status spawn_confine(const struct privileges_account *account,
                             struct rp_error *err) RP_MUST_USE;

#endif
