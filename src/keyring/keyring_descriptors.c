#include "keyring_descriptors.h"

#include "segment.h"

void rp_keyring_descriptors(const struct rp_keyring *keyring, int *window_fd, int *chain_fd)
{
    *window_fd = keyring->window_memory.fd;
    *chain_fd = keyring->chain_memory.fd;
}

void keyring_descriptors(const struct rp_keyring *keyring, int fds[static KEYRING_DESCRIPTORS])
{
    fds[0] = keyring->window_memory.fd;
    fds[1] = keyring->chain_memory.fd;
}
