/* Where this program is, for who is to execute it anew. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <reprise/status.h>

/*
 * The path by which we were started: argv0 made absolute if there is a slash in it, else what
 * /proc/self/exe says now. So a new file under the same name is what is found there later.
 * memory_free is the caller's.
 */
enum rp_status program_path(const char *argv0, char **out) RP_MUST_USE;

#endif
