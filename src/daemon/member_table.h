/*
 * The members of a fleet as the keeper sees them, in memory that it shares with the courier, which
 * shows them. One writes, any number read; a sequence number is odd while rows are written, and who
 * reads meanwhile reads again.
 *
 * Like all shared counters it may be falsified by a worker that was taken over: who reads finds
 * rows of the right shape in it, with texts that can be shown, and believes no more.
 */
#ifndef MEMBER_TABLE_H
#define MEMBER_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBER_TABLE_MAX 257 /* 256 and the host itself */
#define MEMBER_TABLE_ID_LEN 16
#define MEMBER_TABLE_TEXT_SIZE 64 /* with a NUL; printable ASCII without space */

/* Bits of a row's flags. */
#define MEMBER_TABLE_SELF 0x01
#define MEMBER_TABLE_JOINED 0x02
#define MEMBER_TABLE_SEALS 0x04    /* by a ring: ring, epoch and genesis_ms mean something */
#define MEMBER_TABLE_MEASURED 0x08 /* ahead_ms and bound_ms do */
#define MEMBER_TABLE_SECOND 0x10   /* it speaks our second secret */

/* Integers alone: whatever bits are read, they are a value. Times by the boot-time clock. */
struct member_row {
    uint8_t id[MEMBER_TABLE_ID_LEN];
    uint8_t ring[MEMBER_TABLE_ID_LEN]; /* that it seals by */
    uint64_t epoch;                    /* of that ring, as it said last */
    int64_t genesis_ms;                /* of that ring, as it said last */
    int64_t seen_ms;                   /* when it said so; of the host itself, 0 */
    int64_t ahead_ms;                  /* its ring time before ours, give or take bound_ms */
    int64_t bound_ms;
    int64_t rotate_ms;
    int64_t accept_ms;
    int64_t reseed_ms;
    uint32_t uncertainty_ms;
    uint16_t n_held; /* rings */
    uint8_t flags;
    uint8_t health; /* bits of the mailbox's */
    char name[MEMBER_TABLE_TEXT_SIZE];
    char address[MEMBER_TABLE_TEXT_SIZE];
    char version[MEMBER_TABLE_TEXT_SIZE];
};

struct member_list {
    uint64_t total;     /* entries that the store has */
    int64_t pace_ms;    /* T */
    int64_t foreign_ms; /* when a message under another secret was met last; 0: never */
    uint64_t marks;     /* of the host's secrets, the first in the upper half; 0: there is none */
    uint64_t n;
    struct member_row rows[MEMBER_TABLE_MAX]; /* the host itself first */
};

#define MEMBER_TABLE_HEAD_WORDS 5
#define MEMBER_TABLE_ROW_WORDS (sizeof(struct member_row) / sizeof(uint64_t))

_Static_assert(sizeof(struct member_row) % sizeof(uint64_t) == 0, "rows are whole words");

struct member_table {
    _Atomic uint64_t sequence;
    _Atomic uint64_t head[MEMBER_TABLE_HEAD_WORDS];
    _Atomic uint64_t rows[MEMBER_TABLE_MAX][MEMBER_TABLE_ROW_WORDS];
};

/* By the one writer. */
void member_table_write(struct member_table *table, const struct member_list *list);

/* False: it is being written for too long, and *out is as it was. Rows that say what cannot be are
 * left out. */
bool member_table_read(const struct member_table *table, struct member_list *out);

#endif
