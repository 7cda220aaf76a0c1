#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_RUNS 7
#define RUN_NS 5e7

static double cpu_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double time_of(void (*fn)(void *cookie, uint64_t n), void *cookie, uint64_t n)
{
    const double start = cpu_ns();

    fn(cookie, n);
    return cpu_ns() - start;
}

static struct measure_row *add_row(struct measure *m)
{
    measure_require(m->n_rows < MEASURE_ROWS_MAX, "room for another row");
    return &m->rows[m->n_rows++];
}

bool measure_init(struct measure *m, const char *title, int argc, char **argv)
{
    *m = (struct measure){.title = title, .json = argc == 2 && strcmp(argv[1], "--json") == 0};
    if (argc != 1 && !m->json) {
        (void)fprintf(stderr, "usage: %s [--json]\n", argv[0]);
        return false;
    }
    return true;
}

void measure_time(struct measure *m, const char *name, double per_second_goal,
                  void (*fn)(void *cookie, uint64_t n), void *cookie)
{
    double runs[N_RUNS];
    uint64_t n = 1;

    while (time_of(fn, cookie, n) < RUN_NS / 2) {
        n *= 2;
    }
    for (size_t i = 0; i < N_RUNS; i++) {
        runs[i] = time_of(fn, cookie, n) / (double)n;
    }
    qsort(runs, N_RUNS, sizeof runs[0], by_size);
    *add_row(m) =
        (struct measure_row){.name = name, .value = runs[N_RUNS / 2], .goal = per_second_goal};
}

void measure_count(struct measure *m, const char *name, double value, const char *unit, double goal)
{
    *add_row(m) = (struct measure_row){.name = name, .value = value, .goal = goal, .unit = unit};
}

void measure_require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

static void print_json(const struct measure *m)
{
    (void)printf("{\"benchmark\": \"%s\", \"rows\": [", m->title);
    for (size_t i = 0; i < m->n_rows; i++) {
        const struct measure_row *r = &m->rows[i];

        (void)printf("%s\n  {\"name\": \"%s\", ", i == 0 ? "" : ",", r->name);
        if (r->unit == NULL) {
            (void)printf("\"ns\": %.1f, \"per_second\": %.0f", r->value, 1e9 / r->value);
        } else {
            (void)printf("\"value\": %.3f, \"unit\": \"%s\"", r->value, r->unit);
        }
        if (r->goal > 0) {
            (void)printf(", \"goal\": %.0f", r->goal);
        }
        (void)printf("}");
    }
    (void)printf("\n]}\n");
}

static void print_row(const struct measure_row *r)
{
    const double reached = r->unit == NULL ? 1e9 / r->value : r->value;

    if (r->unit == NULL) {
        (void)printf("  %-46s %9.0f ns %12.0f /s", r->name, r->value, reached);
    } else {
        (void)printf("  %-46s %12.0f %s", r->name, r->value, r->unit);
    }
    if (r->goal > 0) {
        (void)printf("   goal %.0f: %s", r->goal, reached >= r->goal ? "met" : "missed");
    }
    (void)printf("\n");
}

void measure_print(const struct measure *m)
{
    if (m->json) {
        print_json(m);
        return;
    }
    (void)printf("%s\n", m->title);
    for (size_t i = 0; i < m->n_rows; i++) {
        print_row(&m->rows[i]);
    }
}
