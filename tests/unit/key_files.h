/* Session ticket key files in a folder of the test's own, gone with it. */
#ifndef KEY_FILES_H
#define KEY_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "text.h"

#define KEY_FILES_MAX 20

struct key_files {
    char folder[64];
    char paths[KEY_FILES_MAX][96];
    const char *list[KEY_FILES_MAX]; /* of paths */
};

static inline void key_files_init(struct key_files *files)
{
    struct text t = text_of(files->folder, sizeof files->folder);

    text_add(&t, "/tmp/reprise-test-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    for (unsigned i = 0; i < KEY_FILES_MAX; i++) {
        t = text_of(files->paths[i], sizeof files->paths[i]);
        text_addf(&t, "%s/%u.key", files->folder, i);
        files->list[i] = files->paths[i];
    }
}

static inline void key_files_fini(struct key_files *files)
{
    for (unsigned i = 0; i < KEY_FILES_MAX; i++) {
        (void)unlink(files->paths[i]);
    }
    (void)rmdir(files->folder);
}

/* A fixture of so many bytes that begins with a struct key_files. */
static inline int key_files_begin(void **state, size_t size)
{
    *state = calloc(1, size);
    if (*state == NULL) {
        return -1;
    }
    key_files_init(*state);
    return 0;
}

static inline int key_files_end(void **state)
{
    key_files_fini(*state);
    free(*state);
    return 0;
}

static inline void key_files_write(const struct key_files *files, unsigned i, const void *p,
                                   size_t n)
{
    FILE *f = fopen(files->paths[i], "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* A good key that depends on seed alone. */
static inline void key_files_random(const struct key_files *files, unsigned i, size_t n,
                                    uint32_t seed)
{
    uint8_t bytes[128];

    for (size_t at = 0; at < n; at++) {
        seed = seed * 1664525 + 1013904223;
        bytes[at] = (uint8_t)(seed >> 24);
    }
    key_files_write(files, i, bytes, n);
}

#endif
