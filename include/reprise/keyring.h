/*
 * The keyring: the keys that seal and open sessions, and how they change.
 *
 * By default it ratchets: time is cut into epochs of `rotate`, and each epoch's keys come from a
 * chain value of which only the successor is kept (docs/formats/keyring.md). Instead, it can hold
 * the session ticket keys of static files.
 *
 * Two pieces of secret memory carry it. The *window* holds the keys that seal and open now; every
 * process that inherits the keyring over fork maps it, for reading only. The *chain* is mapped in
 * the keeper alone, the one process that called rp_keyring_keep; it is not inherited over fork.
 *
 * Concurrency: looking keys up is lock-free and may happen in any thread and process at any time.
 * rp_keyring_keep, _advance, _domain_add, _domains_add, _load_files and _free belong to one thread
 * of the keeper. There is one keeper at a time: who starts another has waited for the end of the
 * first.
 */
#ifndef REPRISE_KEYRING_H
#define REPRISE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "clock.h"
#include "status.h"

RP_BEGIN

struct rp_keyring;

/* The kinds of secret memory, best first; bits of a mask. */
#define RP_SECRET_KIND_MAP(X)                                                                      \
    X(MEMFD_SECRET, 1,                                                                             \
      "memfd_secret")            /* invisible even to root's debugger and the kernel's map */      \
    X(RAMFS, 2, "ramfs")         /* an unnamed file on a detached ramfs: never swapped */          \
    X(LOCKED, 4, "locked memfd") /* locked while mapped, never dumped */

enum rp_secret_kind {
#define RP_SECRET_KIND_ENUM(name, bit, text) RP_SECRET_##name = bit,
    RP_SECRET_KIND_MAP(RP_SECRET_KIND_ENUM)
#undef RP_SECRET_KIND_ENUM
};
#define RP_SECRET_ANY (RP_SECRET_MEMFD_SECRET | RP_SECRET_RAMFS | RP_SECRET_LOCKED)

RP_API const char *rp_secret_kind_text(enum rp_secret_kind kind);

struct rp_keyring_options {
    int64_t rotate_ms;     /* length of an epoch, at least 1; 0: one hour */
    int64_t accept_ms;     /* how long past an epoch's end its keys still open; accept / rotate is
                              at most 255; 0: 24 hours */
    unsigned max_domains;  /* capacity, 1 to 4096; 0: 64 */
    unsigned secret_kinds; /* kinds of secret memory allowed, tried best first; 0: any */
    unsigned
        spare_keys; /* room for that many keys of other rings, for a host of a fleet; 0: none */
};

/*
 * Allocates the keyring's secret memory at its full size: an empty window, which seals and opens
 * nothing, and an unmapped chain. On failure *out is NULL and err, if given, says why. RP_INVALID:
 * an option out of range; RP_SYSTEM: no kind of secret memory is to be had, often for
 * RLIMIT_MEMLOCK (sizes in docs/formats/keyring.md).
 */
RP_API enum rp_status rp_keyring_new(const struct rp_keyring_options *options,
                                     struct rp_keyring **out, struct rp_error *err) RP_MUST_USE;

/*
 * The same over the memory of a keyring of another process: a program that replaces this one by
 * exec, or is started after it by a service manager that kept the descriptors, goes on with the
 * same ring; rp_keyring_keep then resumes it. window_fd and chain_fd are taken over, also on
 * failure. The other process may go on using the keyring; but there is one keeper at a time.
 *
 * RP_FORMAT: it is no keyring's memory, or one of another layout version. RP_INVALID: it does not
 * fit the options: not an allowed kind of memory, not made for the same rotate, accept and spare
 * keys, or not for as many domains (it may be for more). In all these cases a new keyring is the
 * way on. What is not seen here is whether the two belong together: if not, rp_keyring_keep begins
 * a new ring.
 */
RP_API enum rp_status rp_keyring_adopt(const struct rp_keyring_options *options, int window_fd,
                                       int chain_fd, struct rp_keyring **out,
                                       struct rp_error *err) RP_MUST_USE;

