#include "http.h"

#include <stddef.h>
#include <sys/epoll.h>

#include "memory.h"

#define VISIT_MEMORY ((size_t)16 * 1024) /* for a request's line and fields, and the answer's */

struct http {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch watch;
    struct loop_timer timer;
    unsigned idle_s;
    bool watched;
};

static void set_timer(struct http *http)
{
    const MHD_UNSIGNED_LONG_LONG most = 1000u * (MHD_UNSIGNED_LONG_LONG)http->idle_s;
    MHD_UNSIGNED_LONG_LONG ms;

    /* Without memory for a timer, time-outs wait for the next visit. */
    if (MHD_get_timeout(http->daemon, &ms) != MHD_YES ||
        !loop_timer_set(http->loop, &http->timer, (int64_t)(ms < most ? ms : most))) {
        loop_timer_clear(&http->timer);
    }
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    http_run((struct http *)((char *)watch - offsetof(struct http, watch)));
}

static void due(struct loop_timer *timer)
{
    http_run((struct http *)((char *)timer - offsetof(struct http, timer)));
}

static bool begin(struct http *http, const struct http_start *start)
{
    const union MHD_DaemonInfo *info;

    http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
                                    start->handle, start->cookie,                                 //
                                    MHD_OPTION_NOTIFY_CONNECTION, start->notified, start->cookie, //
                                    MHD_OPTION_CONNECTION_LIMIT, start->visits_max,               //
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, VISIT_MEMORY,             //
                                    MHD_OPTION_CONNECTION_TIMEOUT, start->idle_s, MHD_OPTION_END);
    if (http->daemon == NULL) {
        return false;
    }
    info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return false;
    }
    http->watch.fd = info->epoll_fd;
    http->watch.events = EPOLLIN;
    http->watched = loop_watch(http->loop, &http->watch);
    return http->watched;
}

enum rp_status http_new(struct loop *loop, const struct http_start *start, struct http **out)
{
    struct http *http = memory_new(1, sizeof *http);

    *out = NULL;
    if (http == NULL) {
        return RP_NO_MEMORY;
    }
    http->loop = loop;
    http->idle_s = start->idle_s;
    http->watch.ready = ready;
    http->timer.due = due;
    if (!begin(http, start)) {
        http_free(&http);
        return RP_SYSTEM;
    }
    *out = http;
    return RP_OK;
}

void http_free(struct http **out)
{
    struct http *http = *out;

    *out = NULL;
    if (http == NULL) {
        return;
    }
    loop_timer_clear(&http->timer);
    if (http->watched) {
        loop_unwatch(http->loop, &http->watch);
    }
    if (http->daemon != NULL) {
        MHD_stop_daemon(http->daemon);
    }
    memory_free(http);
}

void http_run(struct http *http)
{
    (void)MHD_run(http->daemon);
    set_timer(http);
}

bool http_visit(struct http *http, int fd, const struct sockaddr *peer, socklen_t len)
{
    /* On failure libmicrohttpd has closed it. */
    const bool added = MHD_add_connection(http->daemon, fd, peer, len) == MHD_YES;

    set_timer(http);
    return added;
}
