#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "hex.h"
#include "memory.h"
#include "reader.h"
#include "store_engine.h"
#include "text.h"
#include "writer.h"

#define MAGIC "rp-entry"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define HEAD_LEN (MAGIC_LEN + STORE_BOOT_ID_LEN + 8)

/* No name of an entry begins so, and none of a box. */
#define MARK '+'

#define ASIDE_MAX_MS 60000 /* a writer that takes longer is gone */
#define ASIDE_ID_LEN 4     /* of the boot id, in the name of a file aside */
#define TRIES 8

/* Thirty-two digits with four hyphens. */
static bool read_boot_id(uint8_t out[static STORE_BOOT_ID_LEN])
{
    const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[64];
    char digits[2 * STORE_BOOT_ID_LEN];
    size_t n = 0;
    size_t len;
    ssize_t got;

    if (fd < 0) {
        return false;
    }
    got = read(fd, text, sizeof text);
    (void)close(fd);
    for (ssize_t i = 0; i < got && n < sizeof digits; i++) {
        if (text[i] != '-') {
            digits[n++] = text[i];
        }
    }
    return n == sizeof digits && hex_decode(digits, n, out, STORE_BOOT_ID_LEN, &len);
}

bool store_moment_init(struct store_moment *moment, int64_t now_ms, uint32_t count)
{
    moment->now_ms = now_ms;
    moment->count = count;
    return read_boot_id(moment->boot_id);
}

void store_file_name(const char *entry, char out[static STORE_FILE_NAME_SIZE])
{
    struct text t = text_of(out, STORE_FILE_NAME_SIZE);

    text_add_char(&t, MARK);
    text_add(&t, entry);
}

const char *store_file_entry(const char *file)
{
    return file[0] == MARK && store_name_valid(file + 1, strlen(file + 1)) ? file + 1 : NULL;
}

/* .BOOT-TIME-PROCESS-COUNT, all of them in hexadecimal digits. */
static void name_aside(struct store_moment *moment, char out[static STORE_FILE_NAME_SIZE])
{
    struct text t = text_of(out, STORE_FILE_NAME_SIZE);

    text_add_char(&t, '.');
    text_add_hex(&t, moment->boot_id, ASIDE_ID_LEN);
    text_addf(&t, "-%016llx-%x-%x", (unsigned long long)moment->now_ms, (unsigned)getpid(),
              moment->count++);
}

bool store_file_abandoned(const char *file, const struct store_moment *moment)
{
    uint8_t id[ASIDE_ID_LEN];
    uint8_t time[8];
    struct reader r;
    size_t len;
    int64_t began_ms;

    if (file[0] != '.' || strlen(file) < 1 + 2 * sizeof id + 1 + 2 * sizeof time + 1 ||
        !hex_decode(file + 1, 2 * sizeof id, id, sizeof id, &len) ||
        !hex_decode(file + 2 + 2 * sizeof id, 2 * sizeof time, time, sizeof time, &len)) {
        return false;
    }
    r = reader_of(time, sizeof time);
    began_ms = (int64_t)reader_u64(&r);
    return memcmp(id, moment->boot_id, sizeof id) != 0 || began_ms > moment->now_ms ||
           began_ms < moment->now_ms - ASIDE_MAX_MS;
}

