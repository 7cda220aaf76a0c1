/*
 * The folder that is a store, and in it the folders that are its boxes.
 *
 * Two locks (flock) without a file of their own, which a process that dies gives back: that of the
 * root, for who takes an entry's name that is over, or removes entries that are; and that of a box,
 * shared by whoever watches it, so that nobody removes the box. Neither is ever waited for.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store_file.h"

/* The root, with make made where it is missing. -1: err says in one sentence why it cannot be used.
 */
int store_folder_open(const char *path, bool make, struct rp_error *err);

/* A box, with all folders on the way to it where make is set. -1: errno. */
int store_folder_box(int root, const char *box, bool make);

bool store_folder_lock(int fd, int operation);

struct store_folder_entry {
    char name[STORE_NAME_MAX + 1];
    uint8_t *value;
    size_t len;
};

/* Entries of a box: for store_folder_list_fini, also when it failed. */
struct store_folder_list {
    struct store_folder_entry *entries;
    size_t n;
    size_t total;
};

/*
 * At most `most` of those that live; random chooses where there are more. Some that are over are
 * removed on the way, where the lock of the root is free. False: errno.
 */
bool store_folder_list(int root, int box, size_t most, uint64_t *random,
                       struct store_moment *moment, struct store_folder_list *out);
void store_folder_list_fini(struct store_folder_list *list);

/* Removes what is over in all boxes beside this one, and boxes that are empty and not watched. */
void store_folder_sweep(int root, const char *box, struct store_moment *moment);

#endif
