#include "runner.h"

#include "memory.h"

/* So long an address may take to answer for the first time before others go on without it. */
#define LATE_MS 1000

/* How often it is looked who is late. */
#define LOOK_MS 100

/* One connection at a time. */
struct slot {
    struct runner *runner;
    struct visitor *visitor;
    struct task *task; /* NULL: free */
    size_t address;
    struct slot *next; /* of the free ones */
};

struct lane {
    struct task *first, *last;
    unsigned n_active;
    bool is_met;       /* a visit has ended there */
    bool has_answered; /* one of them not for want of an answer */
    bool is_begun;
    uint64_t begun_ms; /* when the first visit did */
};

struct runner {
    struct runner_config config;
    struct lane *lanes; /* one an address */
    size_t turn;        /* the lane that comes next */
    struct slot *slots;
    unsigned n_slots;
    struct slot *free_slots;
    size_t n_queued;
    unsigned n_active;
    unsigned n_visits;
    bool stopped;
    bool is_prompt;  /* runner_run_prompt is under way */
    size_t n_firm;   /* tasks, queued or active, that are waited for in any case */
    uv_timer_t look; /* for who is late */
    uv_timer_t timer;
    bool has_timers;
};

static void push_back(struct runner *r, struct task *task)
{
    struct lane *lane = &r->lanes[task->address];

    task->next = NULL;
    if (lane->last != NULL) {
        lane->last->next = task;
    } else {
        lane->first = task;
    }
    lane->last = task;
    r->n_queued++;
    r->n_firm += !task->may_lag;
}

static void push_front(struct runner *r, struct task *task)
{
    struct lane *lane = &r->lanes[task->address];

    task->next = lane->first;
    lane->first = task;
    lane->last = lane->last != NULL ? lane->last : task;
    r->n_queued++;
    r->n_firm += !task->may_lag;
}

static struct task *pop(struct runner *r, struct lane *lane)
{
    struct task *task = lane->first;

    lane->first = task->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    }
    r->n_queued--;
    r->n_firm -= !task->may_lag;
    return task;
}

static bool is_late(const struct runner *r, const struct lane *lane)
{
    return lane->is_begun && !lane->has_answered &&
           uv_now(r->config.loop) >= lane->begun_ms + LATE_MS;
}

/* The first visit is made alone, for a while: what it shows may make the next ones shorter. */
static bool has_room(const struct runner *r, const struct lane *lane)
{
    return lane->n_active < (lane->is_met || is_late(r, lane) ? r->config.per_address : 1);
}

static struct task *next_task_of(struct runner *r, bool late)
{
    const size_t n = r->config.n_addresses;

    for (size_t i = 0; i < n; i++) {
        struct lane *lane = &r->lanes[r->turn];

        r->turn = (r->turn + 1) % n;
        if (lane->first != NULL && has_room(r, lane) && is_late(r, lane) == late) {
            return pop(r, lane);
        }
    }
    return NULL;
}

/* The next task whose address has room; NULL if none has. */
static struct task *next_task(struct runner *r)
{
    struct task *task = next_task_of(r, false);

    return task != NULL ? task : next_task_of(r, true);
}

static void start(struct runner *r, struct task *task, const struct visitor_order *order)
{
    struct slot *s = r->free_slots;
    struct lane *lane = &r->lanes[task->address];

    r->free_slots = s->next;
    s->task = task;
    s->address = task->address;
    if (!lane->is_begun) {
        uv_update_time(r->config.loop);
        lane->is_begun = true;
        lane->begun_ms = uv_now(r->config.loop);
    }
    lane->n_active++;
    r->n_active++;
    r->n_firm += !task->may_lag;
    r->n_visits++;
    visitor_start(s->visitor, order);
}

static void fill(struct runner *r)
{
    while (!r->stopped && r->free_slots != NULL && r->n_queued != 0) {
        struct visitor_order order = {0};
        struct task *task = next_task(r);

        if (task == NULL) {
            return;
        }
        switch (task->begin(task, &order)) {
        case TASK_GO:
            start(r, task, &order);
            break;
        case TASK_SKIP:
            break;
        case TASK_ELSEWHERE:
            if (!r->stopped) {
                push_front(r, task);
            }
            break;
        }
    }
}

/* There is more to wait for than who lags. */
static bool is_awaited(const struct runner *r)
{
    if (!r->is_prompt || r->n_firm != 0) {
        return r->n_active != 0;
    }
    for (size_t i = 0; i < r->config.n_addresses; i++) {
        if (!runner_is_done_at(r, i) && !is_late(r, &r->lanes[i])) {
            return true;
        }
    }
    return false;
}

/* Starts what has room now; the loop ends where nothing is waited for any more. */
static void go_on(struct runner *r)
{
    fill(r);
    if (r->is_prompt && !is_awaited(r)) {
        uv_stop(r->config.loop);
    }
}

