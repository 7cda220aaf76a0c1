#include "crypto_memory.h"

#include <stdint.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "free_lists.h"
#include "memory.h"

/*
 * An exception to "no mutable file-scope state": libcrypto has three functions for a process and
 * hands no cookie to them. NULL in a process that keeps nothing, and in every other thread: there
 * are no locks.
 */
static _Thread_local struct free_lists *lists;

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        return NULL;
    }
    return lists != NULL ? free_lists_take(lists, size) : memory_block(size);
}

static void give(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p == NULL) {
        return; /* every second call */
    }
    if (lists != NULL) {
        free_lists_give(lists, p);
    } else {
        memory_free(p);
    }
}

static void *resize(void *p, size_t size, const char *file, int line)
{
    if (p == NULL) {
        return take(size, file, line);
    }
    if (size == 0) {
        give(p, file, line);
        return NULL;
    }
    return lists != NULL ? free_lists_resize(lists, p, size) : memory_block_resize(p, size);
}

/* Public functions. */

void crypto_memory_set(void)
{
    (void)CRYPTO_set_mem_functions(take, resize, give);
}

void crypto_memory_keep(void)
{
    uint64_t random[2];

    if (lists == NULL && free_lists_welcome() &&
        getrandom(random, sizeof random, GRND_NONBLOCK) == (ssize_t)sizeof random &&
        free_lists_new(random, &lists) != RP_OK) {
        lists = NULL;
    }
    memory_wipe(random, sizeof random);
}