/*
 * What rp_keyring_adopt takes, borrowed: both close-on-exec. -1 for what was given up. Whoever gets
 * hold of the two can do all that a keeper can.
 */
RP_API void rp_keyring_descriptors(const struct rp_keyring *keyring, int *window_fd, int *chain_fd);

/*
 * Unmaps, closes, and, in the keeper, wipes: from then on no process seals or opens by this
 * keyring. Takes NULL or a pointer to NULL.
 */
RP_API void rp_keyring_free(struct rp_keyring **keyring);

/*
 * Makes the calling process the keeper: maps the chain, resumes the ring that an earlier keeper of
 * this keyring left behind, or begins a new one with its genesis at boot_ms, which knows no domains
 * yet. Children forked later do not inherit the chain. *resumed, if given, tells which it was.
 * RP_NOT_KEEPER: the process has called rp_keyring_read_only.
 */
RP_API enum rp_status rp_keyring_keep(struct rp_keyring *keyring, int64_t boot_ms, bool *resumed,
                                      struct rp_error *err) RP_MUST_USE;

/*
 * Keeper only. Brings the window to boot_ms: derives the keys of epochs that have begun, wipes
 * those that have ended. Call it when *next_ms (boot time; INT64_MAX: never) is reached, or more
 * often. Where it is called too late, sealing goes on under the current keys, as long as they open.
 * More than 2^24 epochs late, when no key opens any more, it begins a new ring at boot_ms, with the
 * same domains. On failure the window stays as it was, and *next_ms is a second later.
 */
RP_API enum rp_status rp_keyring_advance(struct rp_keyring *keyring, int64_t boot_ms,
                                         int64_t *next_ms) RP_MUST_USE;

/*
 * Keeper only. Adds a security domain (1 to 255 bytes of name), with keys for every epoch of the
 * window; adding one that is there is no error. RP_FULL: max_domains are there already;
 * RP_INVALID: the name's length. There is no removing. On failure the window stays as it was.
 */
RP_API enum rp_status rp_keyring_domain_add(struct rp_keyring *keyring,
                                            const char *name) RP_MUST_USE;

/* The same for n of them in one step: all or, on failure, none; it costs little more than one. */
RP_API enum rp_status rp_keyring_domains_add(struct rp_keyring *keyring, const char *const *names,
                                             size_t n) RP_MUST_USE;

/*
 * Keeper only. Replaces the ring's keys by those of n files (1 to 16) in nginx's formats of 48 or
 * 80 bytes: the first seals, all open. On failure the window stays as it was and err names the
 * file. The files' keys are good in every domain: only the session itself tells the domains apart.
 * The ring is gone for good then, in this keyring. RP_SYSTEM, RP_FORMAT, RP_WEAK_KEY: a file cannot
 * be read, has another length, holds a weak key; RP_INVALID: n, or two files with one key name.
 */
RP_API enum rp_status rp_keyring_load_files(struct rp_keyring *keyring, const char *const *paths,
                                            size_t n, struct rp_error *err) RP_MUST_USE;

/*
 * Gives up everything but the read-only window: chain, writable mapping and descriptors. A process
 * that has called it cannot become the keeper, not even if it is taken over.
 */
RP_API void rp_keyring_read_only(struct rp_keyring *keyring);

struct rp_keyring_info {
    enum rp_secret_kind secret_kind;
    bool is_static;      /* keys come from files */
    uint8_t ring_id[16]; /* of the ring that seals: made at its genesis; zero before */
    uint64_t epoch;      /* that the window seals in */
    uint64_t generation; /* changes with every change of the window; 0: nothing in it yet */
    unsigned n_keys;     /* roots, of all rings, or files, in the window */
    unsigned n_domains;
    unsigned max_domains; /* that there is room for */
};

/* A consistent snapshot; any process, any thread. */
RP_API void rp_keyring_info(const struct rp_keyring *keyring, struct rp_keyring_info *out);

RP_END

#endif
