#include "system_log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define FACILITY_DAEMON 3
#define HEAD_SIZE 64

void system_log_init(struct system_log *s, const char *path)
{
    *s = (struct system_log){.path = path, .fd = -1, .owner = getpid()};
    tzset(); /* where a file says which zone it is, a confined process cannot open it */
}

void system_log_fini(struct system_log *s)
{
    if (s->fd >= 0 && s->owner == getpid()) {
        (void)close(s->fd);
    }
    s->fd = -1;
}

bool system_log_open(struct system_log *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t n = strlen(s->path);

    if (n >= sizeof address.sun_path) {
        return false;
    }
    system_log_fini(s);
    memcpy(address.sun_path, s->path, n + 1);
    s->owner = getpid();
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 && connect(s->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        system_log_fini(s);
    }
    return s->fd >= 0;
}

/* "<30>Nov 22 01:10:39 reprised[123]: ", in local time, as the system's logs expect it. */
static void write_head(struct text *t, enum system_log_severity severity)
{
    const time_t now = time(NULL);
    struct tm tm = {0};
    char stamp[32] = "";

    (void)localtime_r(&now, &tm);
    (void)strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &tm);
    text_addf(t, "<%d>%s reprised[%ld]: ", FACILITY_DAEMON * 8 + (int)severity, stamp,
              (long)getpid());
}

static bool send_once(const struct system_log *s, const struct text *head, const char *line,
                      size_t n)
{
    struct iovec parts[2] = {{head->start, head->len}, {(void *)line, n}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;

    do {
        sent = sendmsg(s->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool system_log_send(struct system_log *s, enum system_log_severity severity, const char *line,
                     size_t n)
{
    char buffer[HEAD_SIZE];
    struct text head = text_of(buffer, sizeof buffer);
    bool fresh = false;

    if (s->fd < 0 || s->owner != getpid()) { /* closed by now, or something else's number */
        fresh = system_log_open(s);
        if (!fresh) {
            return false;
        }
    }
    write_head(&head, severity);
    if (send_once(s, &head, line, n)) {
        return true;
    }
    if (fresh || errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE) {
        return false;
    }
    /* It was restarted, perhaps. */
    return system_log_open(s) && send_once(s, &head, line, n);
}
