/*
 * The sockets of the admin server. They belong to the parent, so that a courier's successor takes
 * over the same queue, and so that those of an earlier configuration go on in the next. A Unix
 * socket waits under another name, until admin_sockets_show puts it in the place of whatever socket
 * stood at its path; it is removed with its last holder. Every user of the host may connect who may
 * enter its folder.
 */
#ifndef ADMIN_SOCKETS_H
#define ADMIN_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "config.h"

#define ADMIN_SOCKETS_TEXT_SIZE (CONFIG_SOCKET_PATH_MAX + 1)

struct admin_sockets;

/*
 * *out is NULL if the configuration has none. Where `from` (NULL: none) listens at the address
 * already, its socket is taken over: the same descriptor, which both then hold. err says at which
 * line it failed; `from` is as it was then.
 */
enum rp_status admin_sockets_open(const struct config *config, const struct admin_sockets *from,
                                  struct admin_sockets **out, struct rp_error *err) RP_MUST_USE;

/* All that could fail has gone well: Unix sockets can be found at their paths. False: errno. */
bool admin_sockets_show(struct admin_sockets *sockets);

/* Closes those that heir (NULL: nobody) does not hold too. Takes a pointer to NULL. */
void admin_sockets_free(struct admin_sockets **sockets, const struct admin_sockets *heir);

/* All of them, nonblocking, borrowed; none of NULL. */
const int *admin_sockets_fds(const struct admin_sockets *sockets, size_t *n);

/* Where the i-th listens: with the port that it got, where 0 was configured. */
void admin_sockets_text(const struct admin_sockets *sockets, size_t i,
                        char out[static ADMIN_SOCKETS_TEXT_SIZE]);

/* Whether the i-th was taken over, and whether other hosts may reach it. */
bool admin_sockets_is_old(const struct admin_sockets *sockets, size_t i);
bool admin_sockets_is_open(const struct admin_sockets *sockets, size_t i);

#endif
