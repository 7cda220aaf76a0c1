/* The directives of feeds. Which of them a server takes is a table of its own. */
#include <stddef.h>
#include <string.h>

#include "address.h"
#include "config_directives.h"
#include "key_format.h"
#include "memory.h"
#include "text.h"

#define DOMAIN_MAX_LEN 128
#define PATH_MAX_LEN 1023
#define FILE_MAX_LEN 50    /* of a file's own name: another is made beside it */
#define SOCKET_MAX_LEN 107 /* of a path, as sockets have it */
#define VERIFY_MAX_LEN 255
#define COMMAND_WORDS_MAX 32
#define TIMEOUT_MIN_MS 100
#define TIMEOUT_MAX_MS (600 * CONFIG_SECOND_MS)

static enum rp_status feed_end(struct config_walk *walk, void *target,
                               const struct config_place *places);
static enum rp_status options_end(struct config_walk *walk, void *target,
                                  const struct config_place *places);

/* The options of a feed, whichever its server. */

enum {
    OPTION_FILES,
    OPTION_FILE,
    OPTION_SOCKET,
    OPTION_FORMAT,
    OPTION_SHORT,
    OPTION_RELOAD,
    OPTION_RELOAD_TIMEOUT,
    OPTION_NAME,
    OPTION_DOMAIN,
    OPTION_GROUP,
    OPTION_VERIFY,
    OPTION_VERIFY_NAME,
    OPTION_DISK,
    OPTIONS,
};

#define BIT(option) (1U << (option))
#define EVERY                                                                                      \
    (BIT(OPTION_NAME) | BIT(OPTION_DOMAIN) | BIT(OPTION_GROUP) | BIT(OPTION_VERIFY) |              \
     BIT(OPTION_VERIFY_NAME) | BIT(OPTION_DISK))
#define RELOAD (BIT(OPTION_RELOAD) | BIT(OPTION_RELOAD_TIMEOUT))

/* What each server must be told, and what else it may be. */
static const struct {
    unsigned needs;
    unsigned takes;
} servers[] = {
    [CONFIG_FEED_NGINX] = {BIT(OPTION_FILES) | BIT(OPTION_RELOAD), RELOAD},
    [CONFIG_FEED_HAPROXY] = {BIT(OPTION_FILE) | BIT(OPTION_SOCKET), 0},
    [CONFIG_FEED_APACHE] = {BIT(OPTION_FILE) | BIT(OPTION_RELOAD), RELOAD},
    [CONFIG_FEED_TRAFFICSERVER] = {BIT(OPTION_FILE) | BIT(OPTION_RELOAD), RELOAD},
    [CONFIG_FEED_LIGHTTPD] = {BIT(OPTION_FILE), 0},
    [CONFIG_FEED_H2O] = {BIT(OPTION_FILE), 0},
    [CONFIG_FEED_NODEJS] = {BIT(OPTION_FILE), RELOAD},
    [CONFIG_FEED_FILES] = {BIT(OPTION_FILES) | BIT(OPTION_FORMAT), RELOAD | BIT(OPTION_SHORT)},
};

static const char *const formats[] = {
#define FORMAT_WORD(name, word, servers) word,
    KEY_FORMAT_MAP(FORMAT_WORD)
#undef FORMAT_WORD
        NULL,
};

static const char *const words[] = {
#define SERVER_WORD(name, word) word,
    CONFIG_FEED_MAP(SERVER_WORD)
#undef SERVER_WORD
};

/* Absolute, and in one spelling only, so that two that are equal are seen to be. */
static bool is_path(const char *s)
{
    if (s[0] != '/') {
        return false;
    }
    while (*s == '/') {
        const size_t n = strcspn(++s, "/");

        if (n == 0 || strncmp(s, ".", n) == 0 || (n <= 2 && strncmp(s, "..", n) == 0)) {
            return false;
        }
        s += n;
    }
    return true;
}

/* An empty one is a slip. */
static bool is_argument(const char *s)
{
    return s[0] != '\0';
}

