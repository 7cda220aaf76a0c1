#include "feed_writer.h"

#include <string.h>

#include <reprise/clock.h>

#include "error.h"
#include "feed_files.h"
#include "memory.h"
#include "window.h"

/* What it is made from. */

enum rp_status feed_source_init(struct feed_source *source, const struct rp_keyring *keyring)
{
    const enum rp_status status = window_keys_new(keyring, &source->listed);

    source->keyring = keyring;
    source->keys = memory_new(1, sizeof *source->keys);
    return status == RP_OK && source->keys == NULL ? RP_NO_MEMORY : status;
}

void feed_source_wipe(struct feed_source *source)
{
    feed_keys_wipe(source->keys);
    memory_wipe(source->listed->keys, source->listed->n * sizeof *source->listed->keys);
    source->listed->n = 0;
}

void feed_source_fini(struct feed_source *source)
{
    window_keys_free(&source->listed);
    if (source->keys != NULL) {
        feed_keys_wipe(source->keys);
    }
    memory_free(source->keys);
    *source = (struct feed_source){0};
}

/* Planning and writing. */

static const struct feed_kind *kind_of(const struct config_feed *feed)
{
    return feed_kind_find(config_feed_word(feed->server));
}

bool feed_is_configuration(const struct config_feed *feed)
{
    const struct feed_kind *kind = kind_of(feed);

    return kind != NULL && kind->is_configuration;
}

enum rp_status feed_writer_init(struct feed_writer *writer, const struct config_feed *config,
                                gid_t group)
{
    const struct feed_kind *kind = kind_of(config);
    struct feed_needs needs;

    *writer = (struct feed_writer){0};
    if (kind == NULL ||
        !feed_needs(kind, (enum key_format)config->format, config->is_short, &needs)) {
        return RP_NOT_FOUND;
    }
    writer->config = config;
    writer->kind = kind;
    writer->needs = needs;
    writer->folder = (struct feed_folder){.path = config->folder,
                                          .group = group,
                                          .may_reach_disk = config->keys_may_reach_disk,
                                          .only = config->prefix,
                                          .is_read_once = kind->lead_ms != 0};
    return RP_OK;
}

void feed_writer_fini(struct feed_writer *writer)
{
    feed_lock_release(&writer->lock);
    *writer = (struct feed_writer){0};
}

enum rp_status feed_writer_plan(struct feed_writer *writer, struct feed_source *source,
                                struct rp_error *why)
{
    enum rp_status status = RP_NOT_FOUND;

    if (!writer->has_domain) {
        writer->has_domain =
            window_domain(source->keyring, writer->config->domain_id, &writer->domain);
    }
    if (writer->has_domain && window_keys_list(source->keyring, writer->domain, source->listed)) {
        status = feed_plan(&writer->needs, source->listed, source->offset_ms, source->keys);
    }
    if (status != RP_OK) {
        error_set(why, status == RP_NOT_FOUND ? "there is no key yet" : "no keys: %s",
                  rp_status_text(status));
    }
    return status;
}

/* The keys that are planned, as files. */
static enum rp_status make_files(const struct feed_writer *writer, const struct feed_source *source,
                                 struct feed_files *files, struct rp_error *why)
{
    const struct feed_target target = {.folder = writer->config->folder,
                                       .file = writer->config->prefix,
                                       .format = (enum key_format)writer->config->format,
                                       .now_s = rp_clock_wall_s(NULL)};
    const enum rp_status status = feed_make_files(writer->kind, source->keys, &target, files);

    if (status != RP_OK) {
        error_set(why, "the keys do not make files: %s", rp_status_text(status));
    }
    return status;
}

/* As many files as there would be, of keys that nobody else has. */
static enum rp_status throw_away(const struct feed_writer *writer, const struct feed_source *source,
                                 struct rp_error *why)
{
    struct feed_files files = {0};
    bool changed;
    enum rp_status status = make_files(writer, source, &files, why);

    if (status == RP_OK) {
        feed_files_throw_away(&files);
        status = feed_folder_put(&writer->folder, &files, &changed, why);
    }
    feed_files_fini(&files);
    return status;
}

static bool is_planned(const struct feed_keys *keys, const uint8_t name[static 16])
{
    for (size_t i = 0; i < keys->n; i++) {
        if (memcmp(keys->keys[i].stek.name, name, sizeof keys->keys[i].stek.name) == 0) {
            return true;
        }
    }
    return false;
}

/* By the files seals the key that does in the plan, or an earlier one. */
static void remember(struct feed_writer *writer, const struct feed_source *source)
{
    memcpy(writer->seals, source->keys->keys[0].stek.name, sizeof writer->seals);
    writer->held = FEED_HELD_KEYS;
}

/*
 * Swap that was turned on, or another file system at the place, since the parent looked. No key is
 * written from now on. Those that are there serve as long as the last that sealed is in the window.
 */
static enum rp_status check_memory(struct feed_writer *writer, const struct feed_source *source,
                                   struct rp_error *why)
{
    struct rp_error unsaid = {""};
    const enum rp_status status =
        writer->folder.may_reach_disk ? RP_OK : feed_folder_check(&writer->folder, why);

    if (status != RP_OK && writer->held == FEED_HELD_UNKNOWN) {
        remember(writer, source);
    } else if (status != RP_OK && writer->held == FEED_HELD_KEYS &&
               !is_planned(source->keys, writer->seals) &&
               throw_away(writer, source, &unsaid) == RP_OK) {
        writer->held = FEED_HELD_THROWAWAY;
    }
    return status;
}

static enum rp_status write_files(struct feed_writer *writer, const struct feed_source *source,
                                  bool *changed, struct rp_error *why)
{
    const bool was_noted = feed_lock_noted(&writer->lock);
    struct feed_files files = {0};
    enum rp_status status = make_files(writer, source, &files, why);

    feed_lock_note(&writer->lock, false); /* for who is killed here */
    if (status == RP_OK) {
        status = feed_folder_put(&writer->folder, &files, changed, why);
    }
    feed_lock_note(&writer->lock, status == RP_OK && !*changed && was_noted);
    feed_files_fini(&files);
    return status;
}

enum rp_status feed_writer_put(struct feed_writer *writer, const struct feed_source *source,
                               bool *changed, struct rp_error *why)
{
    enum rp_status status = feed_lock_take(&writer->lock, &writer->folder, why);

    *changed = false;
    if (status == RP_OK) {
        status = check_memory(writer, source, why);
    }
    if (status == RP_OK) {
        remember(writer, source);
        status = write_files(writer, source, changed, why);
    }
    return status;
}

enum rp_status feed_writer_clear(struct feed_writer *writer, struct feed_source *source,
                                 struct rp_error *why)
{
    enum rp_status status = feed_lock_take(&writer->lock, &writer->folder, why);

    if (status == RP_INVALID) {
        return RP_OK; /* what is there is another's */
    }
    feed_lock_note(&writer->lock, false);
    status = feed_writer_plan(writer, source, why);
    if (status == RP_OK) {
        status = throw_away(writer, source, why);
    }
    if (status != RP_OK) {
        status = feed_folder_clear(&writer->folder, why);
    }
    feed_source_wipe(source);
    return status;
}
