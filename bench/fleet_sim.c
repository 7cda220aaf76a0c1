/*
 * A fleet in simulated time (bench/sim), put through what a fleet meets: one line a scenario.
 * fleet_sim --help says which. Exit code 1: one did not come to one ring, or lost more tickets than
 * it may.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "memory.h"
#include "number.h"
#include "sim.h"
#include "sim_seal.h"

#define ROTATE_MS (INT64_C(40) * 1000) /* a pace is the longest there is, up to 1,000 hosts */
#define ROTATE_MAX_MS (INT64_C(86400) * 1000)
#define ACCEPT_EPOCHS 6
#define RESEED_EPOCHS 8
#define LATENCY_MS 2
#define SLOW_MS 1000
#define DRIFT_PPM 50
#define TICKETS 200 /* an epoch */
#define HURRIED_ACCEPT_EPOCHS 16
#define SEED_WAIT 2000          /* hundredths of an epoch */
#define HURRIED_BUDGET_MS 10000 /* keepers that would answer have just died */
#define START_MS 2000
#define QUIET_EPOCHS 3
#define SETTLE_EPOCHS 12
#define SETTLE_PACES 12
#define PACE_MS 10000 /* the longest, of so many hosts, and in proportion of more */
#define PACE_HOSTS 1000
/* Of a million tickets. */
#define ALL 1000000
#define NEARLY_ALL 999900
#define MOST 990000
#define HALF 500000

struct run {
    struct sim sim;
    int64_t epochs; /* for what the scenario is about */
    struct fleet_random random;
};

struct scenario {
    const char *name;
    const char *about;
    void (*prepare)(struct sim_options *o); /* NULL: nothing differs */
    void (*go)(struct run *r);
    uint64_t least; /* tickets of a million that must resume */
};

static int64_t rotate_ms(const struct run *r)
{
    return r->sim.options.rotate_ms;
}

static uint32_t n_hosts(const struct run *r)
{
    return r->sim.options.n_hosts;
}

static uint32_t any(struct run *r)
{
    return (uint32_t)fleet_random_below(&r->random, n_hosts(r));
}

static void run_epochs(struct run *r, int64_t n)
{
    sim_run(&r->sim, n * rotate_ms(r));
}

/* Within a few moments. */
static void start_all(struct run *r)
{
    for (uint32_t i = 0; i < n_hosts(r); i++) {
        sim_start(&r->sim, i, NULL);
        sim_run(&r->sim,
                (int64_t)(i + 1) * START_MS / n_hosts(r) - (int64_t)i * START_MS / n_hosts(r));
    }
    run_epochs(r, 2);
}

static void steady(struct run *r)
{
    start_all(r);
    run_epochs(r, r->epochs);
}

static void drifting(struct sim_options *o)
{
    o->drift_ppm = 500;
}

static void without_reseed(struct sim_options *o)
{
    o->reseed_ms = 0;
}

/* The fleet is there, and then its store takes a second each way. */
static void slow(struct run *r)
{
    start_all(r);
    r->sim.options.latency_ms = SLOW_MS;
    run_epochs(r, r->epochs);
}

static void lossy(struct run *r)
{
    start_all(r);
    r->sim.options.loss = 20;
    run_epochs(r, r->epochs);
}

/* One after the other, each as soon as the one before is back. */
static void rolling(struct run *r)
{
    const int64_t each_ms = r->epochs * rotate_ms(r) / n_hosts(r);

    start_all(r);
    for (uint32_t i = 0; i < n_hosts(r); i++) {
        sim_stop(&r->sim, i);
        sim_run(&r->sim, each_ms / 2);
        sim_start(&r->sim, i, NULL);
        sim_run(&r->sim, each_ms - each_ms / 2);
    }
}

/* In each epoch a tenth of the hosts dies and comes back, or its keeper does. */
static void crashes(struct run *r)
{
    const uint32_t n = n_hosts(r) / 10 + 1;
    const int64_t each_ms = rotate_ms(r) / (2 * n);

    start_all(r);
    for (int64_t i = 0; i < r->epochs * n; i++) {
        const uint32_t host = any(r);

        if (i % 2 == 0) {
            sim_replace(&r->sim, host);
            sim_run(&r->sim, 2 * each_ms);
            continue;
        }
        sim_kill(&r->sim, host);
        sim_run(&r->sim, each_ms);
        sim_start(&r->sim, host, NULL);
        sim_run(&r->sim, each_ms);
    }
}

