#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "memory.h"
#include "openssl_error.h"

void warnings_fini(struct warnings *warnings)
{
    memory_free(warnings->items);
    *warnings = (struct warnings){NULL, 0};
}

struct source source_at(const struct source *from, struct config_place place)
{
    struct source there = *from;

    there.place = place;
    return there;
}

enum rp_status source_refuse(const struct source *from, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    config_complainv(from->config, from->place, from->err, format, args);
    va_end(args);
    return RP_INVALID;
}

enum rp_status source_refuse_openssl(const struct source *from, const char *path, const char *what)
{
    char reason[OPENSSL_ERROR_SIZE];

    return source_refuse(from, "%s: %s (%s)", path, what,
                         openssl_error_take(reason, "no reason given"));
}

enum rp_status source_warn(const struct source *from, const char *format, ...)
{
    struct warnings *w = from->warnings;
    struct rp_error *grown = memory_resize(w->items, w->n, w->n + 1, sizeof *grown);
    va_list args;

    if (grown == NULL) {
        return RP_NO_MEMORY;
    }
    w->items = grown;
    va_start(args, format);
    config_complainv(from->config, from->place, &w->items[w->n++], format, args);
    va_end(args);
    return RP_OK;
}

/* What is no file might never come to an end, or never begin: a FIFO, a terminal. */
static FILE *open_file(const struct source *from, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    FILE *file;

    if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISREG(info.st_mode)) {
        (void)close(fd);
        (void)source_refuse(from, "%s: is not a regular file", path);
        return NULL;
    }
    file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL) {
        (void)source_refuse(from, "%s: cannot be opened (%s)", path, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return file;
}

enum rp_status source_open(const struct source *from, const char *path, BIO **out)
{
    FILE *file = open_file(from, path);

    *out = NULL;
    if (file == NULL) {
        return RP_INVALID;
    }
    *out = BIO_new_fp(file, BIO_CLOSE);
    if (*out == NULL) {
        (void)fclose(file);
        return source_refuse_openssl(from, path, "cannot be read");
    }
    return RP_OK;
}

bool source_pem_ended(void)
{
    const unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

int source_no_passphrase(char *out, int size, int writing, void *cookie)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)cookie;
    return -1;
}
