#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "cmd_options.h"
#include "error.h"
#include "key_actions.h"
#include "key_words.h"
#include "number.h"

#define KEYS_MOST 64
#define SECOND_MS 1000
#define YEAR_MS (366 * INT64_C(86400) * SECOND_MS)

enum action { ACTION_NEW, ACTION_SHOW, ACTION_CONVERT, ACTION_CHECK, ACTION_FLEET_SECRET, ACTIONS };

#define NEW (1U << ACTION_NEW)
#define SHOW (1U << ACTION_SHOW)
#define CONVERT (1U << ACTION_CONVERT)
#define CHECK (1U << ACTION_CHECK)
#define FLEET_SECRET (1U << ACTION_FLEET_SECRET)

static const struct {
    const char *word;
    bool takes_files;
    int (*run)(const struct key_request *r);
} actions[ACTIONS] = {
    [ACTION_NEW] = {"new", false, key_new},
    [ACTION_SHOW] = {"show", true, key_show},
    [ACTION_CONVERT] = {"convert", true, key_convert},
    [ACTION_CHECK] = {"check", true, key_check},
    [ACTION_FLEET_SECRET] = {"fleet-secret", false, key_fleet_secret},
};

enum key_option {
    HELP,
    FORMAT,
    FROM,
    TO,
    SHORT,
    KEYS,
    ROTATE,
    ACCEPT,
    OUTPUT,
    FORCE,
    SECRETS,
    JSON,
    CHECKED,
    OPTIONS
};

static const struct {
    const char *name;
    unsigned actions;
} uses[OPTIONS] = {
    [HELP] = {"--help", ~0U},
    [FORMAT] = {"--format", NEW | SHOW | CHECK},
    [FROM] = {"--from", CONVERT},
    [TO] = {"--to", CONVERT},
    [SHORT] = {"--short", NEW},
    [KEYS] = {"--keys", NEW},
    [ROTATE] = {"--rotate", NEW | CONVERT},
    [ACCEPT] = {"--accept", NEW | CONVERT},
    [OUTPUT] = {"--output", NEW | CONVERT},
    [FORCE] = {"--force", NEW | CONVERT},
    [SECRETS] = {"--secrets", SHOW},
    [JSON] = {"--json", SHOW},
    [CHECKED] = {"--check", FLEET_SECRET},
};

struct request {
    struct key_request key;
    enum action action;
    bool given[OPTIONS];
};

static const char help_text[] =
    "usage: reprise key new --format FORMAT [--short] [--keys N] > FILE\n"
    "       reprise key show|check [--format FORMAT] FILE ...\n"
    "       reprise key convert --from FORMAT --to FORMAT [-o PATH] FILE ... > FILE\n"
    "       reprise key fleet-secret > FILE, or --check FILE\n"
    "\n"
    "  new             fresh session ticket keys, in a file as a server wants it\n"
    "  show            what is in a file: names, lengths, dates, which key seals\n"
    "  check           weak keys, who can read the file, would its server take it\n"
    "  convert         the same keys for another server; the first file's key seals\n"
    "  fleet-secret    a secret for a fleet's hosts; --check: would reprised take it\n"
    "\n"
    "  FORMAT          nginx (Envoy), haproxy, apache (Node.js), trafficserver,\n"
    "                  lighttpd, h2o, nghttpx, dnsdist or dnsdist-gnutls; show and\n"
    "                  check find it out\n"
    "  --short         48-byte keys, where there are two lengths; --keys N: so many\n"
    "  --rotate TIME, --accept TIME\n"
    "                  of dated formats: how long a key seals (1h), then opens (1d)\n"
    "  -o, --output PATH, --force\n"
    "                  a file, or a folder for one a key; write over what is there\n"
    "  --secrets       show the keys themselves, too\n"
    "  --json, --help  the result as JSON; this text\n"
    "\n"
    "Exit status: 0 good, 1 unusable, or cannot be converted, 2 usage, or a file that\n"
    "cannot be read or written, 4 a weak key, or one that others can read.\n";

int key_fail(const char *text, int code)
{
    char plain[KEY_WORDS_PLAIN_SIZE];

    (void)fprintf(stderr, "reprise key: %s\n", key_words_plain(text, plain));
    return code;
}

static enum rp_status take_format(enum key_format *out, struct rp_error *err)
{
    if (key_format_parse(optarg, out)) {
        return RP_OK;
    }
    error_set(err,
              "unknown format \"%.60s\": nginx, haproxy, apache, trafficserver, lighttpd, h2o, "
              "nghttpx, dnsdist or dnsdist-gnutls",
              optarg);
    return RP_INVALID;
}

static enum rp_status take_duration(enum key_option id, int64_t *out_s, struct rp_error *err)
{
    int64_t ms = 0;

    if (!number_parse_duration(optarg, YEAR_MS, &ms) || ms < SECOND_MS || ms % SECOND_MS != 0) {
        error_set(err, "%s: a time of at least a second is to follow, such as 30m, 12h or 7d",
                  uses[id].name);
        return RP_INVALID;
    }
    *out_s = ms / SECOND_MS;
    return RP_OK;
}

static enum rp_status take_number(size_t *out, struct rp_error *err)
{
    uint64_t n = 0;

