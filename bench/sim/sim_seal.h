/*
 * Opens each sealed message once, whoever reads it: all hosts of a simulation have one secret, and
 * that a message opens is not what is simulated. The linker puts it in the place of seal_open
 * (--wrap), in the programs that name this file.
 */
#ifndef SIM_SEAL_H
#define SIM_SEAL_H

#include <stdbool.h>
#include <stddef.h>

/* Remembers up to so many messages from now on; 0: every host opens for itself. */
void sim_seal_remember(size_t n);
void sim_seal_fini(void);

#endif
