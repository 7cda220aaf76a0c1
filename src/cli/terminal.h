/* What a subcommand takes from the terminal and the process that it runs in. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Standard output is a terminal, and nobody has asked for no colour (NO_COLOR). */
bool terminal_wants_colour(void);

/* Room for so many connections, as far as the hard limit goes: one too many then shows as a
 * connection that failed. */
void terminal_allow_connections(unsigned n);

/* One line on standard error that is drawn over again and again while something takes long. */
struct terminal_progress {
    bool wanted;
    bool drawn;
    uint64_t due_ms;
};

/* Nothing is drawn unless wanted, where standard error is no terminal, and in the first quiet_ms:
 * what is quick needs no progress. */
void terminal_progress_begin(struct terminal_progress *p, bool wanted, unsigned quiet_ms);

/* It is time to draw: some twenty times a second it is. */
bool terminal_progress_is_due(struct terminal_progress *p);

/* In the place of what was drawn before. */
void terminal_progress_draw(struct terminal_progress *p, const char *line);

/* Takes away what was drawn, for what is to be printed next. */
void terminal_progress_end(struct terminal_progress *p);

#endif
