#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

#define LINES_SIZE 256
#define PATIENCE_S 1
#define FDS_MOST 200 /* in a message; the kernel takes 253 */

static bool read_name(const char *name, struct address *out)
{
    struct sockaddr_un *const un = (struct sockaddr_un *)&out->storage;
    const size_t len = strlen(name);

    memset(out, 0, sizeof *out);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof un->sun_path) {
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, name, len);
    if (name[0] == '@') {
        un->sun_path[0] = '\0';
    }
    /* An abstract name ends where the address does; the NUL would be part of it. */
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    return true;
}

bool notify_open(struct notify *notify)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    const char *const name = getenv("NOTIFY_SOCKET");

    notify->fd = -1;
    if (name == NULL || name[0] == '\0') {
        return true;
    }
    if (!read_name(name, &notify->to)) {
        return false;
    }
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->fd < 0 ||
        setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
        notify_close(notify);
        return false;
    }
    return true;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0) {
        (void)close(notify->fd);
        notify->fd = -1;
    }
}

static bool send_with(const struct notify *notify, const struct text *lines, const int *fds,
                      size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MOST * sizeof(int))];
    } control;
    struct iovec bytes = {lines->start, lines->len};
    struct msghdr message = {.msg_name = (void *)&notify->to.storage,
                             .msg_namelen = notify->to.len,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1};

    if (notify->fd < 0) {
        return true;
    }
    if (n != 0) {
        struct cmsghdr *header;

        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(n * sizeof fds[0]);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n * sizeof fds[0]);
        memcpy(CMSG_DATA(header), fds, n * sizeof fds[0]);
    }
    return !lines->cut && sendmsg(notify->fd, &message, MSG_NOSIGNAL) == (ssize_t)lines->len;
}

static bool send_lines(const struct notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool send_lines(const struct notify *notify, const char *format, ...)
{
    char buffer[LINES_SIZE];
    struct text t = text_of(buffer, sizeof buffer);
    va_list args;

    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    return send_with(notify, &t, NULL, 0);
}

bool notify_ready(const struct notify *notify, const char *status)
{
    return send_lines(notify, "READY=1\nSTATUS=%.200s", status);
}

bool notify_reloading(const struct notify *notify, int64_t monotonic_us)
{
    return send_lines(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us);
}

bool notify_stopping(const struct notify *notify, const char *status)
{
    return send_lines(notify, "STOPPING=1\nSTATUS=%.200s", status);
}

bool notify_main_pid(const struct notify *notify, pid_t pid)
{
    return send_lines(notify, "MAINPID=%d", (int)pid);
}

bool notify_store(const struct notify *notify, const char *name, const int *fds, size_t n)
{
    char buffer[LINES_SIZE];
    struct text t = text_of(buffer, sizeof buffer);
    bool good = true;

    /* Else the manager drops a descriptor that it finds hung up. */
    text_addf(&t, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    for (size_t i = 0; good && i < n; i += FDS_MOST) {
        good = send_with(notify, &t, fds + i, n - i < FDS_MOST ? n - i : FDS_MOST);
    }
    return good;
}

bool notify_forget(const struct notify *notify, const char *name)
{
    return send_lines(notify, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