static const struct config_row option_rows[] = {
    [OPTION_FILES] = {.name = "files",
                      .type = CONFIG_TEXT,
                      .takes = "the absolute path of a folder, such as /run/reprise/nginx",
                      CONFIG_AT(config_feed, files),
                      .least = 2,
                      .most = PATH_MAX_LEN},
    [OPTION_FILE] = {.name = "file",
                     .type = CONFIG_TEXT,
                     .takes = "the absolute path of a file, such as /run/reprise/server.keys, "
                              "whose own name has at most 50 of A-Z a-z 0-9 . _ -",
                     CONFIG_AT(config_feed, file),
                     .least = 2,
                     .most = PATH_MAX_LEN},
    [OPTION_SOCKET] = {.name = "socket",
                       .type = CONFIG_TEXT,
                       .takes = "the path of HAProxy's stats socket, of at most 107 bytes, or a "
                                "numeric HOST:PORT",
                       CONFIG_AT(config_feed, socket),
                       .least = 2,
                       .most = SOCKET_MAX_LEN},
    [OPTION_FORMAT] = {.name = "format",
                       .type = CONFIG_CHOICE,
                       .takes = "nginx, haproxy, apache, trafficserver, lighttpd, h2o, nghttpx, "
                                "dnsdist or dnsdist-gnutls",
                       CONFIG_AT(config_feed, format),
                       .choices = formats},
    [OPTION_SHORT] = {.name = "short",
                      .type = CONFIG_SWITCH,
                      .takes = "on or off",
                      CONFIG_AT(config_feed, is_short)},
    [OPTION_RELOAD] = {.name = "reload",
                       .type = CONFIG_TEXTS,
                       .takes = "a list, a command and its arguments, such as [nginx, -s, reload]",
                       CONFIG_AT(config_feed, reload),
                       .most = COMMAND_WORDS_MAX,
                       .valid = is_argument},
    [OPTION_RELOAD_TIMEOUT] = {.name = "reload_timeout",
                               .type = CONFIG_DURATION,
                               .takes = "a duration from 100ms to 10m, such as 10s",
                               CONFIG_AT(config_feed, reload_timeout_ms),
                               .least = TIMEOUT_MIN_MS,
                               .most = TIMEOUT_MAX_MS},
    [OPTION_NAME] = {.name = "name",
                     .type = CONFIG_TEXT,
                     .takes = "1 to 63 of A-Z a-z 0-9 . _ -",
                     CONFIG_AT(config_feed, name),
                     .least = 1,
                     .most = CONFIG_FEED_NAME_MAX},
    [OPTION_DOMAIN] = {.name = "domain",
                       .type = CONFIG_TEXT,
                       .takes = "1 to 128 of A-Z a-z 0-9 . _ -",
                       CONFIG_AT(config_feed, domain),
                       .least = 1,
                       .most = DOMAIN_MAX_LEN},
    [OPTION_GROUP] = {.name = "group",
                      .type = CONFIG_TEXT,
                      .takes = "the name of a group, of at most 32 characters",
                      CONFIG_AT(config_feed, group),
                      .least = 1,
                      .most = 32},
    [OPTION_VERIFY] = {.name = "verify",
                       .type = CONFIG_TEXT,
                       .takes = "where the server answers, such as 127.0.0.1:443",
                       CONFIG_AT(config_feed, verify),
                       .least = 1,
                       .most = VERIFY_MAX_LEN},
    [OPTION_VERIFY_NAME] = {.name = "verify_name",
                            .type = CONFIG_TEXT,
                            .takes = "a host name, such as www.example.com",
                            CONFIG_AT(config_feed, verify_name),
                            .least = 1,
                            .most = VERIFY_MAX_LEN},
    [OPTION_DISK] = {.name = "keys_may_reach_disk",
                     .type = CONFIG_SWITCH,
                     .takes = "on or off",
                     CONFIG_AT(config_feed, keys_may_reach_disk)},
};

static const struct config_table options_table = {.where = "in a feed",
                                                  .rows = option_rows,
                                                  .n_rows = CONFIG_COUNT(option_rows),
                                                  .end = options_end};

/* The servers. */

#define SERVER_ROW(id, word)                                                                       \
    [CONFIG_FEED_##id] = {.name = (word),                                                          \
                          .type = CONFIG_MAP,                                                      \
                          .takes = "a map with file, or files, and others",                        \
                          .within = &options_table},
static const struct config_row feed_rows[] = {CONFIG_FEED_MAP(SERVER_ROW)};
#undef SERVER_ROW

static void feed_begin(void *target, struct config_place place)
{
    struct config_feed *feed = target;

    feed->place = place;
    feed->server = CONFIG_FEED_SERVERS; /* none yet */
    feed->reload_timeout_ms = 10 * CONFIG_SECOND_MS;
}

