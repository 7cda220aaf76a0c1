#include "parent_state.h"

#include "error.h"
#include "memory.h"
#include "resources.h"

/* RFC 9325 section 3.4 asks for a ticket cipher as strong as the suites that it protects. */
static void remark_short_keys(const struct parent *parent, const struct stek *keys)
{
    for (size_t i = 0; i < parent_generation(parent)->config->session_ticket_key.n; i++) {
        if (keys[i].key_len < sizeof keys[i].aes) {
            LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                     "a session ticket key of 48 bytes means AES-128, also for sessions under "
                     "AES-256; one of 80 bytes is as strong as they are",
                     LOG_S("file", parent_generation(parent)->config->session_ticket_key.items[i]));
        }
    }
}

enum rp_status parent_keys_send(struct parent *parent, struct rp_error *err)
{
    struct stek keys[STATIC_KEYS_MAX];
    uint8_t body[MESSAGE_STATIC_KEYS_MAX];
    enum rp_status status;

    key_watch_mark(parent_generation(parent)->key_watch);
    status = resources_read_keys(parent_generation(parent)->config, keys, err);
    if (status == RP_OK) {
        remark_short_keys(parent, keys);
    }
    if (status == RP_OK) {
        const size_t n = message_static_keys_encode(
            keys, parent_generation(parent)->config->session_ticket_key.n, body);

        if (parent->keeper->channel == NULL ||
            !channel_send(parent->keeper->channel, CHANNEL_STATIC_KEYS, body, n)) {
            /* Its successor gets them. */
            child_kill(parent->keeper);
            error_set(err, "the keeper does not take messages and is killed");
            status = RP_SYSTEM;
        }
    }
    memory_wipe(keys, sizeof keys);
    memory_wipe(body, sizeof body);
    return status;
}

void parent_keys_reload(struct parent *parent, const char *why)
{
    struct rp_error err;

    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "reading the key files again", LOG_S("reason", why));
    if (!parent->keeper->ready || parent->keeper->channel == NULL) {
        return; /* it, or its successor, gets them when it is ready */
    }
    if (parent_keys_send(parent, &err) != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the keys stay as they were",
                 LOG_S("reason", err.text));
    }
}

void parent_keys_taken(struct parent *parent, const struct message_taken *m)
{
    if (parent->phase == PARENT_STARTING && parent->stage == PARENT_STAGE_KEEPER) {
        struct rp_error err;

        if (m->taken) {
            parent_coming_keeper(parent);
        } else {
            error_set(&err, "the keeper refuses the key files: %.450s", m->why_not);
            parent_coming_fail(parent, RP_WEAK_KEY, &err);
        }
    } else if (m->taken) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "the keys of the files are in use",
                 LOG_N("keys", parent_generation(parent)->config->session_ticket_key.n));
    } else {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the keys stay as they were",
                 LOG_S("reason", m->why_not));
    }
}

void parent_keys_look(struct loop_timer *timer)
{
    struct parent *parent = (struct parent *)((char *)timer - offsetof(struct parent, look));

    if (parent->phase != PARENT_RUNNING) {
        return;
    }
    if (key_watch_changed(parent_generation(parent)->key_watch)) {
        parent_keys_reload(parent, "a file changed");
    }
    if (!loop_timer_set(parent->loop, timer, KEY_WATCH_INTERVAL_MS)) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the key files are not watched any more",
                 LOG_S("reason", "out of memory"));
    }
}
