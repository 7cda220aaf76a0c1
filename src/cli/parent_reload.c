#include "parent_state.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "resources_feeds.h"

#define LEAVE_MS 5000 /* for old workers to say that they accept no more */

static const char unchanged[] = "the configuration stays as it was";

/* The next generation fails, or has become the one that runs. */
static void end_coming(struct parent *parent)
{
    parent_domains_end(parent);
    parent->coming = NULL;
    loop_timer_clear(&parent->deadline);
}

void parent_coming_drop(struct parent *parent)
{
    struct generation *generation = parent->coming;

    parent->leaving = 0;
    if (generation != NULL) {
        parent_workers_discard(parent, generation);
        end_coming(parent);
        generation_free(&generation, parent->running);
    }
}

void parent_reload_if_asked(struct parent *parent)
{
    if (parent->reload_again && parent->phase == PARENT_RUNNING) {
        parent->reload_again = false;
        parent_reload(parent);
    }
}

void parent_coming_fail(struct parent *parent, enum rp_status status, const struct rp_error *why)
{
    if (parent->running == NULL) {
        parent_fail(parent, status, why);
        return;
    }
    LOG_LINE(&parent->log, LOG_LEVEL_ERROR, unchanged,
             LOG_S("reason", why->text[0] != '\0' ? why->text : rp_status_text(status)));
    parent_metrics_count(parent, METRICS_RELOADS_FAILED);
    parent_coming_drop(parent);
    parent_manager_ready(parent);
    parent_reload_if_asked(parent);
}

/* The switch. */

static void tell_listeners(const struct parent *parent, const struct generation *before)
{
    const struct listening *now = parent->running->listening;
    char address[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < listening_count(now); i++) {
        if (before == NULL || !listening_is_old(now, i)) {
            address_text(listening_address(now, i), address);
            LOG_LINE(&parent->log, LOG_LEVEL_INFO, "listening", LOG_S("address", address));
        }
    }
    for (size_t i = 0; before != NULL && i < listening_count(before->listening); i++) {
        if (!listening_goes_on(before->listening, i, now)) {
            address_text(listening_address(before->listening, i), address);
            LOG_LINE(&parent->log, LOG_LEVEL_INFO, "no longer listening",
                     LOG_S("address", address));
        }
    }
}

/* What works, but not as its owner would wish. */
static void tell_warnings(const struct parent *parent)
{
    const struct sites *sites = parent->running->sites;

    for (size_t i = 0; i < sites_n_warnings(sites); i++) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "configuration",
                 LOG_S("reason", sites_warning(sites, i)));
    }
}

static void tell_cache(const struct parent *parent, const struct generation *before)
{
    if (parent->running->cache != before->cache) {
        LOG_LINE(
            &parent->log, LOG_LEVEL_INFO,
            "the session cache has another size and begins anew: earlier sessions by ID do not "
            "resume",
            LOG_N("bytes", parent->running->cache_bytes));
    }
}

void parent_reload_done(struct parent *parent)
{
    const struct generation *now = parent->running;
    size_t n_sites = 0;

    parent->leaving = 0;
    loop_timer_clear(&parent->deadline);
    for (size_t i = 0; i < now->config->n_listen; i++) {
        n_sites += now->config->listen[i].n_sites;
    }
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "reloaded", LOG_N("generation", now->number),
             LOG_N("workers", now->config->workers), LOG_N("sites", n_sites),
             LOG_N("finishing", parent_n_draining(parent, &parent_worker_kind)));
    parent_manager_ready(parent);
    parent_reload_if_asked(parent);
}

void parent_reload_further(struct parent *parent)
{
    if (parent->leaving != 0 && parent_workers_left(parent, parent->leaving)) {
        parent_reload_done(parent);
    }
}

/*
 * The old workers empty the queues of listeners that are no more; they are their last holders, as
 * ours are closed before they are told.
 */
static void take_place(struct parent *parent)
{
    struct generation *before = parent->running;
    const uint64_t number = before->number;

    parent_workers_accept(parent, parent->coming);
    parent->running = parent->coming;
    end_coming(parent);
    parent_log_follow(parent, parent->running->config);
    parent_log_check(parent);
    tell_listeners(parent, before);
    tell_warnings(parent);
    tell_cache(parent, before);
    parent_keeper_follow(parent, before);
    parent_feeder_leave(parent, before, parent->running->config);
    generation_free(&before, parent->running);
    parent_courier_follow(parent); /* which inherits nothing of what was */
    parent_feeder_follow(parent);
    parent_metrics_reloaded(parent);
    parent_workers_drain(parent, number, parent->running->config->worker_shutdown_timeout_ms);
    parent_workers_hurry(parent);
    parent_metrics_update(parent);
    loop_timer_clear(&parent->look);
    if (parent->running->key_watch != NULL) {
        parent_keys_reload(parent, strsignal(SIGHUP));
        parent_keys_look(&parent->look);
    }
    /* Whoever connects once the log says so is served by the new configuration. */
    parent->leaving = number;
    if (loop_timer_set(parent->loop, &parent->deadline, LEAVE_MS)) {
        parent_reload_further(parent);
    } else {
        parent_reload_done(parent);
    }
}

