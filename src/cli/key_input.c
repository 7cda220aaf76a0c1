#include "key_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "file_read.h"
#include "key_file_foreign.h"
#include "memory.h"

#define ROOM KEY_FORMAT_KEYS_MAX

static enum rp_status read_open(int fd, struct key_input *input, struct file_bytes *out,
                                struct rp_error *err)
{
    struct statfs fs;
    ssize_t n;

    if (fstat(fd, &input->st) != 0) {
        error_set(err, "%.300s: %s", input->name, strerror(errno));
        return RP_SYSTEM;
    }
    if (!S_ISREG(input->st.st_mode)) {
        error_set(
            err, "%.300s: %s", input->name,
            S_ISDIR(input->st.st_mode)
                ? "is a folder"
                : "no regular file; what comes through a pipe is read from standard input (-)");
        return RP_SYSTEM;
    }
    out->room = KEY_FORMAT_BYTES_MAX + 1;
    out->p = memory_new(out->room, 1);
    if (out->p == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    n = descriptor_read_all(fd, out->p, out->room);
    if (n < 0) {
        error_set(err, "%.300s: cannot be read: %s", input->name, strerror(errno));
        return RP_SYSTEM;
    }
    if (n > KEY_FORMAT_BYTES_MAX) {
        error_set(err, "%.300s: more than %d bytes, so no key file", input->name,
                  KEY_FORMAT_BYTES_MAX);
        return RP_FORMAT;
    }
    out->n = (size_t)n;
    input->has_file = true;
    input->filesystem = fstatfs(fd, &fs) == 0 ? (long)fs.f_type : 0;
    return RP_OK;
}

/* Not held up by a pipe that nobody writes to. */
static enum rp_status read_file(const char *path, struct key_input *input, struct file_bytes *out,
                                struct rp_error *err)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    enum rp_status status;

    if (fd < 0) {
        error_set(err, "%.300s: %s", path, strerror(errno));
        return RP_SYSTEM;
    }
    status = read_open(fd, input, out, err);
    (void)close(fd);
    return status;
}

static enum rp_status read_bytes(const char *path, struct key_input *input, struct file_bytes *out,
                                 struct rp_error *err)
{
    if (strcmp(path, "-") != 0) {
        return read_file(path, input, out, err);
    }
    if (isatty(STDIN_FILENO) != 0) {
        (void)fputs("reprise key: reading standard input; end it with Ctrl-D\n", stderr);
    }
    return file_read(path, KEY_FORMAT_BYTES_MAX, out, err);
}

static enum rp_status add(struct key_input *input, enum key_format format,
                          const struct file_bytes *bytes, int64_t now_s, struct rp_error *err)
{
    struct format_key *keys = memory_new(ROOM, sizeof *keys);
    struct key_reading *r = &input->readings[input->n];

    if (keys == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    *r = (struct key_reading){.format = format, .keys = keys};
    r->n = key_format_read(format, bytes->p, bytes->n, now_s, keys, ROOM);
    if (r->n == 0) {
        memory_free(keys);
        return RP_OK;
    }
    input->n++;
    return RP_OK;
}

static bool is_text_format(enum key_format format)
{
    return format == KEY_FORMAT_HAPROXY || format == KEY_FORMAT_H2O;
}

/* Text that is read as such is not also random bytes of the right number. */
static enum rp_status add_all(struct key_input *input, const struct file_bytes *bytes,
                              int64_t now_s, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    for (unsigned text = 0; text < 2 && input->n == 0; text++) {
        for (unsigned f = 0; f < KEY_FORMATS && status == RP_OK; f++) {
            if (is_text_format((enum key_format)f) == (text == 0)) {
                status = add(input, (enum key_format)f, bytes, now_s, err);
            }
        }
    }
    return status;
}

/* What the file is instead, as far as it shows. */
static const char *what_it_is(const struct file_bytes *bytes)
{
    struct foreign_key keys[1];
    const char *what = ": a key has 48, 64, 80 or 92, or is text of HAProxy's or h2o's";

    if (bytes->n == 0) {
        return ": it is empty";
    }
    if (bytes->n <= KEY_FILE_FOREIGN_MAX &&
        key_file_foreign_decode(bytes->p, bytes->n, keys, 1) != 0) {
        what = keys[0].order == KEY_ORDER_H2O       ? ": h2o's YAML, but not as h2o takes it"
               : keys[0].order == KEY_ORDER_GO_SEED ? ": 32 bytes are a seed of Go's, perhaps"
               : keys[0].base64 ? ": HAProxy's lines, but not as HAProxy takes them (no blank "
                                  "line, no comment, all keys of one length)"
                                : "";
    }
    memory_wipe(keys, sizeof keys);
    return what;
}

static enum rp_status refuse(const struct key_input *input, const enum key_format *format,
                             const struct file_bytes *bytes, struct rp_error *err)
{
    if (format != NULL) {
        error_set(err, "%.300s: no key file of %s (%zu bytes%s)", input->name,
                  key_format_text(*format), bytes->n, what_it_is(bytes));
    } else {
        error_set(err, "%.300s: no key file of any server known here (%zu bytes%s)", input->name,
                  bytes->n, what_it_is(bytes));
    }
    return RP_FORMAT;
}

enum rp_status key_input_read(const char *path, const enum key_format *format, int64_t now_s,
                              struct key_input *out, struct rp_error *err)
{
    struct file_bytes bytes = {0};
    enum rp_status status;

    *out = (struct key_input){.name = strcmp(path, "-") == 0 ? "standard input" : path};
    status = read_bytes(path, out, &bytes, err);
    out->len = bytes.n;
    if (status == RP_OK) {
        status = format != NULL ? add(out, *format, &bytes, now_s, err)
                                : add_all(out, &bytes, now_s, err);
    }
    if (status == RP_OK && out->n == 0) {
        status = refuse(out, format, &bytes, err);
    }
    file_bytes_fini(&bytes);
    if (status != RP_OK) {
        key_input_fini(out);
    }
    return status;
}

void key_input_fini(struct key_input *input)
{
    for (size_t i = 0; i < input->n; i++) {
        memory_wipe(input->readings[i].keys, ROOM * sizeof *input->readings[i].keys);
        memory_free(input->readings[i].keys);
    }
    input->n = 0;
}
