/*
 * A store in somebody's hand: store_tool URL. Commands come by lines, answers go out by lines, in
 * the order in which they come in. Values are text without spaces.
 *
 *     put BOX NAME VALUE LIFETIME_MS | claim BOX NAME VALUE LIFETIME_MS | delete BOX NAME
 *     get BOX NAME | list BOX MOST | watch BOX
 *
 * Answers: "done OK", "got OK NAME VALUE", "listed OK N TOTAL NAME=VALUE...", "arrived NAME VALUE",
 * "up", "down WHY". It ends with its input, after the last answer.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/clock.h>

#include "number.h"
#include "store.h"

#define LINE_SIZE 65536
#define WORDS_MAX 6

struct tool {
    struct store *store;
    char line[LINE_SIZE];
    size_t n;
    unsigned long n_open;
    bool ended;
};

static const char *status_text(enum store_status status)
{
    static const char *const texts[] = {"OK", "TAKEN", "ABSENT", "DOWN", "BUSY", "FULL"};

    return texts[status];
}

static void on_changed(void *cookie)
{
    (void)cookie;
}

static void on_state(void *cookie, bool up, const char *why)
{
    (void)cookie;
    (void)printf("%s%s%s\n", up ? "up" : "down", why != NULL ? " " : "", why != NULL ? why : "");
}

static void on_arrived(void *cookie, const struct store_entry *entry)
{
    (void)cookie;
    (void)printf("arrived %s %.*s\n", entry->name, (int)entry->len, (const char *)entry->value);
}

static void on_done(void *cookie, enum store_status status)
{
    ((struct tool *)cookie)->n_open--;
    (void)printf("done %s\n", status_text(status));
}

static void on_got(void *cookie, enum store_status status, const struct store_entry *entry)
{
    ((struct tool *)cookie)->n_open--;
    (void)printf("got %s", status_text(status));
    if (entry != NULL) {
        (void)printf(" %s %.*s", entry->name, (int)entry->len, (const char *)entry->value);
    }
    (void)printf("\n");
}

static void on_listed(void *cookie, enum store_status status, const struct store_entry *entries,
                      size_t n, size_t total)
{
    ((struct tool *)cookie)->n_open--;
    (void)printf("listed %s %zu %zu", status_text(status), n, total);
    for (size_t i = 0; i < n; i++) {
        (void)printf(" %s=%.*s", entries[i].name, (int)entries[i].len,
                     (const char *)entries[i].value);
    }
    (void)printf("\n");
}

static void put(struct tool *tool, char *const *words, bool claim)
{
    const uint8_t *const value = (const uint8_t *)words[3];
    uint64_t lifetime_ms;

    if (!number_parse(words[4], 1000000000, &lifetime_ms)) {
        (void)printf("usage\n");
        return;
    }
    tool->n_open++;
    (claim ? store_put_if_absent : store_put)(tool->store, words[1], words[2], value,
                                              strlen(words[3]), (int64_t)lifetime_ms, on_done,
                                              tool);
}

static void obey(struct tool *tool, char *const *words, size_t n)
{
    uint64_t most;

    if (n == 5 && strcmp(words[0], "put") == 0) {
        put(tool, words, false);
    } else if (n == 5 && strcmp(words[0], "claim") == 0) {
        put(tool, words, true);
    } else if (n == 3 && strcmp(words[0], "delete") == 0) {
        tool->n_open++;
        store_delete(tool->store, words[1], words[2], on_done, tool);
    } else if (n == 3 && strcmp(words[0], "get") == 0) {
        tool->n_open++;
        store_get(tool->store, words[1], words[2], on_got, tool);
    } else if (n == 3 && strcmp(words[0], "list") == 0 &&
               number_parse(words[2], STORE_LIST_MAX, &most)) {
        tool->n_open++;
        store_list(tool->store, words[1], most, on_listed, tool);
    } else if (n == 2 && strcmp(words[0], "watch") == 0) {
        store_watch(tool->store, words[1]);
    } else {
        (void)printf("usage\n");
    }
}

static void take_line(struct tool *tool, char *line)
{
    char *words[WORDS_MAX];
    size_t n = 0;

    for (char *at = line; n < WORDS_MAX && *at != '\0';) {
        const size_t len = strcspn(at, " ");
        const bool last = at[len] == '\0';

        words[n++] = at;
        at[len] = '\0';
        at += last ? len : len + 1;
    }
    obey(tool, words, n);
}

static void read_lines(struct tool *tool)
{
    const ssize_t got = read(STDIN_FILENO, tool->line + tool->n, sizeof tool->line - tool->n);
    char *end;

    if (got <= 0) {
        tool->ended = true;
        return;
    }
    tool->n += (size_t)got;
    while ((end = memchr(tool->line, '\n', tool->n)) != NULL) {
        const size_t len = (size_t)(end - tool->line) + 1;

        *end = '\0';
        take_line(tool, tool->line);
        tool->n -= len;
        memmove(tool->line, tool->line + len, tool->n);
    }
    tool->ended = tool->n == sizeof tool->line;
}

static void turn(struct tool *tool)
{
    const struct store_wants wants = store_wants(tool->store);
    const int64_t now_ms = rp_clock_boot_ms(NULL);
    const int64_t left_ms = wants.due_ms - now_ms;
    struct pollfd fds[] = {{.fd = wants.fd, .events = wants.events},
                           {.fd = tool->ended ? -1 : STDIN_FILENO, .events = POLLIN}};

    if (left_ms <= 0) {
        store_due(tool->store, now_ms);
    }
    if (poll(fds, 2, left_ms <= 0 ? 0 : left_ms < 1000 ? (int)left_ms : 1000) <= 0) {
        return;
    }
    if (fds[0].revents != 0) {
        store_ready(tool->store, fds[0].revents, rp_clock_boot_ms(NULL));
    }
    if (fds[1].revents != 0) {
        read_lines(tool);
    }
}

int main(int argc, char **argv)
{
    static struct tool tool;
    const struct store_options options = {.url = argc == 2 ? argv[1] : "",
                                          .seed = (uint64_t)getpid()};
    const struct store_owner owner = {on_changed, on_state, on_arrived, &tool};
    struct rp_error err;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (store_new(&options, &owner, rp_clock_boot_ms(NULL), &tool.store, &err) != RP_OK) {
        (void)fprintf(stderr, "store_tool: %s\n", err.text);
        return 1;
    }
    while (!tool.ended || tool.n_open != 0) {
        turn(&tool);
    }
    store_free(&tool.store);
    return 0;
}