/* Hosts sleep for up to two epochs; the clocks of some stand still meanwhile, for up to a half. */
static void pauses(struct run *r)
{
    const uint32_t n = n_hosts(r) / 20 + 1;
    const uint64_t most_ms = (uint64_t)rotate_ms(r) * 2;

    start_all(r);
    for (int64_t i = 0; i < r->epochs * n; i++) {
        const bool clock_stops = i % 2 == 0;
        const uint64_t ms = fleet_random_below(&r->random, clock_stops ? most_ms / 4 : most_ms);
        const uint32_t host = any(r);

        if (sim_is_awake(&r->sim, host)) {
            sim_sleep(&r->sim, host, (int64_t)ms, clock_stops);
        }
        sim_run(&r->sim, rotate_ms(r) / n);
    }
    run_epochs(r, 2);
}

static void cut_some(struct run *r, uint32_t one_of, bool is_cut)
{
    for (uint32_t i = 0; i < n_hosts(r); i += one_of) {
        sim_cut(&r->sim, i, is_cut);
    }
}

/* A third of the hosts has no store, clients reach all. */
static void partition(struct run *r)
{
    start_all(r);
    cut_some(r, 3, true);
    run_epochs(r, r->epochs);
    cut_some(r, 3, false);
}

/* Half of the hosts go to another store from the beginning, and come over at the end. */
static void two_chains(struct run *r)
{
    for (uint32_t i = 1; i < n_hosts(r); i += 2) {
        sim_take_side(&r->sim, i, 1);
    }
    start_all(r);
    run_epochs(r, 1);
    for (uint32_t i = 1; i < n_hosts(r); i += 2) {
        sim_take_side(&r->sim, i, 0);
    }
    run_epochs(r, r->epochs);
}

static void outage(struct run *r)
{
    start_all(r);
    sim_store_down(&r->sim, true);
    run_epochs(r, r->epochs);
    sim_store_down(&r->sim, false);
}

static void emptied(struct run *r)
{
    start_all(r);
    for (int64_t i = 0; i < r->epochs; i++) {
        sim_store_down(&r->sim, true);
        sim_run(&r->sim, rotate_ms(r) / 8);
        sim_store_empty(&r->sim.stores[0]);
        sim_store_down(&r->sim, false);
        sim_run(&r->sim, rotate_ms(r) - rotate_ms(r) / 8);
    }
}

/* It grants every claim to everybody, shows old entries, and forgets none; then it is honest. */
static void lying(struct run *r)
{
    r->sim.stores[0].grants_all = true;
    r->sim.stores[0].stale = 30;
    start_all(r);
    for (uint32_t i = 0; i < n_hosts(r) / 10; i++) {
        sim_kill(&r->sim, any(r));
    }
    r->sim.stores[0].forgets_never = true;
    run_epochs(r, r->epochs);
    r->sim.stores[0].forgets_never = false;
    r->sim.stores[0].grants_all = false;
    r->sim.stores[0].stale = 0;
}

/* A third of all is killed at one instant, again and again; then all of them. */
static void blackouts(struct run *r)
{
    start_all(r);
    for (int64_t i = 0; i < r->epochs / 2; i++) {
        for (uint32_t host = (uint32_t)i % 3; host < n_hosts(r); host += 3) {
            sim_kill(&r->sim, host);
        }
        sim_run(&r->sim, rotate_ms(r) / 4);
        for (uint32_t host = 0; host < n_hosts(r); host++) {
            if (!sim_is_awake(&r->sim, host)) {
                sim_start(&r->sim, host, NULL);
            }
        }
        run_epochs(r, 2);
    }
}

/* Re-seeds as fast as they may be: four in the time for which tickets open. */
static void hurried(struct sim_options *o)
{
    o->accept_ms = HURRIED_ACCEPT_EPOCHS * o->rotate_ms;
    o->reseed_ms = o->accept_ms / 4;
    o->budget_ms = HURRIED_BUDGET_MS;
}

static void wait_some(struct run *r, int64_t most_ms)
{
    sim_run(&r->sim, (int64_t)fleet_random_below(&r->random, (uint64_t)most_ms + 1));
}

static void wait_for_seed(struct run *r)
{
    const uint64_t n = r->sim.stats.events[FLEET_SEEDED];

    for (int i = 0; i < SEED_WAIT && r->sim.stats.events[FLEET_SEEDED] == n; i++) {
        sim_run(&r->sim, rotate_ms(r) / 100);
    }
}

/* Keepers die again and again, most of all while a ring begins, and so does one whole host. So
 * rings are begun that nobody comes to, and none is given up in time. */