const struct config_table config_feed_table = {.where = "in feeds",
                                               .rows = feed_rows,
                                               .n_rows = CONFIG_COUNT(feed_rows),
                                               .size = sizeof(struct config_feed),
                                               .begin = feed_begin,
                                               .end = feed_end};

const char *config_feed_word(enum config_feed_server server)
{
    return words[server];
}

bool config_feeds_use_network(const struct config *config)
{
    for (size_t i = 0; i < config->n_feeds; i++) {
        if (config->feeds[i].socket != NULL && config->feeds[i].socket[0] != '/') {
            return true;
        }
    }
    return false;
}

/* What must hold. */

static bool is_word(const char *s)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return s[0] != '\0' && s[strspn(s, all)] == '\0';
}

static bool is_file(const char *s)
{
    const char *own = strrchr(s, '/');

    return is_path(s) && own != s && strlen(own + 1) <= FILE_MAX_LEN && own[1] != '.' &&
           is_word(own + 1);
}

static bool is_socket(const char *s)
{
    struct address address;

    return is_path(s) || (address_parse(s, &address) && address_port(&address) != 0);
}

/* The prober's business is what it means; ours, that it is no option. */
static bool is_host(const char *s)
{
    return s[0] != '-' && config_fleet_is_printable(s);
}

static enum rp_status check_text(const struct config_walk *walk, unsigned option,
                                 const struct config_place *places, const char *text,
                                 bool (*valid)(const char *s))
{
    if (text == NULL || valid(text)) {
        return RP_OK;
    }
    return config_refuse(walk, places[option], "%s takes %s, not \"%.72s\"",
                         option_rows[option].name, option_rows[option].takes, text);
}

static enum rp_status check_reload(const struct config_walk *walk, const struct config_feed *feed,
                                   struct config_place place)
{
    const char *command = feed->reload.n != 0 ? feed->reload.items[0] : "/";

    if (strchr(command, ' ') != NULL && feed->reload.n == 1) {
        return config_refuse(walk, place,
                             "reload goes through no shell; write each word by itself, such as "
                             "[nginx, -s, reload], not \"%.72s\"",
                             command);
    }
    if (command[0] != '/' && strchr(command, '/') != NULL) {
        return config_refuse(walk, place,
                             "reload begins with an absolute path, or a name to be found in PATH, "
                             "not \"%.72s\"",
                             command);
    }
    return RP_OK;
}

/* It is not known yet which server's they are. */
static enum rp_status options_end(struct config_walk *walk, void *target,
                                  const struct config_place *places)
{
    struct config_feed *feed = target;
    const struct {
        unsigned option;
        const char *text;
        bool (*valid)(const char *s);
    } texts[] = {
        {OPTION_FILES, feed->files, is_path},
        {OPTION_FILE, feed->file, is_file},
        {OPTION_SOCKET, feed->socket, is_socket},
        {OPTION_NAME, feed->name, is_word},
        {OPTION_DOMAIN, feed->domain, is_word},
        {OPTION_VERIFY, feed->verify, is_host},
        {OPTION_VERIFY_NAME, feed->verify_name, is_host},
    };
    enum rp_status status = check_reload(walk, feed, places[OPTION_RELOAD]);

    for (size_t i = 0; status == RP_OK && i < CONFIG_COUNT(texts); i++) {
        status = check_text(walk, texts[i].option, places, texts[i].text, texts[i].valid);
    }
    feed->places.files = places[feed->files != NULL ? OPTION_FILES : OPTION_FILE];
    feed->places.reload = places[OPTION_RELOAD];
    feed->places.group = places[OPTION_GROUP];
    feed->places.verify = places[OPTION_VERIFY];
    for (unsigned i = 0; i < OPTIONS; i++) {
        feed->given |= places[i].line != 0 ? BIT(i) : 0;
    }
    return status;
}

static void list_options(unsigned options, char *out, size_t size)
{
    struct text t = text_of(out, size);

    for (unsigned i = 0; i < OPTIONS; i++) {
        if ((options & BIT(i)) != 0) {
            text_addf(&t, "%s%s", t.len != 0 ? ", " : "", option_rows[i].name);
        }
    }
}

static enum rp_status check_options(const struct config_walk *walk, const struct config_feed *feed)
{
    const unsigned needs = servers[feed->server].needs;
    const unsigned allowed = needs | servers[feed->server].takes | EVERY;
    const char *word = words[feed->server];
    char list[256];

