/*
 * Times small operations and prints a table, or, with --json, one object.
 *
 * What counts is this process's CPU time, so that other work on the machine disturbs little; of
 * several runs the median is taken.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_ROWS_MAX 32

struct measure_row {
    const char *name;
    double value; /* nanoseconds an operation, or what unit says */
    double goal;  /* operations a second, or of the unit; 0: none was set */
    const char *unit;
};

struct measure {
    const char *title;
    bool json;
    struct measure_row rows[MEASURE_ROWS_MAX];
    size_t n_rows;
};

/* Takes --json from the command line; false: it holds something else, and usage was printed. */
bool measure_init(struct measure *m, const char *title, int argc, char **argv);

/* fn does n operations. per_second_goal may be 0. name is kept, not copied. */
void measure_time(struct measure *m, const char *name, double per_second_goal,
                  void (*fn)(void *cookie, uint64_t n), void *cookie);

/* A figure that is no time. */
void measure_count(struct measure *m, const char *name, double value, const char *unit,
                   double goal);

/* Ends the program in one line: a benchmark that measures failures measures nothing. */
void measure_require(bool condition, const char *what);

void measure_print(const struct measure *m);

#endif
