#include "parent_state.h"

#include <stdlib.h>
#include <time.h>

#include "inherited.h"
#include "memory.h"
#include "text.h"

static const char *const all_names[] = {INHERITED_WINDOW, INHERITED_CHAIN, INHERITED_CACHE,
                                        INHERITED_LISTEN};

static bool store_one(const struct parent *parent, const char *name, int fd)
{
    return notify_store(&parent->notify, name, &fd, 1);
}

static bool store_queues(const struct parent *parent)
{
    size_t n;
    const struct listening_queue *queues = listening_queues(parent->running->listening, &n);
    int *fds = memory_new(n, sizeof *fds);
    bool good = fds != NULL;

    for (size_t i = 0; good && i < n; i++) {
        fds[i] = queues[i].fd;
    }
    good = good && notify_store(&parent->notify, INHERITED_LISTEN, fds, n);
    memory_free(fds);
    return good;
}

/* Under each name nothing but what is in use. */
static bool store_all(const struct parent *parent)
{
    const struct rp_cache *cache = parent->running->cache;
    int window_fd;
    int chain_fd;
    bool good = true;

    for (size_t i = 0; good && i < sizeof all_names / sizeof all_names[0]; i++) {
        good = notify_forget(&parent->notify, all_names[i]);
    }
    rp_keyring_descriptors(parent->keyring, &window_fd, &chain_fd);
    return good && store_one(parent, INHERITED_WINDOW, window_fd) &&
           store_one(parent, INHERITED_CHAIN, chain_fd) &&
           (cache == NULL || store_one(parent, INHERITED_CACHE, rp_cache_descriptor(cache))) &&
           store_queues(parent);
}

void parent_manager_begin(struct parent *parent)
{
    if (!notify_open(&parent->notify)) {
        LOG_LINE(
            &parent->log, LOG_LEVEL_WARNING,
            "NOTIFY_SOCKET names nothing that can be used; the service manager is told nothing",
            LOG_S("name", getenv("NOTIFY_SOCKET")));
    }
}

void parent_manager_ready(struct parent *parent)
{
    const struct config *config = parent->running->config;
    char status[64];
    struct text t = text_of(status, sizeof status);

    if (config->workers != 0) {
        text_addf(&t, "Serving; %u workers", config->workers);
    } else {
        text_addf(&t, "Feeding; %zu feeds", config->n_feeds);
    }
    text_addf(&t, ", generation %llu", (unsigned long long)parent->running->number);
    parent->is_announced = true;
    if (!store_all(parent) || !notify_ready(&parent->notify, status)) {
        log_line(&parent->log, LOG_LEVEL_WARNING, "the service manager does not take messages",
                 NULL, 0);
    }
}

void parent_manager_reloading(struct parent *parent)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)notify_reloading(&parent->notify, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void parent_manager_stopping(struct parent *parent)
{
    (void)notify_stopping(&parent->notify, "Draining");
}

void parent_manager_stopped(struct parent *parent)
{
    for (size_t i = 0; parent->is_announced && i < sizeof all_names / sizeof all_names[0]; i++) {
        (void)notify_forget(&parent->notify, all_names[i]);
    }
}
