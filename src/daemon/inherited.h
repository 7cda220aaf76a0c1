/*
 * Descriptors that whoever started us handed on, by the protocol of socket activation: a service
 * manager, or the parent that we replace (docs/formats/handover.md).
 */
#ifndef INHERITED_H
#define INHERITED_H

#include <stddef.h>

#include <reprise/status.h>

#include "address.h"

#define INHERITED_MAX 4096 /* descriptors */

#define INHERITED_WINDOW "keyring.window"
#define INHERITED_CHAIN "keyring.chain"
#define INHERITED_CACHE "cache"
#define INHERITED_LISTEN "listen"
#define INHERITED_UPGRADE "upgrade"

struct inherited_socket {
    int fd; /* -1 once somebody took it */
    struct address address;
};

/* Those that are -1 were not handed on, or somebody has taken them. All are close-on-exec. */
struct inherited {
    int window_fd;
    int chain_fd;
    int cache_fd;
    int upgrade_fd;
    struct inherited_socket *sockets; /* listening, nonblocking */
    size_t n_sockets;
    unsigned n_refused; /* that we have no use for, and closed */
    int end;            /* one more than the highest that was handed on; at least 3 */
};

/*
 * Reads the three variables and removes them from the environment. Before anything else opens a
 * descriptor. RP_NO_MEMORY is the only failure: what makes no sense was handed to somebody else.
 */
enum rp_status inherited_take(struct inherited *out) RP_MUST_USE;

/* Closes what nobody took. Takes what inherited_take made, also after its failure. */
void inherited_fini(struct inherited *inherited);

#endif
