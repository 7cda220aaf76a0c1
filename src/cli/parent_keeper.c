#include "parent_state.h"

#include <string.h>

#include <openssl/crypto.h>

#include "error.h"
#include "keeper.h"
#include "message_mail.h"

/* In the child. */

static int run(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct generation *generation = parent_generation(parent);
    struct keeper_start start = {.config = generation->config,
                                 .keyring = parent->keyring,
                                 .channel_fd = channel_fd,
                                 .log = parent_log_of(child),
                                 .metrics = parent->metrics};
    struct fleet_secrets secrets = generation->secrets;
    struct rp_error err = {""};
    int status;

    start.secrets = &secrets;
    /* A keeper that replaces another is forked off a parent that holds the sites' private keys. */
    parent_forget(parent, NULL);
    parent_forget_store(parent);
    conn_count_free(&parent->count);
    (void)privileges_leave_network(); /* it has no socket anyway */
    if (keeper_begin(&start, &err) != RP_OK ||
        spawn_confine(parent_account(parent, &generation->privileges.keeper), &err) != RP_OK) {
        return parent_complain(child, &err);
    }
    status = keeper_run(&start);
    fleet_secrets_fini(&secrets);
    if (status == 0) {
        rp_keyring_free(&parent->keyring); /* wipes: the last that uses it is we */
    }
    return status;
}

/* In the parent: what it says. */

/* It may be the successor of one that had taken them; the keyring has them no longer then. */
static enum rp_status send_keys(struct parent *parent, struct rp_error *err)
{
    return parent_generation(parent)->key_watch != NULL ? parent_keys_send(parent, err) : RP_OK;
}

static void ready(struct child *child)
{
    struct parent *parent = child->owner;
    struct rp_error err = {""};
    enum rp_status status;

    if (parent->phase >= PARENT_DRAINING) {
        return; /* too late to be of use */
    }
    status = send_keys(parent, &err);
    if (parent->phase == PARENT_STARTING && parent->stage == PARENT_STAGE_KEEPER) {
        if (status != RP_OK) {
            parent_coming_fail(parent, status, &err);
        } else if (parent_has_fleet(parent)) {
            parent_fleet_tell(parent);
        } else if (parent->coming->key_watch == NULL) {
            parent_coming_keeper(parent);
        }
        return;
    }
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", child->title),
             LOG_N("pid", child->pid));
    if (status != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the keys stay as they were",
                 LOG_S("reason", err.text));
    }
    parent_fleet_tell(parent);
    if (parent->coming != NULL && parent->stage == PARENT_STAGE_DOMAINS) {
        parent_domains_send(parent);
    }
}

static void epoch(struct parent *parent, const struct message_epoch *m)
{
    LIMITER_LINE(&parent->epochs, LOG_LEVEL_INFO, LOG_N("epoch", m->epoch),
                 LOG_N("generation", m->generation));
}

/* It may be a successor's, for whom nobody waits. */
static void settled(struct parent *parent)
{
    if (parent->phase == PARENT_STARTING && parent->stage == PARENT_STAGE_KEEPER) {
        parent_coming_keeper(parent);
    }
}

static bool message(struct child *child, enum channel_type type, const uint8_t *body, size_t n)
{
    struct parent *parent = child->owner;
    struct message_epoch m;
    struct message_taken taken;

    if (type == CHANNEL_EPOCH && message_epoch_decode(body, n, &m)) {
        epoch(parent, &m);
        parent_feeder_epoch(parent, &m);
        return true;
    }
    if (type == CHANNEL_KEYS_TAKEN && parent_generation(parent)->key_watch != NULL &&
        message_taken_decode(body, n, &taken)) {
        parent_keys_taken(parent, &taken);
        return true;
    }
    if (type == CHANNEL_DOMAINS_TAKEN && message_taken_decode(body, n, &taken)) {
        parent_coming_domains(parent, &taken);
        return true;
    }
    if (type == CHANNEL_SETTLED && parent_has_fleet(parent)) {
        settled(parent);
        return true;
    }
    return parent_fleet_from_keeper(parent, type, body, n);
}

const struct child_kind parent_keeper_kind = {
    .role = METRICS_ROLE_KEEPER,
    .rules = message_rules_for_keeper,
    .n_rules = sizeof message_rules_for_keeper / sizeof message_rules_for_keeper[0],
    .mail_room = MESSAGE_MAIL_ROOM,
    .descriptors = parent_keyring_alone,
    .run = run,
    .ready = ready,
    .message = message,
};

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_fleet(const struct generation *a, const struct generation *b)
{
    const struct config_fleet *const x = &a->config->fleet;
    const struct config_fleet *const y = &b->config->fleet;

    if (x->store == NULL && y->store == NULL) {
        return true;
    }
    return same_text(x->store, y->store) && same_text(x->name, y->name) &&
           same_text(x->host, y->host) && same_text(x->address, y->address) &&
           x->reseed_ms == y->reseed_ms && a->secrets.n == b->secrets.n &&
           a->secrets.at_once == b->secrets.at_once &&
           CRYPTO_memcmp(a->secrets.secret, b->secrets.secret, sizeof a->secrets.secret) == 0;
}

/* Whether its successor would be told something else. */
static bool is_outdated(const struct generation *now, const struct generation *before)
{
    return now->config->sandbox != before->config->sandbox ||
           now->config->log_format != before->config->log_format ||
           !same_text(config_system_log(now->config), config_system_log(before->config)) ||
           !same_fleet(now, before);
}

/* It is another member of its fleet then, with the rings of the one before it. */
void parent_keeper_follow(struct parent *parent, const struct generation *before)
{
    if (parent->keeper->pid != 0 && is_outdated(parent->running, before)) {
        child_dismiss(parent->keeper);
    }
}

enum rp_status parent_keeper_start(struct parent *parent, struct rp_error *err)
{
    parent->keeper = parent_child_new(parent, &parent_keeper_kind, "keeper", "reprised:keeper");
    if (parent->keeper == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    return parent_child_start(parent->keeper, err);
}
