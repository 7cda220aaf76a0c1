/*
 * Secret memory: never dumped, never swapped, shared with the processes that inherit its
 * descriptor.
 *
 * Three kinds, tried best first: memfd_secret, which not even the kernel's own map shows; an
 * unnamed file on a ramfs that is mounted nowhere (needs CAP_SYS_ADMIN); a memfd that is locked
 * while mapped, which may be swapped while nobody maps it. The size is set once, at creation, and
 * the content starts as zeroes. The kernel holds the size fixed but for ramfs, which knows no
 * seals: a writable descriptor of it is for trusted processes only.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/keyring.h>
#include <reprise/status.h>

struct secret {
    int fd; /* close-on-exec; -1 once given up */
    size_t len;
    enum rp_secret_kind kind;
};

/*
 * kinds: a mask. RP_SYSTEM: err says why each allowed kind was not to be had. RP_INVALID: len is 0
 * or no kind is allowed. On failure s holds nothing.
 */
enum rp_status secret_init(struct secret *s, size_t len, unsigned kinds,
                           struct rp_error *err) RP_MUST_USE;

/*
 * Takes up secret memory that another process made and handed on; fd is taken over, also on
 * failure. RP_INVALID: err says why it is none of the allowed kinds, of no size that is fixed, or
 * not open for reading and writing. The length is the file's, the content anybody's.
 */
enum rp_status secret_adopt(struct secret *s, int fd, unsigned kinds,
                            struct rp_error *err) RP_MUST_USE;

/* Closes the descriptor; mappings stay. Takes zeroes. */
void secret_fini(struct secret *s);

/*
 * Maps all of it, locked and excluded from core dumps; NULL on failure. inherit: children that are
 * forked later have the mapping too. A lock is not inherited: RP_SECRET_LOCKED memory stays out of
 * swap while one process that mapped it itself lives.
 */
void *secret_map(const struct secret *s, bool writable, bool inherit) RP_MUST_USE;

void secret_unmap(const struct secret *s, void *p);

#endif
