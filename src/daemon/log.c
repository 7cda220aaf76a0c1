#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define LINE_MAX_LEN PIPE_BUF
#define LINE_RESERVE 64 /* for what ends a line of which something was left out */

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_ERROR:
        return "error";
    }
    return "error";
}

static void add_time(struct text *t)
{
    struct timespec now = {0};
    struct tm tm = {0};
    char day[32] = "";

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    text_addf(t, "%s.%03ldZ", day, now.tv_nsec / 1000000);
}

/*
 * The code point at p and its length in bytes; 0 for what is not UTF-8 (RFC 3629), which is one
 * byte long.
 */
static uint32_t utf8_at(const unsigned char *p, size_t *len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t c;

    *len = 1;
    if (p[0] < 0x80) {
        return p[0];
    }
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }
    c = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) { /* also at the NUL, so nothing behind it is looked at */
            return 0;
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return 0;
    }
    *len = n;
    return c;
}

/* All but printable ASCII is escaped: no byte order, no line separator, no terminal sequence. */
static void add_json_string(struct text *t, const char *s)
{
    size_t len;

    text_add_char(t, '"');
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p += len) {
        const uint32_t c = utf8_at(p, &len);

        if (c == '"' || c == '\\') {
            text_addf(t, "\\%c", (int)c);
        } else if (c >= 0x20 && c < 0x7f) {
            text_add_char(t, (char)c);
        } else if (c >= 0x10000) {
            text_addf(t, "\\u%04x\\u%04x", 0xd800u + ((c - 0x10000) >> 10),
                      0xdc00u + ((c - 0x10000) & 0x3ff));
        } else {
            text_addf(t, "\\u%04x", c != 0 ? c : 0xfffdu);
        }
    }
    text_add_char(t, '"');
}

static bool is_bare(const char *s)
{
    static const char also[] = "._:/@+-,*%[]";

    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0'; s++) {
        const bool alnum =
            (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

        if (!alnum && strchr(also, *s) == NULL) {
            return false;
        }
    }
    return true;
}

static void add_text_string(struct text *t, const char *s)
{
    if (is_bare(s)) {
        text_add(t, s);
        return;
    }
    text_add_char(t, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') {
            text_addf(t, "\\%c", *s);
        } else if (*s >= 0x20 && *s < 0x7f) {
            text_add_char(t, *s);
        } else {
            text_addf(t, "\\x%02x", (unsigned)(unsigned char)*s);
        }
    }
    text_add_char(t, '"');
}

static void add_value(struct text *t, bool json, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_STRING:
        if (field->string == NULL) {
            text_add(t, json ? "null" : "-");
        } else if (json) {
            add_json_string(t, field->string);
        } else {
            add_text_string(t, field->string);
        }
        break;
    case LOG_NUMBER:
        text_addf(t, "%" PRId64, field->number);
        break;
    case LOG_BOOL:
        text_add(t, json ? (field->number ? "true" : "false") : (field->number ? "yes" : "no"));
        break;
    }
}

static void add_head(struct text *t, const struct log *log, enum log_level level,
                     const char *message)
{
    const char *role = log->role != NULL ? log->role : "";

    if (log->json) {
        text_add(t, "{\"time\":\"");
        add_time(t);
        text_addf(t, "\",\"level\":\"%s\",\"role\":", level_name(level));
        add_json_string(t, role);
        text_add(t, ",\"message\":");
        add_json_string(t, message);
        return;
    }
    if (log->system == NULL) { /* which writes the time itself */
        add_time(t);
        text_add_char(t, ' ');
    }
    text_addf(t, "%s ", role);
    if (level >= LOG_LEVEL_WARNING) {
        text_addf(t, "%s: ", level_name(level));
    }
    text_add(t, message);
}

/* A field that does not fit is left out as a whole, so that what stands there can be parsed. */
static bool add_field(struct text *t, bool json, const struct log_field *field)
{
    const size_t before = t->len;

    if (json) {
        text_add_char(t, ',');
        add_json_string(t, field->name);
        text_add_char(t, ':');
    } else {
        text_addf(t, " %s=", field->name);
    }
    add_value(t, json, field);
    if (t->cut) {
        t->len = before;
        t->start[before] = '\0';
        t->cut = false;
        return false;
    }
    return true;
}

/* Room for a line of this length is room for all of it: a pipe is ready from PIPE_BUF bytes on. */
_Static_assert(LINE_MAX_LEN <= PIPE_BUF, "a line is written whole or not at all");

static bool write_line(const struct log *log, const char *line, size_t n)
{
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    ssize_t written;

    do {
        if (log->is_socket) {
            written = send(log->fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
            return false; /* where the descriptor could not be made nonblocking */
        } else {
            written = write(log->fd, line, n);
        }
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)n;
}

void log_never_wait(struct log *log)
{
    char path[32];
    struct text t = text_of(path, sizeof path);
    struct stat st;
    int fd;

    if (fstat(log->fd, &st) != 0) {
        return;
    }
    log->is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) {
        return;
    }
    text_addf(&t, "/proc/self/fd/%d", log->fd);
    fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) {
        (void)dup2(fd, log->fd);
        (void)close(fd);
    }
}

static void format_line(struct text *t, const struct log *log, enum log_level level,
                        const char *message, const struct log_field *fields, size_t n)
{
    bool whole = true;

    add_head(t, log, level, message);
    for (size_t i = 0; i < n; i++) {
        whole = add_field(t, log->json, &fields[i]) && whole;
    }
    t->size += LINE_RESERVE;
    if (!whole) {
        text_add(t, log->json ? ",\"truncated\":true" : " truncated=yes");
    }
    text_add(t, log->json ? "}\n" : "\n");
}

static enum system_log_severity severity_of(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return SYSTEM_LOG_DEBUG;
    case LOG_LEVEL_INFO:
        return SYSTEM_LOG_INFO;
    case LOG_LEVEL_WARNING:
        return SYSTEM_LOG_WARNING;
    case LOG_LEVEL_ERROR:
        break;
    }
    return SYSTEM_LOG_ERROR;
}

/* False: it was not taken. */
static bool emit(const struct log *log, enum log_level level, const char *message,
                 const struct log_field *fields, size_t n)
{
    char line[LINE_MAX_LEN];
    struct text t = text_of(line, sizeof line - LINE_RESERVE);

    format_line(&t, log, level, message, fields, n);
    return log->system != NULL
               ? system_log_send(log->system, severity_of(level), t.start, t.len - 1)
               : write_line(log, t.start, t.len);
}

static bool own_up(const struct log *log)
{
    const struct log_field lost = LOG_N("lines", *log->n_lost);

    if (!emit(log, LOG_LEVEL_WARNING, "log lines lost, for nobody took them", &lost, 1)) {
        return false;
    }
    *log->n_lost = 0;
    return true;
}

void log_line(const struct log *log, enum log_level level, const char *message,
              const struct log_field *fields, size_t n)
{
    bool taken;

    if (level < log->least) {
        return;
    }
    taken = (log->n_lost == NULL || *log->n_lost == 0 || own_up(log)) &&
            emit(log, level, message, fields, n);
    if (!taken && log->n_lost != NULL) {
        ++*log->n_lost;
    }
    if (!taken && log->n_lost_ever != NULL) {
        metrics_add(log->n_lost_ever, 1);
    }
}