    if (!number_parse(optarg, KEYS_MOST, &n) || n == 0) {
        error_set(err, "--keys: a number from 1 to %d is to follow", KEYS_MOST);
        return RP_INVALID;
    }
    *out = (size_t)n;
    return RP_OK;
}

static enum rp_status take_value(struct key_request *k, enum key_option id, struct rp_error *err)
{
    switch (id) {
    case FORMAT:
    case TO:
        k->has_format = true;
        return take_format(&k->format, err);
    case FROM:
        return take_format(&k->from, err);
    case KEYS:
        return take_number(&k->n_keys, err);
    case ROTATE:
        return take_duration(id, &k->rotate_s, err);
    case ACCEPT:
        return take_duration(id, &k->accept_s, err);
    case OUTPUT:
        k->output = optarg;
        break;
    case CHECKED:
        k->checked = optarg;
        break;
    case SHORT:
        k->is_short = true;
        break;
    case FORCE:
        k->force = true;
        break;
    case SECRETS:
        k->secrets = true;
        break;
    case JSON:
        k->json = true;
        break;
    case HELP:
    case OPTIONS:
        break;
    }
    return RP_OK;
}

/* ids are the options' numbers from 1 on, which no letter has, but for -h and -o. */
static enum rp_status take_option(void *cookie, int id, struct rp_error *err)
{
    struct request *const r = cookie;
    const enum key_option option = id == 'h'   ? HELP
                                   : id == 'o' ? OUTPUT
                                               : (enum key_option)(id - 1);

    if (id == '?' || id == ':') {
        return cmd_options_refuse(id, err);
    }
    if (r->given[option] && option != HELP) {
        error_set(err, "%s is given twice", uses[option].name);
        return RP_INVALID;
    }
    r->given[option] = true;
    return take_value(&r->key, option, err);
}

static enum rp_status take_action(struct request *r, const char *word, struct rp_error *err)
{
    for (unsigned i = 0; i < ACTIONS; i++) {
        if (strcmp(word, actions[i].word) == 0) {
            r->action = (enum action)i;
            return RP_OK;
        }
    }
    error_set(err,
              "unknown action \"%.60s\": new, show, convert, check or fleet-secret; see reprise "
              "key --help",
              word);
    return RP_INVALID;
}

/* Options that make no sense for the action are mistakes, not ignored. */
static enum rp_status check(const struct request *r, struct rp_error *err)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (r->given[i] && (uses[i].actions & 1U << r->action) == 0) {
            error_set(err, "%s takes no %s; see reprise key --help", actions[r->action].word,
                      uses[i].name);
            return RP_INVALID;
        }
    }
    if (r->action == ACTION_NEW && !r->given[FORMAT]) {
        error_set(err, "which server's key is it to be? --format nginx, for example");
    } else if (r->action == ACTION_CONVERT && (!r->given[FROM] || !r->given[TO])) {
        error_set(err, "convert needs --from FORMAT and --to FORMAT");
    } else if (actions[r->action].takes_files && r->key.n_files == 0) {
        error_set(err, "%s which file? (- is standard input)", actions[r->action].word);
    } else if (!actions[r->action].takes_files && r->key.n_files != 0) {
        error_set(err, "\"%.100s\" is one word too much; see reprise key --help", r->key.files[0]);
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

static enum rp_status parse(int argc, char *const *argv, struct request *r, struct rp_error *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"format", required_argument, NULL, FORMAT + 1},
        {"from", required_argument, NULL, FROM + 1},
        {"to", required_argument, NULL, TO + 1},
        {"short", no_argument, NULL, SHORT + 1},
        {"keys", required_argument, NULL, KEYS + 1},
        {"rotate", required_argument, NULL, ROTATE + 1},
        {"accept", required_argument, NULL, ACCEPT + 1},
        {"output", required_argument, NULL, 'o'},
        {"force", no_argument, NULL, FORCE + 1},
        {"secrets", no_argument, NULL, SECRETS + 1},
        {"json", no_argument, NULL, JSON + 1},
        {"check", required_argument, NULL, CHECKED + 1},
        {NULL, 0, NULL, 0},
    };
    enum rp_status status = cmd_options_take(argc, argv, ":ho:", options, take_option, r, err);

    if (status != RP_OK || r->given[HELP]) {
        return status;
    }
    if (optind == argc) {
        error_set(err, "new, show, convert, check or fleet-secret is to be said; see reprise key "
                       "--help");
        return RP_INVALID;
    }
    status = take_action(r, argv[optind], err);
    r->key.files = argv + optind + 1;
    r->key.n_files = (size_t)(argc - optind - 1);
    return status == RP_OK ? check(r, err) : status;
}

int cmd_key(int argc, char *const *argv)
{
    struct request r = {.key = {.rotate_s = 3600, .accept_s = 86400}};
    struct rp_error err = {{0}};

    if (parse(argc, argv, &r, &err) != RP_OK) {
        return key_fail(err.text, CMD_USAGE);
    }
    if (r.given[HELP]) {
        (void)fputs(help_text, stdout);
        return CMD_OK;
    }
    r.key.now_s = (int64_t)time(NULL);
    return actions[r.action].run(&r.key);
}
