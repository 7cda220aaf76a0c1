/*
 * A store with its owner, whose time stands until a test moves it, or goes on by so much in each
 * turn in which there is nothing to do.
 */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

#define STORE_KIT_BOX "reprise/1/shop/members"

struct store_kit {
    struct store *store;
    int64_t now_ms;
    int64_t step_ms;
    unsigned n_changed;
    bool up;
    unsigned n_states;
    char why[RP_ERROR_SIZE];
    unsigned n_arrived;
    char arrived[2048]; /* name=value of each, one after the other, then a space */
};

/* Of one question. */
struct store_kit_answer {
    unsigned n; /* times that it was answered */
    enum store_status status;
    size_t n_entries;
    size_t total;
    char text[16384]; /* name=value, sorted, a space after each; as much as there is room for */
};

/* A new folder in /tmp, and its end with all that is in it. */
#define STORE_KIT_PATH_SIZE 64
void store_kit_folder(char path[static STORE_KIT_PATH_SIZE]);
void store_kit_remove(const char *path);

void store_kit_begin(struct store_kit *kit, const char *url);
void store_kit_finish(struct store_kit *kit);

/* Makes a store while the nth allocation fails, until none does: it is whole, or there is none. */
void store_kit_without_memory(const char *url);

/* Turns the store until *n is at least so many; fails the test after a few seconds of real time. */
void store_kit_until(struct store_kit *kit, const unsigned *n, unsigned least);

/* One turn: what is due, or after a wait of at most so long what is ready. */
void store_kit_turn(struct store_kit *kit, int wait_ms);

/* Callbacks, with a store_kit_answer as their cookie. */
void store_kit_done(void *cookie, enum store_status status);
void store_kit_got(void *cookie, enum store_status status, const struct store_entry *entry);
void store_kit_listed(void *cookie, enum store_status status, const struct store_entry *entries,
                      size_t n, size_t total);

/* Ask, and wait for the answer. */
enum store_status store_kit_put(struct store_kit *kit, const char *name, const char *value,
                                int64_t lifetime_ms);
enum store_status store_kit_claim(struct store_kit *kit, const char *name, const char *value,
                                  int64_t lifetime_ms);
enum store_status store_kit_delete(struct store_kit *kit, const char *name);
void store_kit_get(struct store_kit *kit, const char *name, struct store_kit_answer *answer);
void store_kit_list(struct store_kit *kit, size_t most, struct store_kit_answer *answer);

#endif
