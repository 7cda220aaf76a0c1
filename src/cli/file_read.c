#include "file_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define FIRST_ROOM 4096

/* Not resized in place: what is read may be a key. */
static bool grow(struct file_bytes *b, size_t max)
{
    const size_t wanted = b->room != 0 ? 4 * b->room : FIRST_ROOM;
    const size_t room = wanted < max + 1 ? wanted : max + 1;
    uint8_t *grown = memory_new(room, 1);

    if (grown == NULL) {
        return false;
    }
    if (b->n != 0) {
        memcpy(grown, b->p, b->n);
        memory_wipe(b->p, b->room);
    }
    memory_free(b->p);
    b->p = grown;
    b->room = room;
    return true;
}

static enum rp_status read_all(FILE *in, const char *name, size_t max, struct file_bytes *b,
                               struct rp_error *err)
{
    while (feof(in) == 0) {
        if (b->n == b->room && !grow(b, max)) {
            error_set(err, "out of memory");
            return RP_NO_MEMORY;
        }
        b->n += fread(b->p + b->n, 1, b->room - b->n, in);
        if (ferror(in) != 0) {
            error_set(err, "%s: cannot be read: %s", name, strerror(errno));
            return RP_SYSTEM;
        }
        if (b->n > max) {
            error_set(err, "%s: more than %zu bytes", name, max);
            return RP_FULL;
        }
    }
    return RP_OK;
}

enum rp_status file_read(const char *path, size_t max, struct file_bytes *out, struct rp_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    FILE *in = standard ? stdin : fopen(path, "rbe");
    enum rp_status status;

    *out = (struct file_bytes){0};
    if (in == NULL) {
        error_set(err, "%s: %s", path, strerror(errno));
        return RP_SYSTEM;
    }
    if (!standard) {
        (void)setvbuf(in, NULL, _IONBF, 0); /* no copy of a key stays in a buffer */
    }
    status = read_all(in, standard ? "standard input" : path, max, out, err);
    if (!standard) {
        (void)fclose(in);
    }
    if (status != RP_OK) {
        file_bytes_fini(out);
    }
    return status;
}

void file_bytes_fini(struct file_bytes *bytes)
{
    if (bytes->p != NULL) {
        memory_wipe(bytes->p, bytes->room);
    }
    memory_free(bytes->p);
    *bytes = (struct file_bytes){0};
}
