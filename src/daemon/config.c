#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "config_directives.h"
#include "config_table.h"
#include "error.h"
#include "memory.h"
#include "text.h"

/* Freeing. */

static void free_strings(struct config_strings *strings)
{
    for (size_t i = 0; i < strings->n; i++) {
        memory_free(strings->items[i]);
    }
    memory_free(strings->items);
}

static void free_site(struct config_site *site)
{
    memory_free(site->name);
    free_strings(&site->certificates);
    free_strings(&site->keys);
    free_strings(&site->staples);
    free_strings(&site->client.ca);
    free_strings(&site->client.crl);
    memory_free(site->domain);
    memory_free(site->domain_id);
}

static void free_listen(struct config_listen *listen)
{
    memory_free(listen->address);
    memory_free(listen->backend);
    free_strings(&listen->accept_proxy);
    free_strings(&listen->alpn);
    memory_free(listen->ciphers);
    memory_free(listen->ciphersuites);
    memory_free(listen->groups);
    for (size_t i = 0; listen->sites != NULL && i < listen->n_sites; i++) {
        free_site(&listen->sites[i]);
    }
    memory_free(listen->sites);
}

static void free_feed(struct config_feed *feed)
{
    memory_free(feed->name);
    memory_free(feed->domain);
    memory_free(feed->domain_id);
    memory_free(feed->files);
    memory_free(feed->file);
    memory_free(feed->folder);
    memory_free(feed->socket);
    free_strings(&feed->reload);
    memory_free(feed->group);
    memory_free(feed->verify);
    memory_free(feed->verify_name);
}

void config_free(struct config **out)
{
    struct config *config = *out;

    *out = NULL;
    if (config == NULL) {
        return;
    }
    memory_free(config->file);
    memory_free(config->user);
    free_strings(&config->session_ticket_key);
    free_strings(&config->admin);
    memory_free(config->log_to);
    memory_free(config->fleet.name);
    if (config->fleet.store != NULL) {
        memory_wipe(config->fleet.store, strlen(config->fleet.store)); /* and its password */
    }
    memory_free(config->fleet.store);
    memory_free(config->fleet.secret);
    memory_free(config->fleet.host);
    memory_free(config->fleet.address);
    for (size_t i = 0; i < config->n_listen; i++) {
        free_listen(&config->listen[i]);
    }
    memory_free(config->listen);
    for (size_t i = 0; i < config->n_feeds; i++) {
        free_feed(&config->feeds[i]);
    }
    memory_free(config->feeds);
    memory_free(config);
}

/* Complaints. */

void config_complainv(const struct config *config, struct config_place place, struct rp_error *err,
                      const char *format, va_list args)
{
    struct text t;

    if (err == NULL) {
        return;
    }
    t = text_of(err->text, sizeof err->text);
    if (config->file != NULL) {
        text_addf(&t, "%s:", config->file);
        if (place.line != 0) {
            text_addf(&t, "%u:%u:", place.line, place.column);
        }
        text_add_char(&t, ' ');
    }
    text_addv(&t, format, args);
}

void config_complain(const struct config *config, struct config_place place, struct rp_error *err,
                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    config_complainv(config, place, err, format, args);
    va_end(args);
}

/* Domains. */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum rp_status config_domains(const struct config *config, const char ***out, size_t *n)
{
    size_t n_all = config->n_feeds;
    const char **names;

    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < config->n_listen; i++) {
        n_all += config->listen[i].n_sites;
    }
    names = memory_new(n_all, sizeof *names);
    if (names == NULL) {
        return RP_NO_MEMORY;
    }
    n_all = 0;
    for (size_t i = 0; i < config->n_listen; i++) {
        for (size_t j = 0; j < config->listen[i].n_sites; j++) {
            names[n_all++] = config->listen[i].sites[j].domain_id;
        }
    }
    for (size_t i = 0; i < config->n_feeds; i++) {
        names[n_all++] = config->feeds[i].domain_id;
    }
    if (n_all != 0) {
        qsort(names, n_all, sizeof *names, compare_strings);
    }
    for (size_t i = 0; i < n_all; i++) {
        if (i == 0 || strcmp(names[i], names[*n - 1]) != 0) {
            names[(*n)++] = names[i];
        }
    }
    *out = names;
    return RP_OK;
}

