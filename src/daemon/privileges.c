#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "text.h"

#define DEFAULT_USER "reprise"
#define KEEPER_SUFFIX "-keeper"
#define COURIER_SUFFIX "-courier"
#define FEEDER_SUFFIX "-feeder"
#define NAME_SIZE 64
#define ENTRY_SIZE 16384

/* RP_NOT_FOUND: there is no such user. */
static enum rp_status look_up(const char *name, struct privileges_account *out)
{
    char buffer[ENTRY_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;
    const int error = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);

    if (found == NULL) {
        return error == 0 || error == ENOENT || error == ESRCH ? RP_NOT_FOUND : RP_SYSTEM;
    }
    out->uid = found->pw_uid;
    out->gid = found->pw_gid;
    return RP_OK;
}

static void keeper_name(const char *user, char out[static NAME_SIZE])
{
    struct text t = text_of(out, NAME_SIZE);

    text_addf(&t, "%s" KEEPER_SUFFIX, user);
}

/* Courier and feeder hold nothing that workers do not, so users of their own are no condition. */
static void plan_other(const char *user, const char *suffix, const struct privileges *plan,
                       struct privileges_account *out)
{
    char name[NAME_SIZE];
    struct text t = text_of(name, sizeof name);
    struct privileges_account account = {0};

    text_addf(&t, "%s%s", user, suffix);
    *out = plan->worker;
    if (look_up(name, &account) == RP_OK && account.uid != 0 && account.gid != 0 &&
        account.uid != plan->keeper.uid) {
        *out = account;
    }
}

static bool is_root(const struct privileges_account *account)
{
    return account->uid == 0 || account->gid == 0;
}

static enum rp_status look_up_configured(const struct config *config, const char *name,
                                         struct privileges_account *out, struct rp_error *err)
{
    const enum rp_status status = look_up(name, out);

    if (status == RP_NOT_FOUND) {
        config_complain(config, config->user_place, err,
                        "there is no user %s; create it: useradd --system --user-group "
                        "--no-create-home --shell /usr/sbin/nologin %s",
                        name, name);
    } else if (status != RP_OK) {
        config_complain(config, config->user_place, err, "the user %s cannot be looked up", name);
    } else if (is_root(out)) {
        config_complain(config, config->user_place, err,
                        "%s is root, or in root's group; name a user that may do nothing", name);
        return RP_INVALID;
    }
    return status;
}

static enum rp_status plan_configured(const struct config *config, struct privileges *out,
                                      struct rp_error *err)
{
    char keeper[NAME_SIZE];
    enum rp_status status;

    keeper_name(config->user, keeper);
    status = look_up_configured(config, config->user, &out->worker, err);
    if (status == RP_OK) {
        status = look_up_configured(config, keeper, &out->keeper, err);
    }
    if (status == RP_OK && out->worker.uid == out->keeper.uid) {
        config_complain(config, config->user_place, err,
                        "%s and %s have one user id; give each its own", config->user, keeper);
        status = RP_INVALID;
    }
    return status;
}

static enum rp_status plan_default(struct privileges *out, struct rp_error *err)
{
    char keeper[NAME_SIZE];

    keeper_name(DEFAULT_USER, keeper);
    if (look_up(DEFAULT_USER, &out->worker) == RP_OK && look_up(keeper, &out->keeper) == RP_OK &&
        !is_root(&out->worker) && !is_root(&out->keeper)) {
        return RP_OK;
    }
    out->remark = PRIVILEGES_NOBODY;
    if (look_up("nobody", &out->worker) != RP_OK || is_root(&out->worker)) {
        error_set(err, "started as root, but there is neither a user " DEFAULT_USER
                       " nor a user nobody to run as; create " DEFAULT_USER
                       " and " DEFAULT_USER KEEPER_SUFFIX);
        return RP_NOT_FOUND;
    }
    out->keeper = out->worker;
    return RP_OK;
}

/* RP_NOT_FOUND: there is no such group. */
static enum rp_status look_up_group(const char *name, gid_t *out)
{
    char buffer[ENTRY_SIZE];
    struct group entry;
    struct group *found = NULL;
    const int error = getgrnam_r(name, &entry, buffer, sizeof buffer, &found);

    if (found == NULL) {
        return error == 0 || error == ENOENT || error == ESRCH ? RP_NOT_FOUND : RP_SYSTEM;
    }
    *out = found->gr_gid;
    return RP_OK;
}

static void add_group(struct privileges_account *account, gid_t group)
{
    for (size_t i = 0; i < account->n_groups; i++) {
        if (account->groups[i] == group) {
            return;
        }
    }
    account->groups[account->n_groups++] = group;
}

static enum rp_status plan_groups(const struct config *config, struct privileges *out,
                                  struct rp_error *err)
{
    for (size_t i = 0; i < config->n_feeds; i++) {
        const struct config_feed *feed = &config->feeds[i];
        enum rp_status status;

        out->feed_groups[i] = (gid_t)-1;
        if (feed->group == NULL) {
            continue;
        }
        status = look_up_group(feed->group, &out->feed_groups[i]);
        if (status != RP_OK) {
            config_complain(config, feed->places.group, err,
                            status == RP_NOT_FOUND ? "there is no group %s"
                                                   : "the group %s cannot be looked up",
                            feed->group);
            return status;
        }
        if (out->feed_groups[i] == 0) {
            config_complain(config, feed->places.group, err,
                            "%s is root's group; name the one as which the server reads its keys",
                            feed->group);
            return RP_INVALID;
        }
        add_group(&out->feeder, out->feed_groups[i]);
    }
    return RP_OK;
}

enum rp_status privileges_plan(const struct config *config, struct privileges *out,
                               struct rp_error *err)
{
    enum rp_status status;

    memset(out, 0, sizeof *out);
    if (geteuid() != 0) {
        out->remark = PRIVILEGES_SAME;
        return plan_groups(config, out, err);
    }
    status = config->user != NULL ? plan_configured(config, out, err) : plan_default(out, err);
    if (status == RP_OK) {
        const char *user = config->user != NULL ? config->user : DEFAULT_USER;

        plan_other(user, COURIER_SUFFIX, out, &out->courier);
        plan_other(user, FEEDER_SUFFIX, out, &out->feeder);
        status = plan_groups(config, out, err);
    }
    return status;
}

bool privileges_drop(const struct privileges_account *account)
{
    if (setgroups(account->n_groups, account->groups) != 0 ||
        setresgid(account->gid, account->gid, account->gid) != 0 ||
        setresuid(account->uid, account->uid, account->uid) != 0) {
        return false;
    }
    if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setresgid((gid_t)-1, 0, (gid_t)-1) == 0) {
        errno = EPERM;
        return false;
    }
    return true;
}

bool privileges_leave_network(void)
{
    return unshare(CLONE_NEWNET) == 0;
}

bool privileges_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    /* What is not permitted is not ambient either. */
    return syscall(SYS_capset, &header, none) == 0;
}

bool privileges_confine(void)
{
    const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