/* The start is done. */
static void take_first_place(struct parent *parent)
{
    parent_workers_accept(parent, parent->coming);
    parent->running = parent->coming;
    end_coming(parent);
    parent->phase = PARENT_RUNNING;
    tell_listeners(parent, NULL);
    tell_warnings(parent);
    if (parent->running->key_watch != NULL) {
        parent_keys_look(&parent->look);
    }
    parent_beat(&parent->beat);
    parent_courier_follow(parent);
    parent_metrics_update(parent);
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "ready",
             LOG_N("workers", parent->running->config->workers), LOG_N("pid", getpid()));
    predecessor_ready(parent);
    parent_reload_if_asked(parent);
}

/* Its steps. */

void parent_coming_ready(struct parent *parent)
{
    if (parent->stage != PARENT_STAGE_WORKERS || !parent_workers_ready(parent, parent->coming)) {
        return;
    }
    if (parent->running != NULL) {
        take_place(parent);
    } else if (parent_feeder_settled(parent)) {
        take_first_place(parent);
    }
}

/* The keyring has all domains: the sites can be made, and served. */
static void start_workers(struct parent *parent)
{
    struct rp_error err = {""};
    enum rp_status status = generation_open(parent->coming, parent->keyring, &err);

    parent_domains_end(parent);
    parent->stage = PARENT_STAGE_WORKERS;
    if (status == RP_OK) {
        status = parent_workers_start(parent, &err);
    }
    if (status == RP_OK && parent->running == NULL) {
        status = parent_feeder_start(parent, &err);
    }
    if (status != RP_OK) {
        parent_coming_fail(parent, status, &err);
    } else if (parent->coming->config->workers == 0) {
        parent_coming_ready(parent); /* nobody has to become ready */
    }
}

void parent_coming_keeper(struct parent *parent)
{
    struct rp_error err = {""};
    const enum rp_status status = parent_domains_begin(parent, &err);

    parent->stage = PARENT_STAGE_DOMAINS;
    if (status != RP_OK) {
        parent_coming_fail(parent, status, &err);
    } else if (parent_domains_done(parent)) {
        start_workers(parent);
    } else {
        parent_domains_send(parent);
    }
}

void parent_coming_domains(struct parent *parent, const struct message_taken *m)
{
    struct parent_domains *domains = &parent->domains;
    struct rp_error err = {""};

    if (parent->coming == NULL || parent->stage != PARENT_STAGE_DOMAINS || domains->n_sent == 0) {
        return; /* of a reload that was given up */
    }
    if (!m->taken) {
        error_set(&err, "the keeper cannot add the sites' security domains: %.400s", m->why_not);
        parent_coming_fail(parent, RP_SYSTEM, &err);
        return;
    }
    domains->n_taken += domains->n_sent;
    domains->n_sent = 0;
    if (parent_domains_done(parent)) {
        start_workers(parent);
    } else {
        parent_domains_send(parent);
    }
}

void parent_coming_begin(struct parent *parent, struct generation *generation)
{
    struct rp_error err = {"out of memory"};

    parent->coming = generation;
    parent->stage = PARENT_STAGE_KEEPER;
    if (!loop_timer_set(parent->loop, &parent->deadline, PARENT_START_MS)) {
        parent_coming_fail(parent, RP_NO_MEMORY, &err);
    } else if (parent->running != NULL) {
        parent_coming_keeper(parent);
    } else if (parent_has_fleet(parent) && parent_courier_begin(parent, &err) != RP_OK) {
        parent_coming_fail(parent, RP_SYSTEM, &err);
    }
}

/* What was a pipe cannot be read again, and a number such as /dev/fd/3 is another file by now. */
static enum rp_status read_again(const struct parent *parent, struct config **out,
                                 struct rp_error *err)
{
    const char *path = parent->running->config->file;
    struct stat st;

    *out = NULL;
    if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink == 0)) {
        error_set(err, "%s: the configuration cannot be read again, as it is no regular file",
                  path);
        return RP_INVALID;
    }
    return config_read(path, out, err);
}

/* config is taken over, also on failure. */
static enum rp_status make_next(const struct parent *parent, struct config *config,
                                struct generation **out, struct rp_error *err)
{
    const struct generation *now = parent->running;
    enum rp_status status = resources_feeds_prober(config, parent->start->program, err);

    /* A feeder of ours that has not gone yet may have any place. */
    if (status == RP_OK && parent_n_draining(parent, &parent_feeder_kind) == 0) {
        status = resources_feeds_alone(config, now->config, 0, err);
    }
    if (status != RP_OK) {
        config_free(&config);
        return status;
    }
    status = generation_new(config, now, out, err);
    return status == RP_OK ? generation_can_follow(*out, now, err) : status;
}

void parent_reload(struct parent *parent)
{
    struct generation *generation = NULL;
    struct config *config = NULL;
    struct rp_error err = {""};
    enum rp_status status;

    if (parent->phase == PARENT_STARTING || parent->coming != NULL || parent->leaving != 0 ||
        upgrade_is_on(parent)) {
        parent->reload_again = true;
        return;
    }
    if (parent->phase != PARENT_RUNNING) {
        return;
    }
    if (parent->running->config->file == NULL) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, unchanged,
                 LOG_S("reason", "there is no configuration file"));
        return;
    }
    parent_manager_reloading(parent);
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "reloading",
             LOG_S("file", parent->running->config->file));
    status = read_again(parent, &config, &err);
    if (status == RP_OK) {
        status = make_next(parent, config, &generation, &err);
    }
    if (status == RP_OK) {
        parent_coming_begin(parent, generation);
    } else {
        generation_free(&generation, parent->running);
        parent_coming_fail(parent, status, &err);
    }
}
