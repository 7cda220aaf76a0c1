#include "resources_feeds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "descriptor.h"
#include "error.h"
#include "feed.h"
#include "feed_folder.h"
#include "feed_lock.h"
#include "feed_writer.h"
#include "text.h"

#define FOLDER_MODE 0700
#define GROUP_MODE 0050 /* more, for the group that is to read */
#define PARENTS_MODE 0755
#define NOT_SHARED 0022
#define ALL_MODES 07777
#define LOOK_EACH_MS 50

struct work {
    const struct config *config;
    const struct config_feed *feed;
    gid_t group; /* (gid_t)-1: none */
    bool is_configuration;
    uid_t owner; /* of its folder: the parent, if it is configuration, or the feeder */
    gid_t owner_group;
    struct rp_error *err;
};

static enum rp_status refuse(const struct work *w, struct config_place place, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

static enum rp_status refuse(const struct work *w, struct config_place place, const char *format,
                             ...)
{
    va_list args;

    va_start(args, format);
    config_complainv(w->config, place, w->err, format, args);
    va_end(args);
    return RP_INVALID;
}

/* What the server bears. */

static enum rp_status check_server(const struct work *w)
{
    const struct config_feed *feed = w->feed;
    const char *word = config_feed_word(feed->server);
    const struct feed_kind *kind = feed_kind_find(word);
    struct feed_needs needs;

    if (kind == NULL || !feed_needs(kind, (enum key_format)feed->format, feed->is_short, &needs)) {
        return refuse(w, feed->place, "the format %s has no keys of %s bytes; %s",
                      key_format_text((enum key_format)feed->format), feed->is_short ? "48" : "80",
                      feed->is_short ? "remove short" : "add short: on");
    }
    return RP_OK;
}

static enum rp_status check_command(const struct work *w)
{
    char path[COMMAND_PATH_SIZE];
    const struct config_strings *reload = &w->feed->reload;

    if (reload->n != 0 && !command_find(reload->items[0], path)) {
        return refuse(w, w->feed->places.reload, "reload: %.200s %s", reload->items[0],
                      reload->items[0][0] == '/'
                          ? "cannot be executed"
                          : "is nowhere in PATH; write an absolute path, such as /usr/sbin/nginx");
    }
    return RP_OK;
}

/* Folders. */

/*
 * What is above a folder of ours nobody else may change: root makes folders in it. Symbolic links
 * on the way are their makers' business, who could make them in such a folder.
 */
static bool is_ours(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           (st.st_uid == 0 || st.st_uid == geteuid()) &&
           ((st.st_mode & NOT_SHARED) == 0 || (st.st_mode & S_ISVTX) != 0);
}

/* For everybody to enter, whatever the umask. */
static bool make_entered(const char *path)
{
    return mkdir(path, PARENTS_MODE) == 0 ? chmod(path, PARENTS_MODE) == 0 : errno == EEXIST;
}

/* makes: what is missing is made. */
static enum rp_status check_above(const struct work *w, bool makes)
{
    char path[PATH_MAX];
    struct text t = text_of(path, sizeof path);

    text_add(&t, w->feed->folder);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (makes && !make_entered(path)) {
            return refuse(w, w->feed->places.files, "the folder %.400s cannot be made: %s", path,
                          strerror(errno));
        }
        if ((makes || access(path, F_OK) == 0) && !is_ours(path)) {
            return refuse(w, w->feed->places.files,
                          "others than root may change %.300s, above the folder %.300s; name one "
                          "below folders of root's that nobody else may write to, such as /run",
                          path, w->feed->folder);
        }
        *slash = '/';
    }
    return RP_OK;
}

/* Whoever owned it could have put into it, and into its mode, what he likes. */
static enum rp_status check_stat(const struct work *w, const struct stat *st)
{
    if (!S_ISDIR(st->st_mode)) {
        return refuse(w, w->feed->places.files,
                      "%.400s is no folder; name one, or what does not exist yet", w->feed->folder);
    }
    if (w->is_configuration && (st->st_uid != w->owner || (st->st_mode & NOT_SHARED) != 0)) {
        return refuse(w, w->feed->places.files,
                      "others than user id %u may write to the folder %.300s, which nginx reads as "
                      "configuration; remove it with what is in it, or name one that does not "
                      "exist yet",
                      (unsigned)w->owner, w->feed->folder);
    }
    if (st->st_uid != w->owner) {
        return refuse(w, w->feed->places.files,
                      "the folder %.400s belongs to user id %u, and the feeder is %u; name one "
                      "that does not exist yet, or give it to the feeder",
                      w->feed->folder, (unsigned)st->st_uid, (unsigned)w->owner);
    }
    return RP_OK;
}

