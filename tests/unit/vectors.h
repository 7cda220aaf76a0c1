/* Test vectors: a file of lines "name hex"; a line that starts with # is a comment. */
#ifndef VECTORS_H
#define VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

/* Fails the test unless the file has the vector with exactly n bytes. */
static inline void vector_read(const char *file, const char *name, uint8_t *out, size_t n)
{
    char path[1024];
    char line[4096];
    struct text t = text_of(path, sizeof path);
    const size_t name_len = strlen(name);
    FILE *f;

    text_addf(&t, "%s/%s", TEST_DATA, file);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        const char *hex = line + name_len + 1;

        if (strncmp(line, name, name_len) != 0 || line[name_len] != ' ') {
            continue;
        }
        assert_int_equal(strcspn(hex, "\n"), 2 * n);
        for (size_t i = 0; i < n; i++) {
            unsigned byte;

            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            out[i] = (uint8_t)byte;
        }
        (void)fclose(f);
        return;
    }
    (void)fclose(f);
    fail_msg("%s has no vector %s", path, name);
}

#endif
