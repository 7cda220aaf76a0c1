/*
 * libmicrohttpd runs without threads on an epoll set of its own, which the loop watches as one
 * descriptor. What a visit needs is copied into it: it may outlive the connection it came from,
 * until libmicrohttpd has seen the end of its socket.
 */
#include "page.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "memory.h"
#include "page_answer.h"
#include "web_page.h"

#define VISITS_MAX 65536
#define VISIT_MEMORY ((size_t)16 * 1024) /* for a request's line and fields, and the answer's */
#define IDLE_S 30
#define IDLE_MS (IDLE_S * 1000u)

/* The hashes of its one script and its one style are made when they are embedded. */
#define CSP                                                                                        \
    "default-src 'none'; script-src '" WEB_PAGE_SCRIPT_HASH "'; style-src '" WEB_PAGE_STYLE_HASH   \
    "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "                  \
    "frame-ancestors 'none'"

struct page {
    struct loop *loop;
    const struct sites *sites;
    struct MHD_Daemon *daemon;
    struct loop_watch watch;
    struct loop_timer timer;
    bool watched;
    const struct facts *arriving; /* of the visit that is being added */
};

struct visit {
    struct facts facts;
};

struct hosts {
    const char *first;
    unsigned n;
};

static enum MHD_Result count_host(void *cookie, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct hosts *hosts = cookie;

    (void)kind;
    if (strcasecmp(name, "Host") == 0) {
        if (hosts->n++ == 0) {
            hosts->first = value != NULL ? value : "";
        }
    }
    return MHD_YES;
}

static bool add_fields(struct MHD_Response *response, const struct page_answer *answer)
{
    const struct {
        const char *name;
        const char *value;
    } fields[] = {
        {"Content-Type", answer->type},
        {"Cache-Control", "no-store"},
        {"Connection", "close"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy", answer->is_html ? CSP : "default-src 'none'"},
        {"Allow", answer->status == 405 ? "GET, HEAD" : NULL},
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value != NULL &&
            MHD_add_response_header(response, fields[i].name, fields[i].value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct page_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        answer->body_len, answer->body, memory_free);
    enum MHD_Result sent = MHD_NO;

    if (response == NULL) {
        return MHD_NO;
    }
    answer->body = NULL; /* transferred */
    if (add_fields(response, answer)) {
        sent = MHD_queue_response(connection, answer->status, response);
    }
    MHD_destroy_response(response);
    return sent;
}

/* Answers as soon as the header section is read; a body is not waited for. */
static enum MHD_Result handle(void *cookie, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **request_cookie)
{
    const struct page *page = cookie;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct visit *visit = info != NULL ? info->socket_context : NULL;
    struct page_request request = {.method = method, .target = url};
    struct hosts hosts = {NULL, 0};
    struct page_answer answer;
    enum MHD_Result sent = MHD_NO;

    (void)upload;
    (void)upload_len;
    (void)request_cookie;
    if (visit == NULL) {
        return MHD_NO;
    }
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_host, &hosts);
    request.host = hosts.first;
    request.n_hosts = hosts.n;
    request.needs_host = strcmp(version, MHD_HTTP_VERSION_1_0) != 0;
    if (page_answer_new(page->sites, &visit->facts, &request, &answer) == RP_OK) {
        sent = send_answer(connection, &answer);
    }
    page_answer_fini(&answer);
    return sent;
}

static void visit_begins(const struct page *page, void **visit_out)
{
    struct visit *visit = memory_new(1, sizeof *visit);

    if (visit != NULL) {
        visit->facts = *page->arriving;
    }
    *visit_out = visit;
}

static void notified(void *cookie, struct MHD_Connection *connection, void **visit,
                     enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        visit_begins(cookie, visit);
    } else {
        memory_free(*visit);
        *visit = NULL;
    }
}

static void set_timer(struct page *page)
{
    MHD_UNSIGNED_LONG_LONG ms;

    /* Without memory for a timer, time-outs wait for the next visit. */
    if (MHD_get_timeout(page->daemon, &ms) != MHD_YES ||
        !loop_timer_set(page->loop, &page->timer, (int64_t)(ms < IDLE_MS ? ms : IDLE_MS))) {
        loop_timer_clear(&page->timer);
    }
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    page_run((struct page *)((char *)watch - offsetof(struct page, watch)));
}

static void due(struct loop_timer *timer)
{
    page_run((struct page *)((char *)timer - offsetof(struct page, timer)));
}

static bool start(struct page *page)
{
    const union MHD_DaemonInfo *info;

    page->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, handle, page,
                         MHD_OPTION_NOTIFY_CONNECTION, notified, page,      //
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)VISITS_MAX, //
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, VISIT_MEMORY,  //
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (page->daemon == NULL) {
        return false;
    }
    info = MHD_get_daemon_info(page->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return false;
    }
    page->watch.fd = info->epoll_fd;
    page->watch.events = EPOLLIN;
    page->watched = loop_watch(page->loop, &page->watch);
    return page->watched;
}

enum rp_status page_new(struct loop *loop, const struct sites *sites, struct page **out)
{
    struct page *page = memory_new(1, sizeof *page);

    *out = NULL;
    if (page == NULL) {
        return RP_NO_MEMORY;
    }
    page->loop = loop;
    page->sites = sites;
    page->watch.ready = ready;
    page->timer.due = due;
    if (!start(page)) {
        page_free(&page);
        return RP_SYSTEM;
    }
    *out = page;
    return RP_OK;
}

void page_free(struct page **out)
{
    struct page *page = *out;

    *out = NULL;
    if (page == NULL) {
        return;
    }
    loop_timer_clear(&page->timer);
    if (page->watched) {
        loop_unwatch(page->loop, &page->watch);
    }
    if (page->daemon != NULL) {
        MHD_stop_daemon(page->daemon);
    }
    memory_free(page);
}

void page_run(struct page *page)
{
    (void)MHD_run(page->daemon);
    set_timer(page);
}

enum rp_status page_visit(struct page *page, const struct facts *facts, int *fd)
{
    const struct sockaddr here = {.sa_family = AF_UNIX};
    enum MHD_Result added;
    int pair[2];

    *fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        return RP_SYSTEM;
    }
    page->arriving = facts;
    added = MHD_add_connection(page->daemon, pair[1], &here, sizeof here);
    page->arriving = NULL;
    if (added != MHD_YES) {
        (void)close(pair[0]); /* libmicrohttpd has closed the other */
        return RP_SYSTEM;
    }
    set_timer(page);
    *fd = pair[0];
    return RP_OK;
}
