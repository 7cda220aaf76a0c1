#include "parent_folder.h"

#include "parent_state.h"
#include "text.h"

/* As it is, or anew. */
static enum rp_status begin(struct parent *parent, const struct generation *generation, size_t feed)
{
    struct feed_writer *writer = &parent->folders[feed];

    return writer->config != NULL ? RP_OK
                                  : feed_writer_init(writer, &generation->config->feeds[feed],
                                                     generation->privileges.feed_groups[feed]);
}

/* Memory for the keys is made and wiped each time: the parent lives long, and forks. */
static enum rp_status write_files(struct parent *parent, size_t feed, bool *changed,
                                  struct rp_error *why)
{
    struct feed_writer *writer = &parent->folders[feed];
    struct feed_source source = {0};
    enum rp_status status = feed_source_init(&source, parent->keyring);

    if (status == RP_OK) {
        status = feed_writer_plan(writer, &source, why);
    }
    if (status == RP_OK) {
        status = feed_writer_put(writer, &source, changed, why);
    }
    feed_source_fini(&source);
    return status;
}

static uint32_t value_of(const struct feed_writer *writer, bool changed)
{
    if (changed) {
        return MESSAGE_FEED_CHANGED;
    }
    return feed_lock_noted(&writer->lock) ? MESSAGE_FEED_SEEN : MESSAGE_FEED_UNCHANGED;
}

void parent_folder_write(struct parent *parent, size_t feed, struct message_feed_ran *out)
{
    struct text words = text_of(out->words, sizeof out->words);
    struct rp_error why = {""};
    bool changed = false;
    enum rp_status status = begin(parent, parent_generation(parent), feed);

    if (status == RP_OK) {
        status = write_files(parent, feed, &changed, &why);
    }
    if (status == RP_OK) {
        out->how = MESSAGE_FEED_EXITED;
        out->value = value_of(&parent->folders[feed], changed);
        return;
    }
    out->how = MESSAGE_FEED_NOT_WRITTEN;
    text_add(&words, why.text[0] != '\0' ? why.text : rp_status_text(status));
}

void parent_folder_note(const struct parent *parent, size_t feed, bool seen)
{
    feed_lock_note(&parent->folders[feed].lock, seen);
}

void parent_folder_clear(struct parent *parent, const struct generation *now, size_t feed)
{
    struct feed_source source = {0};
    struct rp_error why = {""};
    enum rp_status status = begin(parent, now, feed);

    if (status == RP_OK) {
        status = feed_source_init(&source, parent->keyring);
    }
    if (status == RP_OK) {
        status = feed_writer_clear(&parent->folders[feed], &source, &why);
    }
    feed_source_fini(&source);
    if (status != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "keys of a feed may be left in its files",
                 LOG_S("feed", now->config->feeds[feed].name),
                 LOG_S("reason", why.text[0] != '\0' ? why.text : rp_status_text(status)));
    }
}

void parent_folders_leave(struct parent *parent)
{
    for (size_t i = 0; i < CONFIG_FEEDS_MAX; i++) {
        feed_writer_fini(&parent->folders[i]);
    }
}
