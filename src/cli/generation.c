#include "generation.h"

#include <string.h>

#include "error.h"
#include "memory.h"
#include "resources.h"
#include "resources_feeds.h"

static enum rp_status make_cache(struct generation *g, const struct generation *before,
                                 struct rp_error *err)
{
    g->cache_bytes = resources_cache_bytes(g->config);
    if (before != NULL && before->cache_bytes == g->cache_bytes) {
        g->cache = before->cache;
        return RP_OK;
    }
    return resources_cache(g->config, &g->cache, err);
}

static enum rp_status make_key_watch(struct generation *g, struct rp_error *err)
{
    const struct config_strings *paths = &g->config->session_ticket_key;
    const enum rp_status status = paths->n != 0 ? key_watch_new(paths, &g->key_watch) : RP_OK;

    if (status != RP_OK) {
        error_set(err, "%s", rp_status_text(status));
    }
    return status;
}

enum rp_status generation_new(struct config *config, const struct generation *before,
                              struct generation **out, struct rp_error *err)
{
    struct generation *g = memory_new(1, sizeof *g);
    enum rp_status status;

    *out = NULL;
    if (g == NULL) {
        error_set(err, "out of memory");
        config_free(&config);
        return RP_NO_MEMORY;
    }
    g->number = before != NULL ? before->number + 1 : 1;
    g->config = config; /* transferred */
    status = privileges_plan(config, &g->privileges, err);
    if (status == RP_OK) {
        status = resources_check_keys(config, err);
    }
    if (status == RP_OK) {
        status = resources_fleet(config, &g->secrets, err);
    }
    if (status == RP_OK) {
        status = resources_feeds(config, &g->privileges, true, err);
    }
    if (status == RP_OK) {
        status = make_key_watch(g, err);
    }
    if (status == RP_OK) {
        status = make_cache(g, before, err);
    }
    if (status == RP_OK) {
        status =
            listening_open(config, before != NULL ? before->listening : NULL, &g->listening, err);
    }
    if (status == RP_OK) {
        status = admin_sockets_open(config, before != NULL ? before->admin : NULL, &g->admin, err);
    }
    if (status == RP_OK) {
        *out = g;
        g = NULL; /* transferred */
    }
    generation_free(&g, before);
    return status;
}

static bool same_keeper(const struct privileges *a, const struct privileges *b)
{
    return a->remark == b->remark && a->keeper.uid == b->keeper.uid &&
           a->keeper.gid == b->keeper.gid;
}

/* What keeps a reload from leading to next; NULL: nothing. */
static const char *obstacle(const struct generation *next, const struct generation *before,
                            struct config_place *place)
{
    const struct config *config = next->config;
    const bool is_static = config->session_ticket_key.n != 0;

    *place = config->session_ticket_key.place;
    if (is_static != (before->config->session_ticket_key.n != 0)) {
        return is_static ? "session_ticket_key was added" : "session_ticket_key was removed";
    }
    *place = config->rotate_place;
    if (!is_static && config->rotate_ms != before->config->rotate_ms) {
        return "fleet.rotate changed";
    }
    *place = config->accept_place;
    if (!is_static && config->accept_ms != before->config->accept_ms) {
        return "fleet.accept changed";
    }
    *place = config->fleet.store_place;
    if ((config->fleet.store != NULL) != (before->config->fleet.store != NULL)) {
        return config->fleet.store != NULL ? "fleet.store was added" : "fleet.store was removed";
    }
    *place = config->user_place;
    return same_keeper(&next->privileges, &before->privileges)
               ? NULL
               : "the keeper would run as another user";
}

enum rp_status generation_can_follow(const struct generation *next, const struct generation *before,
                                     struct rp_error *err)
{
    struct config_place place;
    const char *what = obstacle(next, before, &place);

    if (what == NULL) {
        return RP_OK;
    }
    config_complain(next->config, place, err,
                    "%s, which takes a restart, or SIGUSR2 to keep the connections", what);
    return RP_INVALID;
}

enum rp_status generation_open(struct generation *generation, struct rp_keyring *keyring,
                               struct rp_error *err)
{
    return sites_new(generation->config, keyring, generation->cache, &generation->sites, err);
}

void generation_free(struct generation **out, const struct generation *heir)
{
    struct generation *g = *out;

    *out = NULL;
    if (g == NULL) {
        return;
    }
    sites_free(&g->sites);
    if (heir == NULL || heir->cache != g->cache) {
        rp_cache_free(&g->cache);
    }
    listening_free(&g->listening, heir != NULL ? heir->listening : NULL);
    admin_sockets_free(&g->admin, heir != NULL ? heir->admin : NULL);
    key_watch_free(&g->key_watch);
    fleet_secrets_fini(&g->secrets);
    config_free(&g->config);
    memory_free(g);
}

void generation_forget(struct generation *generation, const struct generation *heir)
{
    sites_free(&generation->sites);
    if (heir == NULL || heir->cache != generation->cache) {
        rp_cache_free(&generation->cache);
    }
}