static void visited(void *cookie, const struct visit *visit, SSL_SESSION *const *sessions,
                    size_t n_sessions)
{
    struct slot *s = cookie;
    struct runner *r = s->runner;
    struct task *task = s->task;
    struct lane *lane = &r->lanes[s->address];

    s->task = NULL;
    s->next = r->free_slots;
    r->free_slots = s;
    lane->n_active--;
    lane->is_met = true;
    lane->has_answered =
        lane->has_answered || (visit->end != VISIT_TIMEOUT && visit->end != VISIT_UNREACHABLE);
    r->n_active--;
    r->n_firm -= !task->may_lag;
    if (!r->stopped) {
        task->ended(task, visit, sessions, n_sessions);
    }
    go_on(r);
}

static void looked(uv_timer_t *timer)
{
    go_on(timer->data);
}

static enum rp_status make_slots(struct runner *r)
{
    const struct runner_config *g = &r->config;

    r->slots = memory_new(g->concurrency, sizeof *r->slots);
    if (r->slots == NULL) {
        return RP_NO_MEMORY;
    }
    for (; r->n_slots < g->concurrency; r->n_slots++) {
        struct slot *s = &r->slots[r->n_slots];
        const struct visitor_config config = {g->timeout_ms, g->began_ns, s, visited};
        const enum rp_status status = visitor_new(g->loop, &config, &s->visitor);

        if (status != RP_OK) {
            return status;
        }
        s->runner = r;
        s->next = r->free_slots;
        r->free_slots = s;
    }
    return RP_OK;
}

enum rp_status runner_new(const struct runner_config *config, struct runner **out)
{
    struct runner *r = memory_new(1, sizeof *r);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (r == NULL) {
        return RP_NO_MEMORY;
    }
    r->config = *config;
    r->lanes = memory_new(config->n_addresses, sizeof *r->lanes);
    if (r->lanes == NULL) {
        goto done;
    }
    status = RP_SYSTEM;
    if (uv_timer_init(config->loop, &r->timer) != 0 || uv_timer_init(config->loop, &r->look) != 0) {
        goto done;
    }
    r->look.data = r;
    uv_unref((uv_handle_t *)&r->look);
    r->has_timers = true;
    status = make_slots(r);
    if (status == RP_OK) {
        *out = r; /* transferred */
        r = NULL;
    }

done:
    runner_free(&r);
    return status;
}

void runner_add(struct runner *r, struct task *task)
{
    if (!r->stopped) {
        push_back(r, task);
    }
}

void runner_run(struct runner *r)
{
    (void)uv_timer_start(&r->look, looked, LOOK_MS, LOOK_MS);
    fill(r);
    if (is_awaited(r)) {
        (void)uv_run(r->config.loop, UV_RUN_DEFAULT);
    }
    (void)uv_timer_stop(&r->look);
}

bool runner_is_active_at(const struct runner *r, size_t address)
{
    return r->lanes[address].n_active != 0;
}

void runner_run_prompt(struct runner *r)
{
    r->is_prompt = true;
    runner_run(r);
    r->is_prompt = false;
}

bool runner_is_done_at(const struct runner *r, size_t address)
{
    const struct lane *lane = &r->lanes[address];

    return lane->first == NULL && lane->n_active == 0;
}

static void awake(uv_timer_t *timer)
{
    (void)timer; /* the loop has nothing else to wait for */
}

void runner_wait(struct runner *r, uint64_t ms)
{
    if (!r->stopped) {
        uv_update_time(r->config.loop);
        (void)uv_timer_start(&r->timer, awake, ms, 0);
        (void)uv_run(r->config.loop, UV_RUN_DEFAULT);
    }
}

void runner_stop(struct runner *r)
{
    r->stopped = true;
    (void)uv_timer_stop(&r->timer);
    for (size_t i = 0; i < r->config.n_addresses; i++) {
        r->lanes[i].first = NULL;
        r->lanes[i].last = NULL;
    }
    r->n_queued = 0;
    r->n_firm = 0;
    for (unsigned i = 0; i < r->n_slots; i++) {
        if (r->slots[i].task != NULL) {
            r->n_firm += !r->slots[i].task->may_lag;
            visitor_stop(r->slots[i].visitor);
        }
    }
}

bool runner_is_stopped(const struct runner *r)
{
    return r->stopped;
}

unsigned runner_n_visits(const struct runner *r)
{
    return r->n_visits;
}

size_t runner_n_left(const struct runner *r)
{
    return r->n_queued + r->n_active;
}

void runner_free(struct runner **runner)
{
    struct runner *r = *runner;

    if (r == NULL) {
        return;
    }
    for (unsigned i = 0; i < r->n_slots; i++) {
        visitor_close(&r->slots[i].visitor);
    }
    if (r->has_timers) {
        uv_close((uv_handle_t *)&r->timer, NULL);
        uv_close((uv_handle_t *)&r->look, NULL);
        (void)uv_run(r->config.loop, UV_RUN_DEFAULT);
    }
    memory_free(r->slots);
    memory_free(r->lanes);
    memory_free(r);
    *runner = NULL;
}