/* A new file; its name is in out. -1: errno. */
static int open_aside(int box, struct store_moment *moment, char out[static STORE_FILE_NAME_SIZE])
{
    int fd = -1;

    for (unsigned i = 0; i < TRIES; i++) {
        name_aside(moment, out);
        fd = openat(box, out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return fd;
}

bool store_file_write(int box, struct store_moment *moment, const uint8_t *value, size_t len,
                      int64_t lifetime_ms, char out[static STORE_FILE_NAME_SIZE])
{
    uint8_t head[HEAD_LEN];
    struct writer w = writer_of(head, sizeof head);
    const int fd = open_aside(box, moment, out);
    bool good;
    int error;

    if (fd < 0) {
        return false;
    }
    writer_bytes(&w, MAGIC, MAGIC_LEN);
    writer_bytes(&w, moment->boot_id, STORE_BOOT_ID_LEN);
    writer_u64(&w, (uint64_t)(moment->now_ms + lifetime_ms));
    good = descriptor_write_all(fd, head, sizeof head) && descriptor_write_all(fd, value, len);
    error = errno;
    if (close(fd) != 0 && good) {
        good = false;
        error = errno;
    }
    if (!good) {
        (void)unlinkat(box, out, 0);
    }
    errno = error;
    return good;
}

static enum store_file_state judge(const uint8_t *bytes, size_t n,
                                   const struct store_moment *moment, size_t *value_at)
{
    struct reader r = reader_of(bytes, n);
    const uint8_t *const magic = reader_bytes(&r, MAGIC_LEN);
    const uint8_t *const boot_id = reader_bytes(&r, STORE_BOOT_ID_LEN);
    const uint64_t end_ms = reader_u64(&r);

    if (r.failed || memcmp(magic, MAGIC, MAGIC_LEN) != 0) {
        return STORE_FILE_STRANGE;
    }
    if (memcmp(boot_id, moment->boot_id, STORE_BOOT_ID_LEN) != 0 ||
        end_ms <= (uint64_t)moment->now_ms) {
        return STORE_FILE_OVER;
    }
    *value_at = n - reader_left(&r);
    return STORE_FILE_LIVE;
}

static enum store_file_state read_open(int fd, const struct store_moment *moment, uint8_t **value,
                                       size_t *len)
{
    struct stat stat;
    enum store_file_state state;
    size_t value_at = 0;
    ssize_t n;
    uint8_t *bytes;

    if (fstat(fd, &stat) != 0) {
        return STORE_FILE_FAILED;
    }
    if (!S_ISREG(stat.st_mode) || stat.st_size < (off_t)HEAD_LEN ||
        stat.st_size > (off_t)(HEAD_LEN + STORE_VALUE_MAX)) {
        return STORE_FILE_STRANGE;
    }
    bytes = memory_new((size_t)stat.st_size, 1);
    if (bytes == NULL) {
        errno = ENOMEM;
        return STORE_FILE_FAILED;
    }
    n = descriptor_read_all(fd, bytes, (size_t)stat.st_size);
    state = n < 0 ? STORE_FILE_FAILED : judge(bytes, (size_t)n, moment, &value_at);
    if (state == STORE_FILE_LIVE && value != NULL) {
        *len = (size_t)n - value_at;
        memmove(bytes, bytes + value_at, *len);
        *value = bytes;
        bytes = NULL; /* transferred */
    }
    memory_free(bytes);
    return state;
}

enum store_file_state store_file_read(int box, const char *file, const struct store_moment *moment,
                                      uint8_t **value, size_t *len)
{
    const int fd = openat(box, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    enum store_file_state state;

    if (fd >= 0) {
        state = read_open(fd, moment, value, len);
        (void)close(fd);
        return state;
    }
    switch (errno) {
    case ENOENT:
        return STORE_FILE_ABSENT;
    case ELOOP:
    case ENXIO:
    case ENODEV:
    case EACCES:
        return STORE_FILE_STRANGE;
    default:
        return STORE_FILE_FAILED;
    }
}

void store_file_remove(int box, const char *file, struct store_moment *moment)
{
    char aside[STORE_FILE_NAME_SIZE];

    name_aside(moment, aside);
    if (renameat(box, file, box, aside) != 0) {
        return;
    }
    /* Somebody put it anew after it was judged: then it goes back, unless there is a newer one. */
    if (store_file_read(box, aside, moment, NULL, NULL) == STORE_FILE_LIVE &&
        linkat(box, aside, box, file, 0) != 0 && errno != EEXIST) {
        return; /* what was put aside is swept later */
    }
    (void)unlinkat(box, aside, 0);
}
