/* What a subcommand takes from the terminal and the process that it runs in. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* Standard output is a terminal, and nobody has asked for no colour (NO_COLOR). */
bool terminal_wants_colour(void);

/* Room for so many connections, as far as the hard limit goes: one too many then shows as a
 * connection that failed. */
void terminal_allow_connections(unsigned n);

#endif
