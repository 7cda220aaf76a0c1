/*
 * A command that the parent executes: its own words, no shell, in a session of its own, from /,
 * with an environment of PATH and LANG=C alone, standard input from /dev/null, and its output in a
 * pipe, of which the first line is kept. What it left running in its session is killed with it when
 * the time is over, not when it ended in time.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reprise/status.h>

#include "loop.h"
#include "privileges.h"

#define COMMAND_LINE_SIZE 201
#define COMMAND_PATH_SIZE 4096

enum command_end { COMMAND_EXITED, COMMAND_KILLED, COMMAND_TIMED_OUT, COMMAND_NOT_STARTED };

struct command_result {
    enum command_end how;
    int value;                    /* status, signal or errno; 0: timed out */
    char line[COMMAND_LINE_SIZE]; /* of its output: foreign, to be escaped */
};

struct command_order {
    char *const *argv; /* NULL at the end; argv[0] is executed: an absolute path */
    const struct privileges_account *account; /* NULL: as whom we are */
    bool is_confined; /* gives up the capabilities of a service that is not root */
    bool only_errors; /* its output is what it says on standard error; the rest goes nowhere */
    int64_t timeout_ms;
};

/* In storage of the caller, zeroes at first, at its place while it runs. */
struct command {
    struct loop *loop; /* private from here on */
    struct loop_timer deadline;
    struct loop_watch output;
    pid_t pid; /* 0: none runs */
    bool is_overdue;
    bool is_watched;
    struct command_result result;
    size_t n_line;
    bool has_line;
    void (*done)(struct command *command, const struct command_result *result);
};

/*
 * done comes from command_ended, once. What of order is needed is copied by the fork. False: it was
 * not started; the result says so, and done does not come.
 */
bool command_start(struct command *command, struct loop *loop, const struct command_order *order,
                   void (*done)(struct command *command, const struct command_result *result),
                   struct command_result *result) RP_MUST_USE;

bool command_runs(const struct command *command);

/* A child was waited for. False: it is not the command. */
bool command_ended(struct command *command, pid_t pid, int wait_status);

/* Kills it, all its session; done does not come, but somebody has to wait for the process. */
void command_stop(struct command *command);

/*
 * Where a name is found: itself, if it is an absolute path, or in PATH. False: nowhere, or it
 * cannot be executed.
 */
bool command_find(const char *name, char out[static COMMAND_PATH_SIZE]);

/* The same of a name without a slash, but first in the folder of program, which is a path. */
bool command_find_beside(const char *program, const char *name, char out[static COMMAND_PATH_SIZE]);

#endif
