#include "parent_state.h"

#include <errno.h>
#include <string.h>

#include "courier.h"
#include "error.h"
#include "memory.h"
#include "message_mail.h"
#include "resources.h"

/* In the child. */

/* It goes on without anything that a key could be found in. */
static int run(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct generation *generation = parent_generation(parent);
    struct courier_start start = {.metrics = parent->metrics,
                                  .store = generation->config->fleet.store,
                                  .fleet = generation->config->fleet.name,
                                  .channel_fd = channel_fd,
                                  .sandbox = generation->config->sandbox,
                                  .log = parent_log_of(child)};
    metrics_cell n_lost = 0; /* it cannot write where the others do */
    struct rp_error err = {""};

    start.log.n_lost_ever = &n_lost;
    start.listen_fds = admin_sockets_fds(generation->admin, &start.n_listen);
    parent_forget(parent, NULL);
    rp_keyring_free(&parent->keyring);
    conn_count_free(&parent->count);
    metrics_read_only(parent->metrics);
    if (spawn_confine(parent_account(parent, &generation->privileges.courier), &err) != RP_OK) {
        return parent_complain(child, &err);
    }
    return courier_run(&start);
}

static enum rp_status descriptors(const struct child *child, int **out, size_t *n)
{
    const struct parent *parent = child->owner;
    const int *fds = admin_sockets_fds(parent_generation(parent)->admin, n);

    *out = memory_new(*n, sizeof **out);
    if (*out == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = fds[i];
    }
    return RP_OK;
}

/* In the parent. */

static bool is_shown(const struct parent *parent, const struct child *courier)
{
    return parent->running != NULL && courier->generation == parent->running->number;
}

/* Its figures are those of the generation that runs. */
static void show(struct child *courier)
{
    if (courier->channel == NULL || !channel_send(courier->channel, CHANNEL_ACCEPT, NULL, 0)) {
        child_kill(courier); /* its successor is told */
    }
}

static void ready(struct child *child)
{
    const struct parent *parent = child->owner;

    if (parent->phase == PARENT_RUNNING && child->n_restarts != 0) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", child->title),
                 LOG_N("pid", child->pid));
    }
    if (child->fate == CHILD_STAYS && is_shown(parent, child)) {
        show(child);
    }
}

const struct child_kind parent_courier_kind = {
    .role = METRICS_ROLE_COURIER,
    .rules = message_rules_for_courier,
    .n_rules = sizeof message_rules_for_courier / sizeof message_rules_for_courier[0],
    .mail_room = MESSAGE_MAIL_ROOM,
    .descriptors = descriptors,
    .run = run,
    .ready = ready,
    .message = parent_fleet_from_courier,
};

static void tell_sockets(const struct parent *parent)
{
    const struct admin_sockets *sockets = parent->running->admin;
    char address[ADMIN_SOCKETS_TEXT_SIZE];
    size_t n;

    (void)admin_sockets_fds(sockets, &n);
    for (size_t i = 0; i < n; i++) {
        admin_sockets_text(sockets, i, address);
        if (!admin_sockets_is_old(sockets, i)) {
            LOG_LINE(&parent->log, LOG_LEVEL_INFO, "admin listening", LOG_S("address", address));
        }
        if (!admin_sockets_is_old(sockets, i) && admin_sockets_is_open(sockets, i)) {
            LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                     "the admin address is no loopback address: whoever can reach it reads the "
                     "figures, unencrypted",
                     LOG_S("address", address));
        }
    }
}

static void drain_courier(struct parent *parent)
{
    struct child *next;

    for (struct child *c = parent->children; c != NULL; c = next) {
        next = c->next;
        if (c->kind == &parent_courier_kind && c->fate == CHILD_STAYS) {
            parent_child_drain(c, 0);
        }
    }
    parent->courier = NULL;
    parent_fleet_lost(parent);
}

void parent_courier_retire(struct parent *parent)
{
    drain_courier(parent);
    admin_sockets_free(&parent->running->admin, NULL);
}

/* In place of the one before it, if there is one. */
static enum rp_status start(struct parent *parent, struct rp_error *err)
{
    const struct generation *generation = parent_generation(parent);

    drain_courier(parent);
    parent->courier = parent_child_new(parent, &parent_courier_kind, "courier", "reprised:courie");
    if (parent->courier == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    parent->courier->generation = generation->number;
    resources_store_folder(generation->config,
                           parent_account(parent, &generation->privileges.courier), &parent->log);
    return parent_child_start(parent->courier, err);
}

enum rp_status parent_courier_begin(struct parent *parent, struct rp_error *err)
{
    return start(parent, err);
}

static void restart(struct parent *parent)
{
    struct rp_error err = {""};

    if (start(parent, &err) != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started",
                 LOG_S("process", "courier"), LOG_S("reason", err.text));
        if (parent->courier != NULL && parent->courier->pid == 0) {
            parent_child_again(parent->courier);
        }
    }
}

void parent_courier_follow(struct parent *parent)
{
    const struct generation *running = parent->running;

    if (running->admin != NULL && !admin_sockets_show(parent->running->admin)) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "an admin socket cannot be put in its place",
                 LOG_S("reason", strerror(errno)));
    }
    if (running->admin != NULL) {
        tell_sockets(parent);
    }
    if (running->admin == NULL && running->config->fleet.store == NULL) {
        drain_courier(parent);
    } else if (parent->courier == NULL || !is_shown(parent, parent->courier)) {
        restart(parent);
    } else if (parent->courier->ready) {
        show(parent->courier);
    }
}
