/*
 * What a visit needs is copied into it: it may outlive the connection it came from, until
 * libmicrohttpd has seen the end of its socket.
 */
#include "page.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "http_answer.h"
#include "memory.h"
#include "page_answer.h"

#define VISITS_MAX 65536
#define IDLE_S 30

struct page {
    const struct sites *sites;
    struct http *http;
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
    struct http_answer answer;
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
        sent = http_answer_send(&answer, connection);
    }
    http_answer_fini(&answer);
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

enum rp_status page_new(struct loop *loop, const struct sites *sites, struct page **out)
{
    struct page *page = memory_new(1, sizeof *page);
    const struct http_start start = {
        .visits_max = VISITS_MAX,
        .idle_s = IDLE_S,
        .cookie = page,
        .handle = handle,
        .notified = notified,
    };
    enum rp_status status;

    *out = NULL;
    if (page == NULL) {
        return RP_NO_MEMORY;
    }
    page->sites = sites;
    status = http_new(loop, &start, &page->http);
    if (status != RP_OK) {
        page_free(&page);
    }
    *out = page;
    return status;
}

void page_free(struct page **out)
{
    struct page *page = *out;

    *out = NULL;
    if (page == NULL) {
        return;
    }
    http_free(&page->http);
    memory_free(page);
}

void page_run(struct page *page)
{
    http_run(page->http);
}

enum rp_status page_visit(struct page *page, const struct facts *facts, int *fd)
{
    const struct sockaddr here = {.sa_family = AF_UNIX};
    bool added;
    int pair[2];

    *fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        return RP_SYSTEM;
    }
    page->arriving = facts;
    added = http_visit(page->http, pair[1], &here, sizeof here);
    page->arriving = NULL;
    if (!added) {
        (void)close(pair[0]);
        return RP_SYSTEM;
    }
    *fd = pair[0];
    return RP_OK;
}