static void kills(struct run *r)
{
    start_all(r);
    for (int64_t i = 0; i < r->epochs; i++) {
        if (fleet_random_below(&r->random, 2) == 0) {
            wait_for_seed(r);
        }
        for (uint64_t n = fleet_random_below(&r->random, 6); n-- != 0;) {
            sim_replace(&r->sim, any(r));
            wait_some(r, rotate_ms(r) / 2);
        }
        for (uint64_t n = fleet_random_below(&r->random, 4); n-- != 0;) {
            const uint32_t last = n_hosts(r) - 1;

            sim_kill(&r->sim, last);
            wait_some(r, rotate_ms(r) / 5);
            sim_start(&r->sim, last, NULL);
            wait_some(r, rotate_ms(r) / 3);
        }
        wait_some(r, rotate_ms(r) * 2);
    }
}

static const struct scenario scenarios[] = {
    {"steady", "nothing happens", NULL, steady, ALL},
    {"drift", "clocks are wrong by up to 500 ppm", drifting, steady, ALL},
    {"rolling", "every host is restarted, one by one", NULL, rolling, ALL},
    {"crashes", "a tenth of the hosts dies in each epoch, or their keepers", NULL, crashes, ALL},
    {"blackouts", "a third of the hosts dies at once, again and again", NULL, blackouts, ALL},
    {"pauses", "hosts sleep, some with their clocks", NULL, pauses, MOST},
    {"outage", "the store is gone", NULL, outage, ALL},
    {"emptied", "the store is restarted empty in each epoch", NULL, emptied, ALL},
    {"lossy", "a fifth of all messages is lost", NULL, lossy, MOST},
    {"slow", "the store takes a second each way", NULL, slow, ALL},
    {"lying", "the store grants all claims, shows old entries, keeps dead hosts", NULL, lying,
     MOST},
    {"partition", "a third has no store; nothing is re-seeded", without_reseed, partition, ALL},
    {"reseeded", "the same while the others re-seed", NULL, partition, HALF},
    /* A host that joins as another switches may miss the moment. */
    {"kills", "keepers die all the time while re-seeds are fast", hurried, kills, NEARLY_ALL},
    {"two-chains", "half of the hosts start at another store", NULL, two_chains, HALF},
};
#define N_SCENARIOS (sizeof scenarios / sizeof scenarios[0])

struct arguments {
    uint64_t n_hosts;
    uint64_t epochs;
    uint64_t seed;
    int64_t rotate_ms;
    bool is_traced;
    bool opens_all; /* each host opens what it reads for itself */
};

static int compare_ms(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Median of what it took to join, of those that joined; -1: none. */
static int64_t join_ms(const struct sim *s)
{
    int64_t *const ms = memory_new(s->options.n_hosts, sizeof *ms);
    size_t n = 0;
    int64_t median = -1;

    sim_require(ms != NULL, "out of memory");
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        if (s->hosts[i].joined_ms >= 0) {
            ms[n++] = s->hosts[i].joined_ms;
        }
    }
    if (n != 0) {
        qsort(ms, n, sizeof *ms, compare_ms);
        median = ms[n / 2];
    }
    memory_free(ms);
    return median;
}

static double cpu_seconds(void)
{
    struct timespec t;

    sim_require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0, "no clock");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_head(void)
{
    printf("%-11s %7s %7s %9s %9s %6s %9s %9s %8s %8s %8s %7s\n", "scenario", "hosts", "epochs",
           "presented", "resumed", "lost", "apart", "longest", "messages", "bytes", "CPU", "join");
    printf("%-11s %7s %7s %9s %9s %6s %9s %9s %8s %8s %8s %7s\n", "", "", "", "", "%", "", "s", "s",
           "/h/epoch", "/h/epoch", "us/h/ep", "ms");
}

static void print_row(const struct run *r, const struct scenario *sc, double cpu)
{
    const struct sim_stats *const st = &r->sim.stats;
    const double epochs = (double)r->sim.now_ms / (double)rotate_ms(r);
    const double each = epochs * n_hosts(r);
    const double share =
        st->n_presented != 0 ? 100.0 * (double)st->n_resumed / (double)st->n_presented : 0.0;

    printf("%-11s %7" PRIu32 " %7.1f %9" PRIu64 " %9.4f %6" PRIu64 " %9.1f %9.1f %8.1f %8.0f "
           "%8.0f %7" PRId64 "\n",
           sc->name, n_hosts(r), epochs, st->n_presented, share, st->n_presented - st->n_resumed,
           (double)st->split_ms / 1000, (double)st->split_most_ms / 1000,
           (double)(st->n_puts + st->n_lists + st->n_claims) / each, (double)st->n_bytes / each,
           cpu * 1e6 / each, join_ms(&r->sim));
    (void)fflush(stdout);
}

/* The end may fall into a re-seed, which takes a large fleet some of its long paces; the next one
 * follows, so the end is the first instant at which all seal by one ring. */