static enum rp_status check_names(const struct work *w, int fd, DIR *names)
{
    enum rp_status status = RP_OK;
    const struct dirent *entry;
    struct stat st;

    while (status == RP_OK && (entry = readdir(names)) != NULL) {
        if (strcmp(entry->d_name, "..") != 0 &&
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid != w->owner) {
            status = refuse(w, w->feed->places.files,
                            "%.200s/%.200s belongs to user id %u, and nginx reads that folder as "
                            "configuration; remove the file",
                            w->feed->folder, entry->d_name, (unsigned)st.st_uid);
        }
    }
    return status;
}

/* What is in it already, with whatever name, may be read as configuration too. */
static enum rp_status check_entries(const struct work *w)
{
    const int fd = open(w->feed->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *const names = fd >= 0 ? descriptor_names(fd) : NULL;
    enum rp_status status;

    if (names != NULL) {
        status = check_names(w, fd, names);
        (void)closedir(names);
    } else {
        status = refuse(w, w->feed->places.files, "the folder %.400s cannot be listed: %s",
                        w->feed->folder, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static enum rp_status check_owner(const struct work *w)
{
    struct stat st;

    if (lstat(w->feed->folder, &st) != 0) {
        return errno == ENOENT ? RP_OK
                               : refuse(w, w->feed->places.files, "the folder %.400s: %s",
                                        w->feed->folder, strerror(errno));
    }
    if (check_stat(w, &st) != RP_OK) {
        return RP_INVALID;
    }
    return w->is_configuration ? check_entries(w) : RP_OK;
}

/* A service that is root may own what is others' and not change its mode: it is ours meanwhile. */
static bool set_owner(int fd, const struct stat *st, uid_t owner, gid_t group, mode_t mode)
{
    if (mode != (st->st_mode & ALL_MODES) &&
        ((st->st_uid != geteuid() && fchown(fd, geteuid(), (gid_t)-1) != 0) ||
         fchmod(fd, mode) != 0)) {
        return false;
    }
    return fchown(fd, owner, group) == 0;
}

static enum rp_status cannot_give(const struct work *w)
{
    return refuse(w, w->feed->places.files, "the folder %.400s cannot be given to the feeder: %s",
                  w->feed->folder, strerror(errno));
}

static enum rp_status give(const struct work *w, int fd, bool is_new)
{
    struct stat st;
    mode_t mode;
    gid_t group;

    if (fstat(fd, &st) != 0) {
        return cannot_give(w);
    }
    if (!is_new && check_stat(w, &st) != RP_OK) {
        return RP_INVALID; /* somebody made it since it was looked at */
    }
    mode = is_new ? FOLDER_MODE : st.st_mode & ALL_MODES;
    group = is_new ? w->owner_group : st.st_gid;
    if (w->group != (gid_t)-1) {
        mode |= GROUP_MODE;
        group = w->group;
    }
    return (st.st_uid == w->owner && group == st.st_gid && mode == (st.st_mode & ALL_MODES)) ||
                   set_owner(fd, &st, w->owner, group, mode)
               ? RP_OK
               : cannot_give(w);
}

static enum rp_status make_folder(const struct work *w)
{
    const bool is_new = mkdir(w->feed->folder, FOLDER_MODE) == 0;
    enum rp_status status;
    int fd;

    if (!is_new && errno != EEXIST) {
        return refuse(w, w->feed->places.files, "the folder %.400s cannot be made: %s",
                      w->feed->folder, strerror(errno));
    }
    fd = open(w->feed->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return cannot_give(w);
    }
    status = give(w, fd, is_new);
    (void)close(fd);
    return status;
}

static enum rp_status check_folder(const struct work *w)
{
    const struct feed_folder folder = {.path = w->feed->folder,
                                       .group = w->group,
                                       .may_reach_disk = w->feed->keys_may_reach_disk,
                                       .only = w->feed->prefix};
    struct rp_error why = {""};
    enum rp_status status = feed_folder_check(&folder, &why);

    if (status != RP_OK) {
        (void)refuse(w, w->feed->places.files, "%.450s", why.text);
        return status;
    }
    status = check_above(w, false);
    return status == RP_OK ? check_owner(w) : status;
}

/* Two feeds whose files are in one folder, which only one group can enter. */
static enum rp_status check_groups(const struct work *w, const struct privileges *privileges,
                                   size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (strcmp(w->config->feeds[j].folder, w->feed->folder) == 0 &&
            privileges->feed_groups[j] != w->group) {
            return refuse(w, w->feed->places.files,
                          "the feed %s has its file in the same folder for another group; give "
                          "each a folder of its own",
                          w->config->feeds[j].name);
        }
    }
    return RP_OK;
}

static bool is_below(const char *folder, const char *other)
{
    const size_t n = strlen(other);

    return strncmp(folder, other, n) == 0 && folder[n] == '/';
}

static bool is_one_user(const struct privileges *privileges)
{
    return privileges->remark == PRIVILEGES_SAME;
}

/* What is above a folder is root's, and so is nginx's; the other feeds' own are the feeder's. */
static enum rp_status check_nesting(const struct work *w, const struct privileges *privileges)
{
    for (size_t i = 0; !is_one_user(privileges) && i < w->config->n_feeds; i++) {
        const struct config_feed *other = &w->config->feeds[i];

        if (is_below(w->feed->folder, other->folder)) {
            return refuse(w, w->feed->places.files,
                          "the folder %.400s is below that of the feed %s, %s; put them side by "
                          "side",
                          w->feed->folder, other->name,
                          feed_is_configuration(other) ? "which nginx reads as configuration"
                                                       : "in which the feeder may change anything");
        }
    }
    return RP_OK;
}

static struct work work_of(const struct config *config, const struct privileges *privileges,
                           size_t i, struct rp_error *err)
{
    const bool configures = feed_is_configuration(&config->feeds[i]);
    const bool is_own = is_one_user(privileges) || configures;

    return (struct work){.config = config,
                         .feed = &config->feeds[i],
                         .group = privileges->feed_groups[i],
                         .is_configuration = configures,
                         .owner = is_own ? geteuid() : privileges->feeder.uid,
                         .owner_group = is_own ? getegid() : privileges->feeder.gid,
                         .err = err};
}

enum rp_status resources_feeds(const struct config *config, const struct privileges *privileges,
                               bool makes, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; status == RP_OK && i < config->n_feeds; i++) {
        const struct work w = work_of(config, privileges, i, err);

        status = check_server(&w);
        if (status == RP_OK) {
            status = check_command(&w);
        }
        if (status == RP_OK) {
            status = check_groups(&w, privileges, i);
        }
        if (status == RP_OK) {
            status = check_nesting(&w, privileges);
        }
        if (status == RP_OK) {
            status = check_folder(&w);
        }
    }
    for (size_t i = 0; makes && status == RP_OK && i < config->n_feeds; i++) {
        const struct work w = work_of(config, privileges, i, err);

        status = check_above(&w, true);
        if (status == RP_OK) {
            status = make_folder(&w);
        }
    }
    return status;
}

enum rp_status resources_feeds_prober(const struct config *config, const char *program,
                                      struct rp_error *err)
{
    char path[COMMAND_PATH_SIZE];

    for (size_t i = 0; i < config->n_feeds; i++) {
        const struct config_feed *feed = &config->feeds[i];

        if (feed->verify != NULL && !command_find_beside(program, RESOURCES_PROBER, path)) {
            config_complain(config, feed->places.verify, err,
                            "verify runs %s, which is neither beside reprised nor in PATH; install "
                            "it, or remove verify",
                            RESOURCES_PROBER);
            return RP_INVALID;
        }
    }
    return RP_OK;
}

bool resources_feed_is_of(const struct config_feed *feed, const struct config *other)
{
    for (size_t i = 0; other != NULL && i < other->n_feeds; i++) {
        const struct config_feed *its = &other->feeds[i];

        if (strcmp(feed->folder, its->folder) == 0 &&
            (feed->prefix == NULL) == (its->prefix == NULL) &&
            (feed->prefix == NULL || strcmp(feed->prefix, its->prefix) == 0)) {
            return true;
        }
    }
    return false;
}

enum rp_status resources_feeds_alone(const struct config *config, const struct config *ours,
                                     unsigned patience_ms, struct rp_error *err)
{
    for (size_t i = 0; i < config->n_feeds; i++) {
        const struct config_feed *feed = &config->feeds[i];
        const struct feed_folder folder = {.path = feed->folder, .only = feed->prefix};
        struct rp_error why = {""};

        if (resources_feed_is_of(feed, ours)) {
            continue;
        }
        while (feed_lock_is_held(&folder)) {
            if (patience_ms < LOOK_EACH_MS) {
                feed_lock_explain(&folder, &why);
                config_complain(config, feed->places.files, err, "%.450s", why.text);
                return RP_INVALID;
            }
            (void)poll(NULL, 0, LOOK_EACH_MS);
            patience_ms -= LOOK_EACH_MS;
        }
    }
    return RP_OK;
}
