/*
 * Lines to stderr, as text or JSON; one write per line, so that processes do not mix. Or, in the
 * same form but without the time where it is text, to the system's log. Nobody waits
 * for whoever reads them: a line that cannot be taken at once (a pipe that is full, a terminal that
 * is stopped) is lost, and counted. A value that a peer sent is quoted and its control characters
 * escaped.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics.h"
#include "system_log.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

enum log_kind { LOG_STRING, LOG_NUMBER, LOG_BOOL };

/* One name and value of a line; values are borrowed for the call. */
struct log_field {
    const char *name;
    enum log_kind kind;
    const char *string;
    int64_t number; /* also of a bool */
};

#define LOG_S(name, value) ((struct log_field){(name), LOG_STRING, (value), 0})
#define LOG_N(name, value) ((struct log_field){(name), LOG_NUMBER, NULL, (int64_t)(value)})
#define LOG_B(name, value) ((struct log_field){(name), LOG_BOOL, NULL, (value)})

struct log {
    int fd;
    bool json;
    enum log_level least;
    bool is_socket;            /* set by log_never_wait */
    const char *role;          /* "parent", "keeper", "worker 3" */
    unsigned *n_lost;          /* lines since the last that was taken; NULL: they are not counted */
    metrics_cell *n_lost_ever; /* the same since the start; NULL: they are not counted */
    struct system_log *system; /* borrowed; NULL: stderr */
};

/*
 * Once, before the process forks: makes sure that no line waits for a reader. What is a pipe or a
 * terminal is opened anew, because its nonblocking mode is shared with whoever else writes there.
 */
void log_never_wait(struct log *log);

/* message is a fixed sentence; what varies goes into fields. Text: "TIME role message name=value
 * ...". */
void log_line(const struct log *log, enum log_level level, const char *message,
              const struct log_field *fields, size_t n);

#define LOG_LINE(log, level, message, ...)                                                         \
    log_line((log), (level), (message), (const struct log_field[]){__VA_ARGS__},                   \
             sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
