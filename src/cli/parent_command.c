#include "parent_command.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "parent_folder.h"
#include "parent_state.h"
#include "resources_feeds.h"
#include "text.h"

#define RELOAD_GAP_MS 1000 /* from one start to the next */
#define VERIFY_GAP_MS 100
#define WRITE_GAP_MS 100
#define VERIFY_TIMEOUT_MS 8000
#define VERIFY_WORDS_MAX 16
#define KEY_TEXT_SIZE (sizeof "key=" + 32)

/* What a command is made of, until it was forked. */
struct words {
    char program[COMMAND_PATH_SIZE];
    char key[KEY_TEXT_SIZE];
    const char **argv; /* NULL at the end */
};

static bool make_reload(const struct config_feed *feed, struct words *words)
{
    words->argv = memory_new(feed->reload.n + 1, sizeof *words->argv);
    if (words->argv == NULL || !command_find(feed->reload.items[0], words->program)) {
        return false;
    }
    for (size_t i = 1; i < feed->reload.n; i++) {
        words->argv[i] = feed->reload.items[i];
    }
    words->argv[0] = words->program;
    return true;
}

static bool make_verify(const struct parent *parent, const struct config_feed *feed,
                        const uint8_t key[static 16], struct words *words)
{
    struct text t = text_of(words->key, sizeof words->key);
    size_t n = 0;

    words->argv = memory_new(VERIFY_WORDS_MAX, sizeof *words->argv);
    if (words->argv == NULL ||
        !command_find_beside(parent->start->program, RESOURCES_PROBER, words->program)) {
        return false;
    }
    text_add(&t, "key=");
    text_add_hex(&t, key, 16);
    words->argv[n++] = words->program;
    words->argv[n++] = "probe";
    words->argv[n++] = "--expect";
    words->argv[n++] = words->key;
    words->argv[n++] = "--timeout";
    words->argv[n++] = "2s";
    if (feed->verify_name != NULL) {
        words->argv[n++] = "--sni";
        words->argv[n++] = feed->verify_name;
    }
    words->argv[n++] = "--";
    words->argv[n++] = feed->verify;
    return true;
}

static void answer(const struct parent *parent, const struct message_feed_ran *m)
{
    uint8_t body[MESSAGE_FEED_RAN_MAX];

    if (parent->feeder != NULL && parent->feeder->channel != NULL &&
        !channel_send(parent->feeder->channel, CHANNEL_FEED_RAN, body,
                      message_feed_ran_encode(m, body))) {
        child_kill(parent->feeder);
    }
}

static void tell_end(const struct parent *parent, const struct message_feed_run *order,
                     const struct command_result *result)
{
    struct message_feed_ran m = {.feed = order->feed,
                                 .what = order->what,
                                 .how = (enum message_feed_end)result->how,
                                 .value = (uint32_t)result->value};
    struct text t = text_of(m.words, sizeof m.words);

    text_add(&t, result->line);
    parent_folder_note(parent, order->feed,
                       order->what == MESSAGE_FEED_VERIFY && result->how == COMMAND_EXITED &&
                           result->value == 0);
    answer(parent, &m);
}

_Static_assert((int)MESSAGE_FEED_EXITED == COMMAND_EXITED &&
                   (int)MESSAGE_FEED_KILLED == COMMAND_KILLED &&
                   (int)MESSAGE_FEED_TIMED_OUT == COMMAND_TIMED_OUT &&
                   (int)MESSAGE_FEED_NOT_STARTED == COMMAND_NOT_STARTED,
               "one says what the other knows");

static void done(struct command *command, const struct command_result *result)
{
    struct parent_command *c =
        (struct parent_command *)((char *)command - offsetof(struct parent_command, command));

    tell_end(c->parent, &c->order, result);
}