/* Reading. */

static struct config *new_config(const char *file)
{
    struct config *config = memory_new(1, sizeof *config);

    if (config == NULL) {
        return NULL;
    }
    config_defaults(config);
    if (file != NULL) {
        config->file = memory_string(file);
        if (config->file == NULL) {
            config_free(&config);
        }
    }
    return config;
}

enum rp_status config_parse(const char *name, const char *text, size_t n, struct config **out,
                            struct rp_error *err)
{
    struct config_walk walk = {.config = new_config(name), .err = err};
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    error_clear(err);
    if (walk.config != NULL) {
        status = config_yaml_open(&walk.yaml, walk.config, text, n, err);
        if (status == RP_OK) {
            status = config_table_walk(&walk, config_directives(), walk.config);
        }
        config_yaml_close(&walk.yaml);
    }
    if (status == RP_OK) {
        *out = walk.config; /* transferred */
        walk.config = NULL;
    } else if (status == RP_NO_MEMORY) {
        error_set(err, "%s: out of memory", name);
    }
    config_free(&walk.config);
    return status;
}

/* The whole file, or one byte more than it may have. */
static enum rp_status read_file(const char *path, char **out, size_t *n, struct rp_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = memory_new(CONFIG_BYTES_MAX + 1, 1);
    enum rp_status status = RP_SYSTEM;
    ssize_t got = -1;

    *n = 0;
    if (text == NULL) {
        error_set(err, "%s: out of memory", path);
        status = RP_NO_MEMORY;
        goto done;
    }
    if (fd >= 0) {
        while ((got = read(fd, text + *n, CONFIG_BYTES_MAX + 1 - *n)) > 0) {
            *n += (size_t)got;
        }
    }
    if (got < 0) {
        error_set(err, "%s: the configuration cannot be read: %s", path, strerror(errno));
        goto done;
    }
    *out = text; /* transferred */
    text = NULL;
    status = RP_OK;
done:
    memory_free(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

enum rp_status config_read(const char *path, struct config **out, struct rp_error *err)
{
    char *text = NULL;
    size_t n;
    enum rp_status status;

    *out = NULL;
    status = read_file(path, &text, &n, err);
    if (status == RP_OK) {
        status = config_parse(path, text, n, out, err);
        memory_wipe(text, n);
    }
    memory_free(text);
    return status;
}

enum rp_status config_default(const char *address, struct config **out, struct rp_error *err)
{
    struct config *config = new_config(NULL);
    enum rp_status status = RP_NO_MEMORY;
    struct config_listen *listen;
    struct address parsed;

    *out = NULL;
    error_clear(err);
    if (config == NULL) {
        goto done;
    }
    if (!address_parse(address, &parsed)) {
        error_set(err, "\"%s\" is no address; write one such as 127.0.0.1:8443 or [::1]:8443",
                  address);
        status = RP_INVALID;
        goto done;
    }
    config->listen = memory_new(1, sizeof *config->listen);
    if (config->listen == NULL) {
        goto done;
    }
    config->n_listen = 1;
    listen = &config->listen[0];
    config_listen_defaults(listen);
    listen->address = memory_string(address);
    listen->sites = memory_new(1, sizeof *listen->sites);
    if (listen->address == NULL || listen->sites == NULL) {
        goto done;
    }
    listen->n_sites = 1;
    listen->sites[0].domain_id = memory_string("site:");
    if (listen->sites[0].domain_id == NULL) {
        goto done;
    }
    *out = config; /* transferred */
    config = NULL;
    status = RP_OK;
done:
    if (status == RP_NO_MEMORY) {
        error_set(err, "out of memory");
    }
    config_free(&config);
    return status;
}
