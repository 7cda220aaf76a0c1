/*
 * Starts a program with descriptors handed on by the protocol of socket activation, as
 * inherited_take takes them (docs/formats/handover.md).
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stddef.h>

#include <sys/types.h>

#include <reprise/status.h>

/* What the exit status of a program that could not be executed is. */
#define HANDOVER_NOT_EXECUTED 127

struct handover_item {
    int fd;
    const char *name; /* one of inherited.h */
};

struct handover {
    const char *path;
    char *const *argv;
    const struct handover_item *items; /* at most INHERITED_MAX */
    size_t n_items;
};

/*
 * Forks and executes. The program has our 0 to 2 and our environment, the items, and no other
 * descriptor; signals are as at program start. It is our child, to be waited for, and lives on when
 * we end.
 */
enum rp_status handover_start(const struct handover *handover, pid_t *pid,
                              struct rp_error *err) RP_MUST_USE;

#endif
