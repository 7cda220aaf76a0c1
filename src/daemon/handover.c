#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "inherited.h"
#include "memory.h"
#include "spawn.h"
#include "text.h"

#define FIRST 3

/* All names with a colon between them; NULL: out of memory. */
static char *join_names(const struct handover *handover)
{
    size_t size = 1;
    struct text t;
    char *names;

    for (size_t i = 0; i < handover->n_items; i++) {
        size += strlen(handover->items[i].name) + 1;
    }
    names = memory_new(size, 1);
    if (names == NULL) {
        return NULL;
    }
    t = text_of(names, size);
    for (size_t i = 0; i < handover->n_items; i++) {
        text_addf(&t, "%s%s", i != 0 ? ":" : "", handover->items[i].name);
    }
    return names;
}

static bool set_number(const char *variable, long long number)
{
    char buffer[32];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "%lld", number);
    return setenv(variable, buffer, 1) == 0;
}

/* To 3, 4, ...; out of each other's way first. */
static bool place(const struct handover *handover, int *copies)
{
    const int end = FIRST + (int)handover->n_items;

    for (size_t i = 0; i < handover->n_items; i++) {
        copies[i] = fcntl(handover->items[i].fd, F_DUPFD_CLOEXEC, end);
        if (copies[i] < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < handover->n_items; i++) {
        if (dup2(copies[i], FIRST + (int)i) < 0) {
            return false;
        }
    }
    return close_range((unsigned)end, ~0u, 0) == 0;
}

/* We have one thread, so that what allocates may be called after fork. */
_Noreturn static void execute(const struct handover *handover, int *copies, const char *names)
{
    if (spawn_reset_signals(NULL, 0) && place(handover, copies) &&
        set_number("LISTEN_PID", getpid()) &&
        set_number("LISTEN_FDS", (long long)handover->n_items) &&
        setenv("LISTEN_FDNAMES", names, 1) == 0) {
        (void)execv(handover->path, handover->argv);
    }
    _exit(HANDOVER_NOT_EXECUTED);
}

enum rp_status handover_start(const struct handover *handover, pid_t *pid, struct rp_error *err)
{
    int *copies = memory_new(handover->n_items + 1, sizeof *copies);
    char *names = join_names(handover);
    enum rp_status status = RP_OK;

    *pid = -1;
    if (copies == NULL || names == NULL) {
        error_set(err, "out of memory");
        status = RP_NO_MEMORY;
    } else if (handover->n_items > INHERITED_MAX) {
        error_set(err, "%zu descriptors are more than the %d that can be handed on",
                  handover->n_items, INHERITED_MAX);
        status = RP_FULL;
    } else if (access(handover->path, X_OK) != 0) {
        error_set(err, "cannot execute %.400s: %s", handover->path, strerror(errno));
        status = RP_SYSTEM;
    } else {
        *pid = fork();
    }
    if (*pid == 0) {
        execute(handover, copies, names);
    }
    if (status == RP_OK && *pid < 0) {
        error_set(err, "cannot fork: %s", strerror(errno));
        status = RP_SYSTEM;
    }
    memory_free(names);
    memory_free(copies);
    return status;
}