static void settle(struct run *r)
{
    const int64_t pace_ms = PACE_MS * (n_hosts(r) / PACE_HOSTS + 1);
    const int64_t most_ms = SETTLE_EPOCHS * rotate_ms(r) + SETTLE_PACES * pace_ms;
    const int64_t until_ms = r->sim.now_ms + most_ms;

    while (r->sim.now_ms < until_ms && sim_n_rings(&r->sim) != 1) {
        sim_run(&r->sim, rotate_ms(r) / 4);
    }
}

/* Whether it ended well. */
static bool run(const struct scenario *sc, const struct arguments *a)
{
    struct run r = {.epochs = (int64_t)a->epochs, .random = {true, a->seed ^ 1}};
    struct sim_options o = {
        .n_hosts = (uint32_t)a->n_hosts,
        .seed = a->seed,
        .rotate_ms = a->rotate_ms,
        .accept_ms = ACCEPT_EPOCHS * a->rotate_ms,
        .reseed_ms = RESEED_EPOCHS * a->rotate_ms,
        .latency_ms = LATENCY_MS,
        .drift_ppm = DRIFT_PPM,
        .is_traced = a->is_traced,
    };
    const double before = cpu_seconds();
    bool is_good;

    if (sc->prepare != NULL) {
        sc->prepare(&o);
    }
    sim_seal_remember(a->opens_all ? 0 : 2 * a->n_hosts);
    sim_init(&r.sim, &o);
    sim_try_tickets(&r.sim, a->rotate_ms / TICKETS);
    sc->go(&r);
    run_epochs(&r, QUIET_EPOCHS);
    settle(&r);
    print_row(&r, sc, cpu_seconds() - before);
    is_good = sim_n_rings(&r.sim) == 1;
    if (!is_good) {
        (void)fprintf(stderr, "fleet_sim: %s: %zu rings at the end\n", sc->name,
                      sim_n_rings(&r.sim));
    }
    if (r.sim.stats.n_resumed * ALL < r.sim.stats.n_presented * sc->least) {
        (void)fprintf(stderr, "fleet_sim: %s: tickets were lost\n", sc->name);
        is_good = false;
    }
    sim_fini(&r.sim);
    sim_seal_fini();
    return is_good;
}

static int usage(FILE *to)
{
    (void)fprintf(to, "usage: fleet_sim [--hosts N] [--epochs N] [--rotate DURATION] "
                      "[--seed N] [--trace]\n                 "
                      "[--open-all]\n                 [SCENARIO...]\n\n"
                      "--open-all: every host opens each message itself, as hosts do; otherwise "
                      "it is opened once\n\nScenarios (all):\n");
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        (void)fprintf(to, "  %-11s %s\n", scenarios[i].name, scenarios[i].about);
    }
    return to == stdout ? 0 : 2;
}

static bool is_asked(const struct scenario *sc, char *const *names)
{
    bool is_any = false;

    for (; *names != NULL; names++) {
        is_any = true;
        if (strcmp(*names, sc->name) == 0) {
            return true;
        }
    }
    return !is_any;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"hosts", required_argument, NULL, 'h'},  {"epochs", required_argument, NULL, 'e'},
        {"rotate", required_argument, NULL, 'r'}, {"seed", required_argument, NULL, 's'},
        {"trace", no_argument, NULL, 't'},        {"open-all", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, '?'},         {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if ((c == 'h' && number_parse(optarg, 10000000, &a->n_hosts) && a->n_hosts != 0) ||
            (c == 'e' && number_parse(optarg, 1000000, &a->epochs)) ||
            (c == 'r' && number_parse_duration(optarg, ROTATE_MAX_MS, &a->rotate_ms) &&
             a->rotate_ms >= TICKETS) ||
            (c == 's' && number_parse(optarg, UINT32_MAX, &a->seed))) {
            continue;
        }
        if (c != 't' && c != 'o') {
            return false;
        }
        a->is_traced = a->is_traced || c == 't';
        a->opens_all = a->opens_all || c == 'o';
    }
    return true;
}

int main(int argc, char **argv)
{
    struct arguments a = {.n_hosts = 100, .epochs = 12, .seed = 1, .rotate_ms = ROTATE_MS};
    struct rusage usage_of_self;
    bool is_good = true;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout);
    }
    if (!parse(argc, argv, &a)) {
        return usage(stderr);
    }
    print_head();
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        if (is_asked(&scenarios[i], argv + optind)) {
            is_good = run(&scenarios[i], &a) && is_good;
        }
    }
    sim_require(getrusage(RUSAGE_SELF, &usage_of_self) == 0, "no usage");
    printf("memory at most %ld KB, %ld bytes a host\n", usage_of_self.ru_maxrss,
           usage_of_self.ru_maxrss * 1024 / (long)a.n_hosts);
    return is_good ? 0 : 1;
}
