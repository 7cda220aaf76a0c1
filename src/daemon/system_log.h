/*
 * Lines to the system's log (syslogd, journald), as datagrams of RFC 3164 to its socket. Nobody
 * waits for it, as syslog(3) may: a line that cannot be taken at once is not taken. A socket that
 * is not there, or not any more, is looked for again with every line, so that a log that was
 * restarted gets the next one.
 *
 * A child of fork makes a connection of its own with its first line, and leaves its parent's alone.
 */
#ifndef SYSTEM_LOG_H
#define SYSTEM_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#define SYSTEM_LOG_PATH "/dev/log"

/* RFC 5424 section 6.2.1. */
enum system_log_severity {
    SYSTEM_LOG_ERROR = 3,
    SYSTEM_LOG_WARNING = 4,
    SYSTEM_LOG_INFO = 6,
    SYSTEM_LOG_DEBUG = 7,
};

struct system_log {
    const char *path; /* borrowed */
    int fd;           /* private from here on */
    pid_t owner;      /* whose fd is */
};

void system_log_init(struct system_log *s, const char *path);
void system_log_fini(struct system_log *s);

/* Whether there is one that takes lines; no line needs it first. */
bool system_log_open(struct system_log *s);

/* Under the facility "daemon", as "reprised[PID]: ". n bytes without a newline. False: not taken.
 */
bool system_log_send(struct system_log *s, enum system_log_severity severity, const char *line,
                     size_t n);

#endif
