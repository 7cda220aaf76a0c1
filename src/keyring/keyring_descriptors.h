/* For a process that closes all descriptors but those it knows. */
#ifndef KEYRING_DESCRIPTORS_H
#define KEYRING_DESCRIPTORS_H

#include <stddef.h>

#include <reprise/keyring.h>

#define KEYRING_DESCRIPTORS 2

/*
 * The descriptors that a keeper of this keyring needs, borrowed: of the window and of the chain. -1
 * for what was given up.
 */
void keyring_descriptors(const struct rp_keyring *keyring, int fds[static KEYRING_DESCRIPTORS]);

#endif
