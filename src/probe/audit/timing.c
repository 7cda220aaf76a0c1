#include "timing.h"

#include <stdlib.h>
#include <string.h>

#include "order.h"

/* Of a way like all others each round has either sign as if by a coin. So many more of one sign
 * than of the other, as the square over the rounds, come once in 2,000 times. */
#define AGREE_SQUARE 11

/* Of the noise, taken as five times the standard error of a median: 1.4826 makes a deviation of the
 * median of absolute ones, 1.2533 a standard error of a median, both where noise is normal. */
#define NOISE_TIMES 5
#define ERROR_PER_MILLE 1858

#define GROUP_MAX 4 /* rounds */

void timing_add(struct timing *t, const uint32_t us[static TIMING_WAYS_MAX])
{
    if (t->n_rounds < TIMING_ROUNDS_MAX) {
        memcpy(t->us[t->n_rounds++], us, sizeof t->us[0]);
    }
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sorts them. */
static int64_t median(int64_t *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int64_t of_others(const struct timing *t, size_t round, size_t way)
{
    int64_t others[TIMING_WAYS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < t->n_ways; i++) {
        if (i != way) {
            others[n++] = t->us[round][i];
        }
    }
    return median(others, n);
}

/* The largest integer whose square is not above n. */
static int64_t root(size_t n)
{
    int64_t r = 1;

    while ((r + 1) * (r + 1) <= (int64_t)n) {
        r++;
    }
    return r;
}

/* The differences of a way: their median, how sure that is, and how many share its sign. */
struct shift {
    int64_t median_us;
    int64_t error_us;
    size_t n_agree;
};

static struct shift shift_of(const int64_t *differences, size_t n)
{
    int64_t values[TIMING_ROUNDS_MAX];
    struct shift s = {0};

    memcpy(values, differences, n * sizeof values[0]);
    s.median_us = median(values, n);
    for (size_t i = 0; i < n; i++) {
        s.n_agree += s.median_us > 0 ? differences[i] > 0 : differences[i] < 0;
        values[i] = llabs(differences[i] - s.median_us);
    }
    s.error_us = median(values, n) * ERROR_PER_MILLE / (1000 * root(n)) + 1;
    return s;
}

static struct shift way_shift(const struct timing *t, size_t way)
{
    int64_t differences[TIMING_ROUNDS_MAX];

    for (size_t i = 0; i < t->n_rounds; i++) {
        differences[i] = t->us[i][way] - of_others(t, i, way);
    }
    return shift_of(differences, t->n_rounds);
}

/* What two ways that are alike seem to differ by. */
static int64_t control_us(const struct timing *t)
{
    int64_t differences[TIMING_ROUNDS_MAX];
    struct shift s;

    for (size_t i = 0; i < t->n_rounds; i++) {
        differences[i] = (int64_t)t->us[i][t->n_ways - 1] - t->us[i][t->n_ways - 2];
    }
    s = shift_of(differences, t->n_rounds);
    return llabs(s.median_us);
}

static bool is_no_chance(size_t n_agree, size_t n)
{
    const size_t more = 2 * n_agree - n;

    return 2 * n_agree > n && more * more >= AGREE_SQUARE * n;
}

static void judge(const struct timing *t, struct timing_verdict *out)
{
    int64_t floor_us;

    *out = (struct timing_verdict){.n_rounds = t->n_rounds, .least_us = INT64_MAX};
    if (t->n_rounds < TIMING_ROUNDS_MIN) {
        return;
    }
    floor_us = order_most(TIMING_FLOOR_US, NOISE_TIMES * control_us(t));
    out->least_us = floor_us;
    for (size_t i = 0; i < t->n_ways; i++) {
        const struct shift s = way_shift(t, i);
        const int64_t least_us = order_most(floor_us, NOISE_TIMES * s.error_us);

        out->least_us = order_most(out->least_us, least_us);
        out->ways[i] = (struct timing_way){
            .difference_us = s.median_us,
            .n_agree = s.n_agree,
            .stands_out = llabs(s.median_us) >= least_us && is_no_chance(s.n_agree, t->n_rounds),
        };
    }
}

/* So many rounds become one, of the least time that each way took in them. */
static struct timing grouped(const struct timing *t, size_t size)
{
    struct timing out = {.n_ways = t->n_ways};

    for (size_t first = 0; first + size <= t->n_rounds; first += size) {
        uint32_t least[TIMING_WAYS_MAX];

        memcpy(least, t->us[first], sizeof least);
        for (size_t round = first + 1; round < first + size; round++) {
            for (size_t i = 0; i < t->n_ways; i++) {
                least[i] = t->us[round][i] < least[i] ? t->us[round][i] : least[i];
            }
        }
        timing_add(&out, least);
    }
    return out;
}

/* What a busy machine adds comes and goes, and is never negative: where it is much, less of it is
 * in the least of a few times. Which size is taken goes by the noise, not by the differences. */
void timing_judge(const struct timing *t, struct timing_verdict *out)
{
    judge(t, out);
    for (size_t size = 2; size <= GROUP_MAX; size *= 2) {
        const struct timing g = grouped(t, size);
        struct timing_verdict v;

        judge(&g, &v);
        if (v.least_us < out->least_us) {
            *out = v;
        }
    }
}

static bool always_stands_out(const struct timing_verdict *runs, size_t n, size_t way)
{
    for (size_t i = 0; i < n; i++) {
        const struct timing_way *w = &runs[i].ways[way];

        if (!w->stands_out || (w->difference_us > 0) != (runs[0].ways[way].difference_us > 0)) {
            return false;
        }
    }
    return n != 0;
}

size_t timing_odd_way(const struct timing_verdict *runs, size_t n)
{
    size_t odd = TIMING_WAYS_MAX;
    int64_t largest_us = 0;

    for (size_t i = 0; i < TIMING_WAYS_MAX; i++) {
        const int64_t us = llabs(runs[0].ways[i].difference_us);

        if (us > largest_us && always_stands_out(runs, n, i)) {
            odd = i;
            largest_us = us;
        }
    }
    return odd;
}
