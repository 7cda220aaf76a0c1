#include "runner.h"

#include "memory.h"

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
    bool is_met; /* a visit has ended there */
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
    uv_timer_t timer;
    bool has_timer;
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
}

static void push_front(struct runner *r, struct task *task)
{
    struct lane *lane = &r->lanes[task->address];

    task->next = lane->first;
    lane->first = task;
    lane->last = lane->last != NULL ? lane->last : task;
    r->n_queued++;
}

static struct task *pop(struct runner *r, struct lane *lane)
{
    struct task *task = lane->first;

    lane->first = task->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    }
    r->n_queued--;
    return task;
}

/* The first visit is made alone: what it shows may make the next ones shorter. */
static bool has_room(const struct runner *r, const struct lane *lane)
{
    return lane->n_active < (lane->is_met ? r->config.per_address : 1);
}

/* The next task whose address has room; NULL if none has. */
static struct task *next_task(struct runner *r)
{
    const size_t n = r->config.n_addresses;

    for (size_t i = 0; i < n; i++) {
        struct lane *lane = &r->lanes[r->turn];

        r->turn = (r->turn + 1) % n;
        if (lane->first != NULL && has_room(r, lane)) {
            return pop(r, lane);
        }
    }
    return NULL;
}

static void start(struct runner *r, struct task *task, const struct visitor_order *order)
{
    struct slot *s = r->free_slots;

    r->free_slots = s->next;
    s->task = task;
    s->address = task->address;
    r->lanes[s->address].n_active++;
    r->n_active++;
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
            push_front(r, task);
            break;
        }
    }
}

static void visited(void *cookie, const struct visit *visit, SSL_SESSION *const *sessions,
                    size_t n_sessions)
{
    struct slot *s = cookie;
    struct runner *r = s->runner;
    struct task *task = s->task;

    s->task = NULL;
    s->next = r->free_slots;
    r->free_slots = s;
    r->lanes[s->address].n_active--;
    r->lanes[s->address].is_met = true;
    r->n_active--;
    if (!r->stopped) {
        task->ended(task, visit, sessions, n_sessions);
    }
    fill(r);
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
    if (uv_timer_init(config->loop, &r->timer) != 0) {
        goto done;
    }
    r->has_timer = true;
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
    push_back(r, task);
}

void runner_run(struct runner *r)
{
    fill(r);
    if (r->n_active != 0) {
        (void)uv_run(r->config.loop, UV_RUN_DEFAULT);
    }
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
    for (unsigned i = 0; i < r->n_slots; i++) {
        if (r->slots[i].task != NULL) {
            visitor_stop(r->slots[i].visitor);
        }
    }
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
    if (r->has_timer) {
        uv_close((uv_handle_t *)&r->timer, NULL);
        (void)uv_run(r->config.loop, UV_RUN_DEFAULT);
    }
    memory_free(r->slots);
    memory_free(r->lanes);
    memory_free(r);
    *runner = NULL;
}
