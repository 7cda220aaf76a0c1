/*
 * Blocks that are given back and soon taken again, kept by their length in lists in front of the
 * allocator, which keeps few of the small ones and puts the large ones together and apart again.
 *
 * Every block is one of memory.h, no longer by a header or anything: one that was taken there may
 * be given back here, and the reverse, and a process may begin to keep blocks at any time. What is
 * kept is bounded: more of one length goes to the allocator; when the bound of all is reached,
 * everything that is kept does, and keeping begins anew.
 *
 * The words in a kept block that link it are masked with a number drawn at random, so that whoever
 * can overwrite a block that was given back cannot have another place handed out but by guessing. A
 * block that is given back while it is kept, or a link to what can be no block, ends the process.
 *
 * Blocks are not wiped: who had a secret in one has to do that before. Lists are for one thread;
 * a block may come from any.
 */
#ifndef FREE_LISTS_H
#define FREE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

/* Kept at most, in bytes: of one length, and in all. */
#define FREE_LISTS_EACH ((size_t)512 << 10)
#define FREE_LISTS_ALL ((size_t)4 << 20)

/* Longer ones are not kept: libssl's longest are the buffers of a record. */
#define FREE_LISTS_LONGEST 20480

struct free_lists;

/*
 * False where a tool that checks the use of memory (a sanitizer, valgrind) has taken the
 * allocator's place: it shall see every block end where it ends, and be gone when it was given
 * back.
 */
bool free_lists_welcome(void);

/* Lists that are empty; random is drawn for them, and kept secret as well as they are. */
enum rp_status free_lists_new(const uint64_t random[static 2], struct free_lists **out) RP_MUST_USE;

/* Gives all kept blocks back to the allocator; those that were taken stay whose they are. */
void free_lists_free(struct free_lists **lists);

/* At least size bytes, not zeroed; NULL when out of memory. */
void *free_lists_take(struct free_lists *lists, size_t size) __attribute__((warn_unused_result));

/* As memory_block_resize. p is not NULL. */
void *free_lists_resize(struct free_lists *lists, void *p, size_t size)
    __attribute__((warn_unused_result));

void free_lists_give(struct free_lists *lists, void *p);

/* Bytes that are kept now. */
size_t free_lists_kept(const struct free_lists *lists);

#endif
