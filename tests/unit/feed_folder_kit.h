/* Folders that feeds fill, and what they are filled with. */
#ifndef FEED_FOLDER_KIT_H
#define FEED_FOLDER_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed_folder.h"
#include "memory.h"
#include "text.h"

#define LIST "session_ticket_keys.conf"
#define KEY_LEN 80

/* A folder for a test, which it may fill with anything that is no folder. */
struct place {
    char path[64];
    int fd;
    struct feed_folder folder;
};

static inline void place_init(struct place *p)
{
    struct text t = text_of(p->path, sizeof p->path);

    text_add(&t, "/dev/shm/test_feed_folder.XXXXXX");
    if (mkdtemp(p->path) == NULL) {
        t = text_of(p->path, sizeof p->path);
        text_add(&t, "/tmp/test_feed_folder.XXXXXX");
        assert_non_null(mkdtemp(p->path));
    }
    p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p->fd >= 0);
    p->folder = (struct feed_folder){.path = p->path, .group = (gid_t)-1};
}

static inline unsigned for_each(int fd, void (*each)(int fd, const char *name))
{
    DIR *const names = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const struct dirent *entry;
    unsigned n = 0;

    assert_non_null(names);
    while ((entry = readdir(names)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            n++;
            if (each != NULL) {
                each(fd, entry->d_name);
            }
        }
    }
    (void)closedir(names);
    return n;
}

static inline void remove_one(int fd, const char *name)
{
    assert_int_equal(unlinkat(fd, name, 0), 0);
}

static inline unsigned count(const struct place *p)
{
    return for_each(p->fd, NULL);
}

static inline void place_fini(struct place *p)
{
    (void)for_each(p->fd, remove_one);
    (void)close(p->fd);
    assert_int_equal(rmdir(p->path), 0);
}

static inline void make(const struct place *p, const char *name, const char *content)
{
    const int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)close(fd);
}

static inline size_t read_file(const struct place *p, const char *name, uint8_t *out, size_t room)
{
    const int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return 0;
    }
    n = read(fd, out, room);
    (void)close(fd);
    assert_true(n >= 0);
    return (size_t)n;
}

static inline void assert_file(const struct place *p, const char *name, const void *content,
                               size_t n)
{
    uint8_t found[4096];

    assert_int_equal(read_file(p, name, found, sizeof found), n);
    assert_memory_equal(found, content, n);
}

static inline void assert_put(const struct place *p, const struct feed_files *files, bool expected)
{
    struct rp_error err = {""};
    bool changed = !expected;

    if (feed_folder_put(&p->folder, files, &changed, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(changed, expected);
}

/* One file with one word. */
static inline struct feed_files word(const char *name, const char *content, const char *throwaway)
{
    struct feed_files files = {0};

    assert_int_equal(strlen(content), strlen(throwaway));
    assert_int_equal(feed_files_add(&files, name, (const uint8_t *)content,
                                    (const uint8_t *)throwaway, strlen(content), false),
                     RP_OK);
    return files;
}

static inline void key_name(unsigned i, char out[static 64])
{
    struct text t = text_of(out, 64);

    text_addf(&t, "%032x.key", i);
}

/* Keys `first` to `first + n - 1` as nginx gets them: a file each, and a list of them. */
static inline struct feed_files key_set(unsigned first, unsigned n)
{
    struct feed_files files = {0};
    char list[4096];
    struct text t = text_of(list, sizeof list);

    for (unsigned i = first; i < first + n; i++) {
        uint8_t bytes[KEY_LEN];
        uint8_t throwaway[KEY_LEN];
        char name[64];

        key_name(i, name);
        memset(bytes, (int)i, sizeof bytes);
        memset(throwaway, 0xee, sizeof throwaway);
        assert_int_equal(feed_files_add(&files, name, bytes, throwaway, sizeof bytes, false),
                         RP_OK);
        text_add(&t, name);
        text_add_char(&t, '\n');
    }
    assert_int_equal(feed_files_add(&files, LIST, (const uint8_t *)list, NULL, t.len, true), RP_OK);
    return files;
}

#endif
