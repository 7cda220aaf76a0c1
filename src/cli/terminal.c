#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

/* Descriptors beside the connections: standard streams, the loop's own, libraries. */
#define OTHER_FDS 64

#define CLEAR_LINE "\r\033[K"
#define DRAW_EVERY_MS 50

bool terminal_wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) != 0 && (no_colour == NULL || no_colour[0] == '\0') &&
           getenv("TERM") != NULL;
}

void terminal_allow_connections(unsigned n)
{
    const rlim_t wanted = (rlim_t)n + OTHER_FDS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void terminal_progress_begin(struct terminal_progress *p, bool wanted, unsigned quiet_ms)
{
    *p = (struct terminal_progress){.wanted = wanted && isatty(STDERR_FILENO) != 0,
                                    .due_ms = now_ms() + quiet_ms};
}

bool terminal_progress_is_due(struct terminal_progress *p)
{
    const uint64_t now = p->wanted ? now_ms() : 0;

    if (!p->wanted || now < p->due_ms) {
        return false;
    }
    p->due_ms = now + DRAW_EVERY_MS;
    return true;
}

void terminal_progress_draw(struct terminal_progress *p, const char *line)
{
    p->drawn = true;
    (void)fprintf(stderr, CLEAR_LINE "%s", line);
    (void)fflush(stderr);
}

void terminal_progress_end(struct terminal_progress *p)
{
    if (p->drawn) {
        (void)fputs(CLEAR_LINE, stderr);
        p->drawn = false;
    }
}
