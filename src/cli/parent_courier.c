#include "parent_state.h"

#include <errno.h>
#include <string.h>

#include "courier.h"
#include "error.h"
#include "memory.h"

/* In the child. */

/* It goes on without anything that a key could be found in. */
static int run(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct generation *generation = parent_generation(parent);
    struct courier_start start = {.metrics = parent->metrics,
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

static void ready(struct child *child)
{
    const struct parent *parent = child->owner;

    if (parent->phase == PARENT_RUNNING && child->n_restarts != 0) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", child->title),
                 LOG_N("pid", child->pid));
    }
}

const struct child_kind parent_courier_kind = {
    .role = METRICS_ROLE_COURIER,
    .rules = message_rules_for_courier,
    .n_rules = sizeof message_rules_for_courier / sizeof message_rules_for_courier[0],
    .descriptors = descriptors,
    .run = run,
    .ready = ready,
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
}

void parent_courier_retire(struct parent *parent)
{
    drain_courier(parent);
    admin_sockets_free(&parent->running->admin, NULL);
}

void parent_courier_follow(struct parent *parent)
{
    struct rp_error err = {"out of memory"};
    struct child *courier;

    drain_courier(parent);
    if (parent->running->admin == NULL) {
        return;
    }
    if (!admin_sockets_show(parent->running->admin)) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "an admin socket cannot be put in its place",
                 LOG_S("reason", strerror(errno)));
    }
    tell_sockets(parent);
    courier = parent_child_new(parent, &parent_courier_kind, "courier", "reprised:courie");
    if (courier == NULL || parent_child_start(courier, &err) != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started",
                 LOG_S("process", "courier"), LOG_S("reason", err.text));
        if (courier != NULL && courier->pid == 0) {
            parent_child_again(courier);
        }
    }
}
