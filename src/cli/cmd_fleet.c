#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin_ask.h"
#include "cmd.h"
#include "cmd_options.h"
#include "error.h"
#include "fleet_forget.h"
#include "fleet_rekeying.h"
#include "fleet_status.h"
#include "memory.h"
#include "terminal.h"

enum action { ACTION_NONE, ACTION_STATUS, ACTION_FORGET, ACTION_REKEY };

struct request {
    enum action action;
    bool help;
    bool json;
    bool now;
    bool force;
    const char *admin;
    struct fleet_forget_request forget;
};

static const char help_text[] =
    "usage: reprise fleet status [--admin ADDRESS] [--json]\n"
    "       reprise fleet forget -c FILE NAME|ID\n"
    "       reprise fleet forget --store URL --fleet NAME ID\n"
    "       reprise fleet rekey [--now] [--force] [--admin ADDRESS] FILE\n"
    "\n"
    "  status            who is there, who is in step, and what to do about others\n"
    "  forget            takes a host that will not come back out of the store; one\n"
    "                    that has the fleet secret can join again at any time\n"
    "  rekey             changes the fleet secret in FILE, in three steps; all hosts\n"
    "                    take one before the next: who had the old one is out then\n"
    "\n"
    "  --admin ADDRESS   the admin socket of reprised: HOST:PORT in numbers or\n"
    "                    unix:/path (" ADMIN_ASK_DEFAULT ")\n"
    "  -c, --config FILE the configuration of reprised: its store, fleet and secret\n"
    "  --store URL       redis://10.0.0.5:6379/0 or dir:/run/reprise/shop\n"
    "  --fleet NAME      the name of the fleet\n"
    "  --now             rekey's last step: older sessions end when the new ring\n"
    "                    seals, and not when accept has passed\n"
    "  --force           rekey: do not ask reprised whether all hosts are ready\n"
    "  --json, --help    the result as JSON; this text\n"
    "\n"
    "Exit status: status: 0 all in step, 1 something is wrong; forget: 0 it is gone,\n"
    "1 it was not there; 2 usage, 3 reprised or the store cannot be reached.\n";

static int fail(const char *text, int code)
{
    (void)fprintf(stderr, "reprise fleet: %s\n", text);
    return code;
}

static enum rp_status take_once(const char **place, const char *name, struct rp_error *err)
{
    if (*place != NULL) {
        error_set(err, "%s is given twice", name);
        return RP_INVALID;
    }
    *place = optarg;
    return RP_OK;
}

static enum rp_status take_option(void *cookie, int id, struct rp_error *err)
{
    struct request *const r = cookie;

    switch (id) {
    case 'h':
        r->help = true;
        return RP_OK;
    case 'j':
        r->json = true;
        return RP_OK;
    case 'n':
        r->now = true;
        return RP_OK;
    case 'F':
        r->force = true;
        return RP_OK;
    case 'a':
        return take_once(&r->admin, "--admin", err);
    case 'c':
        return take_once(&r->forget.config, "--config", err);
    case 's':
        return take_once(&r->forget.store, "--store", err);
    case 'f':
        return take_once(&r->forget.fleet, "--fleet", err);
    default:
        return cmd_options_refuse(id, err);
    }
}