    if ((needs & ~feed->given) != 0) {
        list_options(needs & ~feed->given, list, sizeof list);
        return config_refuse(walk, feed->place, "the feed %s lacks %s", word, list);
    }
    if ((feed->given & ~allowed) != 0) {
        char wrong[256];

        list_options(feed->given & ~allowed, wrong, sizeof wrong);
        list_options(allowed, list, sizeof list);
        return config_refuse(walk, feed->place, "a feed of %s has no %s; it takes %s", word, wrong,
                             list);
    }
    if (feed->verify_name != NULL && feed->verify == NULL) {
        return config_refuse(walk, feed->place,
                             "verify_name says which name to ask for, and without verify nobody "
                             "is asked; give verify, or remove verify_name");
    }
    return RP_OK;
}

static enum rp_status set_names(struct config_feed *feed)
{
    const char *slash = feed->file != NULL ? strrchr(feed->file, '/') : NULL;
    const char *name;
    size_t size;
    struct text t;

    if (feed->name == NULL) {
        feed->name = memory_string(words[feed->server]);
    }
    feed->folder = slash != NULL ? memory_string_n(feed->file, (size_t)(slash - feed->file))
                                 : memory_string(feed->files);
    feed->prefix = slash != NULL ? slash + 1 : NULL;
    if (feed->name == NULL || feed->folder == NULL) {
        return RP_NO_MEMORY;
    }
    name = feed->domain != NULL ? feed->domain : feed->name;
    size = sizeof "domain:" + strlen(name);
    feed->domain_id = memory_new(size, 1);
    if (feed->domain_id == NULL) {
        return RP_NO_MEMORY;
    }
    t = text_of(feed->domain_id, size);
    text_addf(&t, "%s:%s", feed->domain != NULL ? "domain" : "feed", name);
    return RP_OK;
}

static bool is_later(struct config_place a, struct config_place b)
{
    return a.line > b.line || (a.line == b.line && a.column > b.column);
}

static enum rp_status feed_end(struct config_walk *walk, void *target,
                               const struct config_place *places)
{
    struct config_feed *feed = target;
    struct config_place last = {0, 0};
    unsigned n = 0;
    enum rp_status status;

    for (unsigned i = 0; i < CONFIG_FEED_SERVERS; i++) {
        if (places[i].line != 0) {
            feed->server = (enum config_feed_server)i;
            last = is_later(places[i], last) ? places[i] : last;
            n++;
        }
    }
    if (n > 1) {
        return config_refuse(walk, last,
                             "a feed is one server; begin another with a dash of its own");
    }
    if (feed->server == CONFIG_FEED_SERVERS) {
        return config_refuse(walk, feed->place,
                             "this feed names no server; give one of nginx, haproxy, apache, "
                             "trafficserver, lighttpd, h2o, nodejs, files");
    }
    status = check_options(walk, feed);
    return status == RP_OK ? set_names(feed) : status;
}

/* Between feeds. */

static bool same_files(const struct config_feed *a, const struct config_feed *b)
{
    if (strcmp(a->folder, b->folder) != 0) {
        return false;
    }
    return a->prefix == NULL || b->prefix == NULL || strcmp(a->prefix, b->prefix) == 0;
}

static enum rp_status check_pair(const struct config_walk *walk, const struct config_feed *feed,
                                 const struct config_feed *before)
{
    if (strcmp(feed->name, before->name) == 0) {
        return config_refuse(walk, feed->place,
                             "the feed in line %u is called %s already; give one of them another "
                             "name",
                             before->place.line, before->name);
    }
    if (same_files(feed, before)) {
        return config_refuse(walk, feed->places.files,
                             "the feed %s has its files there already; give each its own",
                             before->name);
    }
    return RP_OK;
}

enum rp_status config_feeds_check(const struct config_walk *walk, const struct config *config)
{
    enum rp_status status = RP_OK;

    if (config->n_feeds != 0 && config->session_ticket_key.n != 0) {
        return config_refuse(walk, config->feeds_place,
                             "feeds hands on keys that rotate, and those of session_ticket_key are "
                             "in files already, which any server can read; remove one of the two");
    }
    for (size_t i = 1; i < config->n_feeds; i++) {
        for (size_t j = 0; status == RP_OK && j < i; j++) {
            status = check_pair(walk, &config->feeds[i], &config->feeds[j]);
        }
    }
    return status;
}
