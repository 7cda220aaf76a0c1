/*
 * The feeds as the feeder sees them, in memory that it shares with the courier, which shows them;
 * as member_table.h, and no more to be believed.
 */
#ifndef FEED_TABLE_H
#define FEED_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_TABLE_MAX 16
#define FEED_TABLE_NAME_SIZE 64 /* with a NUL; printable ASCII without space */
#define FEED_TABLE_WORD_SIZE 16 /* the same */
#define FEED_TABLE_WHY_SIZE 200 /* printable ASCII */
#define FEED_TABLE_KEY_LEN 4    /* of a key's name, as much as is shown */

enum feed_table_state {
    FEED_TABLE_STARTS, /* not yet through for the first time */
    FEED_TABLE_UP,     /* the server has what it should have, as far as can be seen */
    FEED_TABLE_BEHIND, /* it has not: why */
};

/* Integers and texts alone: whatever bits are read, they are a value. */
struct feed_row {
    char name[FEED_TABLE_NAME_SIZE];
    char server[FEED_TABLE_WORD_SIZE];
    char why[FEED_TABLE_WHY_SIZE]; /* empty, but of one that is behind */
    uint64_t n_updates;            /* since the parent started */
    uint64_t n_failures;
    int64_t told_ms;   /* boot-time clock: the server had all it should have; 0: never */
    int64_t accept_ms; /* how long a key opens there */
    int64_t wanted_ms; /* and how long the configuration wants it to */
    uint32_t n_keys;   /* that it was given last */
    uint8_t key[FEED_TABLE_KEY_LEN]; /* that seals, of those; zeroes: none was given yet */
    uint8_t state;
    uint8_t unused[7];
};

struct feed_list {
    uint64_t n;
    struct feed_row rows[FEED_TABLE_MAX]; /* in the order of the configuration */
};

#define FEED_TABLE_ROW_WORDS (sizeof(struct feed_row) / sizeof(uint64_t))

_Static_assert(sizeof(struct feed_row) % sizeof(uint64_t) == 0, "rows are whole words");

struct feed_table {
    _Atomic uint64_t sequence;
    _Atomic uint64_t n;
    _Atomic uint64_t rows[FEED_TABLE_MAX][FEED_TABLE_ROW_WORDS];
};

/* By the one writer. */
void feed_table_write(struct feed_table *table, const struct feed_list *list);

/* False: it is being written for too long, and *out is as it was. Rows that say what cannot be are
 * left out. */
bool feed_table_read(const struct feed_table *table, struct feed_list *out);

/* What may stand there of a text: what is not printable becomes a question mark. */
void feed_table_text(char *out, size_t size, const char *text);

#endif