static enum rp_status check_status(const struct request *r, struct rp_error *err)
{
    if (r->now || r->force) {
        error_set(err, "--now and --force are for rekey");
        return RP_INVALID;
    }
    if (r->forget.config != NULL || r->forget.store != NULL || r->forget.fleet != NULL) {
        error_set(err, "status asks reprised itself: --config, --store and --fleet are for forget");
        return RP_INVALID;
    }
    if (r->forget.who != NULL) {
        error_set(err, "\"%.100s\" is one word too much; see reprise fleet --help", r->forget.who);
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status check_forget(const struct request *r, struct rp_error *err)
{
    const struct fleet_forget_request *f = &r->forget;

    if (r->admin != NULL || r->json || r->now || r->force) {
        error_set(err, "forget takes no --admin, --json, --now or --force");
    } else if (f->who == NULL) {
        error_set(err, "forget whom? a name or an id, as reprise fleet status shows it");
    } else if (f->config == NULL && (f->store == NULL || f->fleet == NULL)) {
        error_set(err, "forget needs the store: -c FILE, or both --store and --fleet");
    } else if (f->config != NULL && (f->store != NULL || f->fleet != NULL)) {
        error_set(err, "-c FILE says which store and fleet; --store and --fleet go without it");
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

static enum rp_status check_rekey(const struct request *r, struct rp_error *err)
{
    if (r->json || r->forget.config != NULL || r->forget.store != NULL || r->forget.fleet != NULL) {
        error_set(err, "rekey takes --now, --force and --admin, and the file with the secret");
    } else if (r->forget.who == NULL) {
        error_set(err, "rekey which file? the one with the fleet secret");
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

static enum rp_status take_words(struct request *r, int n, char *const *words, struct rp_error *err)
{
    if (n == 0) {
        error_set(err, "status, forget or rekey is to be said; see reprise fleet --help");
        return RP_INVALID;
    }
    r->forget.who = n > 1 ? words[1] : NULL;
    if (n > 2) {
        error_set(err, "\"%.100s\" is one word too much; see reprise fleet --help", words[2]);
        return RP_INVALID;
    }
    if (strcmp(words[0], "status") == 0) {
        r->action = ACTION_STATUS;
        return check_status(r, err);
    }
    if (strcmp(words[0], "forget") == 0) {
        r->action = ACTION_FORGET;
        return check_forget(r, err);
    }
    if (strcmp(words[0], "rekey") == 0) {
        r->action = ACTION_REKEY;
        return check_rekey(r, err);
    }
    error_set(err, "unknown action \"%.100s\": status, forget or rekey; see reprise fleet --help",
              words[0]);
    return RP_INVALID;
}

static enum rp_status parse(int argc, char *const *argv, struct request *r, struct rp_error *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"admin", required_argument, NULL, 'a'},
        {"config", required_argument, NULL, 'c'},
        {"store", required_argument, NULL, 's'},
        {"fleet", required_argument, NULL, 'f'},
        {"now", no_argument, NULL, 'n'},
        {"force", no_argument, NULL, 'F'},
        {NULL, 0, NULL, 0},
    };
    const enum rp_status status =
        cmd_options_take(argc, argv, ":hc:", options, take_option, r, err);

    if (status != RP_OK || r->help) {
        return status;
    }
    return take_words(r, argc - optind, argv + optind, err);
}

static int show(const struct request *r, const char *json, size_t n)
{
    struct fleet_facts facts;
    struct fleet_findings findings = {0};
    struct rp_error err = {{0}};
    int code;

    if (fleet_facts_read(json, n, &facts, &err) != RP_OK) {
        return fail(err.text, CMD_UNREACHABLE);
    }
    if (facts.fleet[0] != '\0') {
        fleet_findings(&facts, &findings);
    }
    code = facts.fleet[0] == '\0' || findings.n != 0 ? CMD_BAD : CMD_OK;
    if (r->json && !fleet_status_put_json(json, n, &facts, &findings, stdout)) {
        code = fail("the result cannot be written", CMD_BAD);
    } else if (!r->json && facts.fleet[0] == '\0') {
        code = fail("this reprised is in no fleet: its configuration names no store", CMD_BAD);
    } else if (!r->json) {
        fleet_status_put(&facts, &findings, terminal_wants_colour(), stdout);
    }
    fleet_facts_fini(&facts);
    return code;
}

static int status(const struct request *r)
{
    char *json = NULL;
    size_t n = 0;
    struct rp_error err = {{0}};
    const enum rp_status asked =
        admin_ask(r->admin != NULL ? r->admin : ADMIN_ASK_DEFAULT, "/fleet.json", &json, &n, &err);
    int code;

    if (asked != RP_OK) {
        return fail(err.text, asked == RP_INVALID ? CMD_USAGE : CMD_UNREACHABLE);
    }
    code = show(r, json, n);
    memory_free(json);
    return code;
}

static int forget(const struct request *r)
{
    struct fleet_forgotten gone;
    struct rp_error err = {{0}};
    const enum rp_status done = fleet_forget(&r->forget, &gone, &err);

    if (done == RP_NOT_FOUND) {
        return fail(err.text, CMD_BAD);
    }
    if (done != RP_OK) {
        return fail(err.text, done == RP_INVALID ? CMD_USAGE : CMD_UNREACHABLE);
    }
    (void)printf("%s%s%s is taken out of the store.\n", gone.name, gone.name[0] != '\0' ? " " : "",
                 gone.id);
    (void)puts("The others count it until it was silent for four paces (40 seconds at most in a\n"
               "small fleet). If it lives it comes back by itself, for this shuts nobody out: who\n"
               "has the fleet secret is a member. What shuts a host out is reprise fleet rekey.");
    return CMD_OK;
}

static enum rp_status ask(const struct request *r, struct fleet_facts *facts, struct rp_error *err)
{
    char *json = NULL;
    size_t n = 0;
    enum rp_status status =
        admin_ask(r->admin != NULL ? r->admin : ADMIN_ASK_DEFAULT, "/fleet.json", &json, &n, err);

    if (status == RP_OK) {
        status = fleet_facts_read(json, n, facts, err);
    }
    memory_free(json);
    return status;
}

static int rekey(const struct request *r)
{
    struct fleet_facts facts = {0};
    struct rp_error err = {{0}};
    unsigned step = 0;
    enum rp_status done = r->force ? RP_OK : ask(r, &facts, &err);

    if (done != RP_OK) {
        return fail(err.text, done == RP_INVALID ? CMD_USAGE : CMD_UNREACHABLE);
    }
    done = fleet_rekeying(r->forget.who, r->force ? NULL : &facts, r->now, &step, &err);
    fleet_facts_fini(&facts);
    if (done != RP_OK) {
        return fail(err.text, done == RP_NOT_FOUND ? CMD_BAD : CMD_USAGE);
    }
    (void)puts(fleet_rekeying_next(step));
    return CMD_OK;
}

int cmd_fleet(int argc, char *const *argv)
{
    struct request r = {0};
    struct rp_error err = {{0}};

    if (parse(argc, argv, &r, &err) != RP_OK) {
        return fail(err.text, CMD_USAGE);
    }
    if (r.help) {
        (void)fputs(help_text, stdout);
        return CMD_OK;
    }
    if (r.action == ACTION_REKEY) {
        return rekey(&r);
    }
    return r.action == ACTION_STATUS ? status(&r) : forget(&r);
}
