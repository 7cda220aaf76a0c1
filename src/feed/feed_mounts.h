/* What the kernel says of mounts and swap, as text (proc(5)). */
#ifndef FEED_MOUNTS_H
#define FEED_MOUNTS_H

#include <stdbool.h>

/* Of /proc/swaps: there is any. */
bool feed_mounts_swap(const char *swaps);

/* Of /proc/self/fdinfo/N: the mount that the descriptor is on; false: it does not say. */
bool feed_mounts_id(const char *fdinfo, unsigned *id);

/* Of /proc/self/mountinfo: that mount's file system has the option `noswap`. */
bool feed_mounts_noswap(const char *mountinfo, unsigned id);

#endif
