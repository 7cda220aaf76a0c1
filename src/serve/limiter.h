/*
 * Keeps a flood of one kind of event from becoming a flood of log lines: at most so many a second,
 * and then one line with the number of those that were not written.
 */
#ifndef LIMITER_H
#define LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "loop.h"

#define LIMITER_PER_SECOND 10

struct limiter {
    struct loop *loop;
    const struct log *log; /* borrowed */
    const char *message;   /* of the lines that are limited; borrowed */
    struct loop_timer timer;
    bool counting; /* a second has begun */
    unsigned n_written;
    uint64_t n_withheld;
};

/* Stays at its place from now on. */
void limiter_init(struct limiter *l, struct loop *loop, const struct log *log, const char *message);

/* Writes what was withheld, and stops. Takes zeroes. */
void limiter_fini(struct limiter *l);

/* log_line, unless this second's lines are written already. */
void limiter_line(struct limiter *l, enum log_level level, const struct log_field *fields,
                  size_t n);

#define LIMITER_LINE(limiter, level, ...)                                                          \
    limiter_line((limiter), (level), (const struct log_field[]){__VA_ARGS__},                      \
                 sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
