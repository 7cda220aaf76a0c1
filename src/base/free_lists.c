/*
 * A bin for every 16 bytes, as the allocator's own lengths are: no block is longer than without the
 * lists. A list is a stack, for the block that was used last is the one in the processor's
 * cache.
 */
#include "free_lists.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define STEP 16
#define SHORTEST 24 /* the C library's shortest block */
#define PORTION 16  /* of room, in blocks: what a list is granted at a time */
#define BINS ((FREE_LISTS_LONGEST - SHORTEST) / STEP + 2)

/* What is in a block while it is kept. */
struct kept {
    uintptr_t link; /* the next, masked */
    uintptr_t seal; /* says that the block is kept */
};

/* Of the room for all, each list is granted some when it first needs it. */
struct list {
    struct kept *first;
    uint32_t room;    /* for so many blocks more */
    uint32_t granted; /* blocks, in all */
};

struct free_lists {
    uintptr_t mask;
    uintptr_t seal;
    size_t granted; /* bytes */
    struct list lists[BINS];
};

_Static_assert(sizeof(struct kept) <= SHORTEST, "every block has room for it");

/* The bin of blocks with room for that many bytes. */
static size_t bin_for(size_t size)
{
    return size <= SHORTEST ? 0 : (size - SHORTEST + STEP - 1) / STEP;
}

/* The bin whose every request a block of that length satisfies; none (BINS or more) of too short or
 * no block. */
static size_t bin_of(size_t length)
{
    return (length - SHORTEST) / STEP;
}

static size_t length_in(size_t bin)
{
    return SHORTEST + bin * STEP;
}

/* Depends on the place, too: a link that was copied elsewhere is none. */
static uintptr_t masked(const struct free_lists *lists, const struct kept *at, uintptr_t link)
{
    return link ^ lists->mask ^ ((uintptr_t)at >> 12);
}

static struct kept *pop(const struct free_lists *lists, struct list *list)
{
    struct kept *block = list->first;
    const uintptr_t next = masked(lists, block, block->link);

    if (next % _Alignof(max_align_t) != 0 || block->seal != lists->seal) {
        abort();
    }
    block->seal = 0;
    list->first = (struct kept *)next;
    list->room++;
    return block;
}

static void give_back_all(struct free_lists *lists)
{
    for (size_t bin = 0; bin < BINS; bin++) {
        struct list *list = &lists->lists[bin];

        while (list->first != NULL) {
            memory_free(pop(lists, list));
        }
        list->room = 0;
        list->granted = 0;
    }
    lists->granted = 0;
}

/* Lengths that nobody asks for any more would else keep the room of those that are asked for. */
static void grant(struct free_lists *lists, size_t bin)
{
    struct list *list = &lists->lists[bin];
    const size_t length = length_in(bin);

    for (unsigned i = 0; i < PORTION && (list->granted + 1) * length <= FREE_LISTS_EACH; i++) {
        if (lists->granted + length > FREE_LISTS_ALL) {
            give_back_all(lists);
        }
        list->room++;
        list->granted++;
        lists->granted += length;
    }
}

/* Public functions. */

bool free_lists_welcome(void)
{
    /* What stands in for the allocator to check it knows how long a block was asked for. */
    void *p = memory_block(1);
    const bool exact = p == NULL || malloc_usable_size(p) == 1;

    memory_free(p);
    return !exact;
}

enum rp_status free_lists_new(const uint64_t random[static 2], struct free_lists **out)
{
    struct free_lists *lists = memory_new(1, sizeof *lists);

    *out = lists;
    if (lists == NULL) {
        return RP_NO_MEMORY;
    }
    lists->mask = (uintptr_t)random[0];
    lists->seal = (uintptr_t)random[1];
    return RP_OK;
}

void free_lists_free(struct free_lists **lists)
{
    if (*lists == NULL) {
        return;
    }
    give_back_all(*lists);
    memory_wipe(*lists, sizeof **lists);
    memory_free(*lists);
    *lists = NULL;
}

void *free_lists_take(struct free_lists *lists, size_t size)
{
    const size_t bin = bin_for(size);

    if (bin >= BINS) {
        return memory_block(size);
    }
    if (lists->lists[bin].first == NULL) {
        return memory_block(length_in(bin));
    }
    return pop(lists, &lists->lists[bin]);
}

void *free_lists_resize(struct free_lists *lists, void *p, size_t size)
{
    const size_t length = malloc_usable_size(p);
    void *moved;

    if (size <= length && size >= length / 2) {
        return p;
    }
    if (size > FREE_LISTS_LONGEST && length > FREE_LISTS_LONGEST) {
        return memory_block_resize(p, size);
    }
    moved = free_lists_take(lists, size);
    if (moved != NULL) {
        memcpy(moved, p, size < length ? size : length);
        free_lists_give(lists, p);
    }
    return moved;
}

void free_lists_give(struct free_lists *lists, void *p)
{
    const size_t bin = bin_of(malloc_usable_size(p));
    struct kept *block = p;
    struct list *list;

    if (bin >= BINS) {
        memory_free(p);
        return;
    }
    if (block->seal == lists->seal) {
        abort();
    }
    list = &lists->lists[bin];
    if (list->room == 0) {
        grant(lists, bin);
        if (list->room == 0) {
            memory_free(p);
            return;
        }
    }
    list->room--;
    block->link = masked(lists, block, (uintptr_t)list->first);
    block->seal = lists->seal;
    list->first = block;
}

size_t free_lists_kept(const struct free_lists *lists)
{
    size_t bytes = 0;

    for (size_t bin = 0; bin < BINS; bin++) {
        const struct list *list = &lists->lists[bin];

        bytes += (list->granted - list->room) * length_in(bin);
    }
    return bytes;
}