/* Why there was nothing to start. */
static void explain(const struct config_feed *feed, bool is_reload, bool had_memory,
                    struct command_result *out)
{
    *out =
        (struct command_result){.how = COMMAND_NOT_STARTED, .value = had_memory ? ENOENT : ENOMEM};
    if (had_memory) {
        struct text t = text_of(out->line, sizeof out->line);

        text_addf(&t, "%.100s must be %s, and executable",
                  is_reload ? feed->reload.items[0] : RESOURCES_PROBER,
                  is_reload ? "there, or in PATH" : "beside reprised, or in PATH");
    }
}

static void start_command(struct parent_command *c)
{
    struct parent *parent = c->parent;
    const struct generation *generation = parent_generation(parent);
    const struct config_feed *feed = &generation->config->feeds[c->order.feed];
    const bool is_reload = c->order.what == MESSAGE_FEED_RELOAD;
    struct words words = {.argv = NULL};
    struct command_order order = {.is_confined = !is_reload && geteuid() != 0};
    struct command_result result;
    const bool is_made =
        is_reload ? make_reload(feed, &words) : make_verify(parent, feed, c->order.key, &words);

    order.argv = (char *const *)words.argv;
    order.timeout_ms = is_reload ? feed->reload_timeout_ms : VERIFY_TIMEOUT_MS;
    if (!is_reload) {
        order.account = parent_account(parent, &generation->privileges.feeder);
        order.only_errors = true; /* the prober's report is long, what is not as expected a line */
    }
    if (!is_made) {
        explain(feed, is_reload, words.argv != NULL, &result);
        tell_end(parent, &c->order, &result);
    } else if (!command_start(&c->command, parent->loop, &order, done, &result)) {
        tell_end(parent, &c->order, &result);
    }
    memory_free(words.argv);
}

static void start(struct parent_command *c)
{
    struct message_feed_ran m = {.feed = c->order.feed, .what = c->order.what};

    c->started_ms[c->order.what] = loop_now_ms(c->parent->loop);
    if (c->order.what != MESSAGE_FEED_WRITE) {
        start_command(c);
        return;
    }
    parent_folder_write(c->parent, c->order.feed, &m);
    answer(c->parent, &m);
}

static void start_due(struct loop_timer *timer)
{
    start((struct parent_command *)timer);
}

static bool has(const struct config_feed *feed, enum message_feed_command what)
{
    switch (what) {
    case MESSAGE_FEED_RELOAD:
        return feed->reload.n != 0;
    case MESSAGE_FEED_VERIFY:
        return feed->verify != NULL;
    case MESSAGE_FEED_WRITE:
        break;
    }
    return feed_is_configuration(feed);
}

bool parent_command_run(struct parent *parent, const struct message_feed_run *order)
{
    static const int64_t gaps_ms[MESSAGE_FEED_COMMANDS] = {[MESSAGE_FEED_RELOAD] = RELOAD_GAP_MS,
                                                           [MESSAGE_FEED_VERIFY] = VERIFY_GAP_MS,
                                                           [MESSAGE_FEED_WRITE] = WRITE_GAP_MS};
    const struct config *config = parent_generation(parent)->config;
    struct parent_command *c = &parent->commands[order->feed];
    int64_t wait_ms;

    if (order->feed >= config->n_feeds || command_runs(&c->command) || c->start.place != 0 ||
        !has(&config->feeds[order->feed], order->what)) {
        return false;
    }
    c->parent = parent;
    c->order = *order;
    c->start.due = start_due;
    wait_ms = c->started_ms[order->what] + gaps_ms[order->what] - loop_now_ms(parent->loop);
    if (wait_ms <= 0 || c->started_ms[order->what] == 0) {
        start(c);
        return true;
    }
    return loop_timer_set(parent->loop, &c->start, wait_ms);
}

bool parent_command_ended(struct parent *parent, pid_t pid, int wait_status)
{
    for (size_t i = 0; i < CONFIG_FEEDS_MAX; i++) {
        if (command_ended(&parent->commands[i].command, pid, wait_status)) {
            return true;
        }
    }
    return false;
}

void parent_commands_stop(struct parent *parent)
{
    for (size_t i = 0; i < CONFIG_FEEDS_MAX; i++) {
        command_stop(&parent->commands[i].command);
        loop_timer_clear(&parent->commands[i].start);
    }
}
