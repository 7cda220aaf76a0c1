#include "store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "memory.h"
#include "store_engine.h"
#include "store_random.h"
#include "text.h"

#define NAMES_MAX 65536 /* read of a folder, however many it has */
#define REMOVED_MAX 64  /* of a box, at a time */
#define BOXES_MAX 1024  /* swept at a time */

int store_folder_open(const char *path, bool make, struct rp_error *err)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && make && mkdir(path, 0700) == 0) {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0 && errno == ENOTDIR) {
        error_set(err, "the store %s is not a folder", path);
    } else if (fd < 0 || fstat(fd, &stat) != 0) {
        error_set(err, "the store %s cannot be opened: %s", path, strerror(errno));
    } else if ((stat.st_mode & S_IWOTH) != 0) {
        error_set(err, "the store %s is not used: anybody may write to that folder", path);
    } else {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

static int open_below(int dir, const char *name, bool make)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, flags);

    if (fd < 0 && errno == ENOENT && make && (mkdirat(dir, name, 0700) == 0 || errno == EEXIST)) {
        fd = openat(dir, name, flags);
    }
    return fd;
}

int store_folder_box(int root, const char *box, bool make)
{
    const char *at = box;
    int dir = root;

    for (;;) {
        char name[STORE_NAME_MAX + 1];
        struct text t = text_of(name, sizeof name);
        const size_t len = strcspn(at, "/");
        int fd;
        int error;

        text_add_n(&t, at, len);
        fd = open_below(dir, name, make);
        error = errno;
        if (dir != root) {
            (void)close(dir);
        }
        errno = error;
        if (fd < 0 || at[len] == '\0') {
            return fd;
        }
        dir = fd;
        at += len + 1;
    }
}

bool store_folder_lock(int fd, int operation)
{
    return flock(fd, operation | LOCK_NB) == 0;
}

/* Every name is as likely to be among the chosen as every other. */
static void choose(struct store_folder_list *list, size_t most, const char *name, uint64_t *random)
{
    size_t at = list->total;

    if (at >= most) {
        at = (size_t)(store_random(random) % (list->total + 1));
    }
    if (at < most) {
        struct text t = text_of(list->entries[at].name, sizeof list->entries[at].name);

        text_add(&t, name);
    }
    list->total++;
}

static bool choose_names(int box, size_t most, uint64_t *random, struct store_folder_list *list)
{
    DIR *const names = descriptor_names(box);
    const struct dirent *entry;

    if (names == NULL) {
        return false;
    }
    for (size_t i = 0; i < NAMES_MAX && (entry = readdir(names)) != NULL; i++) {
        const char *const name = store_file_entry(entry->d_name);

        if (name != NULL) {
            choose(list, most, name, random);
        }
    }
    (void)closedir(names);
    list->n = list->total < most ? list->total : most;
    return true;
}

bool store_folder_list(int root, int box, size_t most, uint64_t *random,
                       struct store_moment *moment, struct store_folder_list *out)
{
    bool locked = false;
    size_t n_over = 0;
    size_t n = 0;

    memset(out, 0, sizeof *out);
    out->entries = memory_new(most != 0 ? most : 1, sizeof *out->entries);
    if (out->entries == NULL) {
        errno = ENOMEM;
        return false;
    }
    if (!choose_names(box, most, random, out)) {
        return false;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct store_folder_entry entry = out->entries[i];
        char file[STORE_FILE_NAME_SIZE];
        enum store_file_state state;

        store_file_name(entry.name, file);
        state = store_file_read(box, file, moment, &entry.value, &entry.len);
        if (state == STORE_FILE_LIVE) {
            out->entries[n++] = entry;
            continue;
        }
        out->total--;
        if (state == STORE_FILE_OVER && n_over++ < REMOVED_MAX &&
            (locked || (locked = store_folder_lock(root, LOCK_EX)))) {
            store_file_remove(box, file, moment);
        }
    }
    out->n = n;
    if (locked) {
        (void)store_folder_lock(root, LOCK_UN);
    }
    return true;
}

void store_folder_list_fini(struct store_folder_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        memory_free(list->entries[i].value);
    }
    memory_free(list->entries);
    memset(list, 0, sizeof *list);
}

static void sweep_box(int box, struct store_moment *moment)
{
    DIR *const names = descriptor_names(box);
    const struct dirent *entry;
    size_t n = 0;

    if (names == NULL) {
        return;
    }
    for (size_t i = 0; i < NAMES_MAX && n < REMOVED_MAX && (entry = readdir(names)) != NULL; i++) {
        const char *const file = entry->d_name;

        if (store_file_abandoned(file, moment)) {
            (void)unlinkat(box, file, 0);
            n++;
        } else if (store_file_entry(file) != NULL &&
                   store_file_read(box, file, moment, NULL, NULL) == STORE_FILE_OVER) {
            store_file_remove(box, file, moment);
            n++;
        }
    }
    (void)closedir(names);
}

static void sweep_beside(int parent, struct store_moment *moment)
{
    DIR *const names = descriptor_names(parent);
    const struct dirent *entry;
    size_t n = 0;

    if (names == NULL) {
        return;
    }
    for (size_t i = 0; i < NAMES_MAX && n < BOXES_MAX && (entry = readdir(names)) != NULL; i++) {
        const int box = store_name_valid(entry->d_name, strlen(entry->d_name))
                            ? open_below(parent, entry->d_name, false)
                            : -1;

        if (box >= 0) {
            n++;
            sweep_box(box, moment);
            /* Fails where anything is left in it. */
            if (store_folder_lock(box, LOCK_EX)) {
                (void)unlinkat(parent, entry->d_name, AT_REMOVEDIR);
            }
            (void)close(box);
        }
    }
    (void)closedir(names);
}

void store_folder_sweep(int root, const char *box, struct store_moment *moment)
{
    const char *const slash = strrchr(box, '/');
    char above[STORE_NAME_MAX + 1];
    struct text t = text_of(above, sizeof above);
    int parent;

    if (slash == NULL || !store_folder_lock(root, LOCK_EX)) {
        return;
    }
    text_add_n(&t, box, (size_t)(slash - box));
    parent = store_folder_box(root, above, false);
    if (parent >= 0) {
        sweep_beside(parent, moment);
        (void)close(parent);
    }
    (void)store_folder_lock(root, LOCK_UN);
}
