#include "group.h"

#include "memory.h"

static enum rp_status add_address(size_t **addresses, size_t *n, size_t address)
{
    size_t *list = memory_resize(*addresses, *n, *n + 1, sizeof *list);

    if (list == NULL) {
        return RP_NO_MEMORY;
    }
    list[*n] = address;
    *addresses = list;
    *n += 1;
    return RP_OK;
}

static struct key_group *find_key(struct findings *f, enum mechanism m, const struct key_name *name)
{
    for (size_t i = 0; i < f->n_keys; i++) {
        if (f->keys[i].mechanism == m && key_name_equal(&f->keys[i].name, name)) {
            return &f->keys[i];
        }
    }
    return NULL;
}

static struct key_group *new_key(struct findings *f, enum mechanism m, const struct key_name *name)
{
    struct key_group *keys = memory_resize(f->keys, f->n_keys, f->n_keys + 1, sizeof *keys);

    if (keys == NULL) {
        return NULL;
    }
    f->keys = keys;
    keys[f->n_keys] = (struct key_group){.mechanism = m, .name = *name};
    f->n_keys++;
    return &keys[f->n_keys - 1];
}

enum rp_status group_keys(struct findings *findings, const struct view *view)
{
    for (size_t a = 0; a < view->facts->n; a++) {
        const struct host_view *host = &view->hosts[a];

        for (size_t k = 0; k < host->n_keys; k++) {
            struct key_group *g = find_key(findings, view->mechanism, &host->keys[k]);

            if (g == NULL) {
                g = new_key(findings, view->mechanism, &host->keys[k]);
            }
            if (g == NULL || add_address(&g->addresses, &g->n_addresses, a) != RP_OK) {
                return RP_NO_MEMORY;
            }
            g->stack = g->stack != NULL ? g->stack : host->stack;
        }
    }
    return RP_OK;
}

static bool fits(const struct resume_group *g, const struct view *view, size_t a)
{
    for (size_t i = 0; i < g->n_addresses; i++) {
        if (!view_is_green(view, a, g->addresses[i]) || !view_is_green(view, g->addresses[i], a)) {
            return false;
        }
    }
    return true;
}

static struct resume_group *find_group(struct findings *f, const struct view *view, size_t first,
                                       size_t a)
{
    for (size_t i = first; i < f->n_groups; i++) {
        if (fits(&f->groups[i], view, a)) {
            return &f->groups[i];
        }
    }
    return NULL;
}

static struct resume_group *new_group(struct findings *f, enum mechanism m)
{
    struct resume_group *groups =
        memory_resize(f->groups, f->n_groups, f->n_groups + 1, sizeof *groups);

    if (groups == NULL) {
        return NULL;
    }
    f->groups = groups;
    groups[f->n_groups] = (struct resume_group){.mechanism = m};
    f->n_groups++;
    return &groups[f->n_groups - 1];
}

/* Each address joins the first group all of whose members take its sessions and give it theirs. */
enum rp_status group_resumes(struct findings *findings, const struct view *view)
{
    const size_t first = findings->n_groups;

    for (size_t a = 0; a < view->facts->n; a++) {
        struct resume_group *g;

        if (!view_is_green(view, a, a)) {
            continue;
        }
        g = find_group(findings, view, first, a);
        if (g == NULL) {
            g = new_group(findings, view->mechanism);
        }
        if (g == NULL || add_address(&g->addresses, &g->n_addresses, a) != RP_OK) {
            return RP_NO_MEMORY;
        }
    }
    return RP_OK;
}
