#include "terminal.h"

#include <stdlib.h>
#include <unistd.h>

#include <sys/resource.h>

/* Descriptors beside the connections: standard streams, the loop's own, libraries. */
#define OTHER_FDS 64

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
