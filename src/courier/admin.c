/* Accepting is ours and not libmicrohttpd's, for there may be several sockets. */
#include "admin.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/clock.h>

#include "admin_answer.h"
#include "http.h"
#include "http_answer.h"
#include "memory.h"

#define IDLE_S 5
#define ACCEPT_BATCH 16
#define PAUSE_MS 100 /* of accepting, when there are no more descriptors */

struct listener {
    struct admin *admin;
    struct loop_watch watch;
    bool watched;
};

struct visit {
    struct loop_timer timer;
    struct admin *admin;
    int fd; /* libmicrohttpd's */
};

struct admin {
    struct loop *loop;
    struct admin_start start;
    struct metrics_totals totals; /* the keys of the last good look are kept in it */
    struct http *http;
    struct loop_timer resume;
    struct listener *listeners;
    size_t n_visits;
    int arriving; /* the descriptor that is being added */
};

/* Answers. */

/* Answers as soon as the header section is read; a body is not waited for. */
static enum MHD_Result handle(void *cookie, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **request_cookie)
{
    struct admin *admin = cookie;
    const struct moment now = {.boot_ms = rp_clock_boot_ms(NULL),
                               .wall_s = rp_clock_wall_s(NULL),
                               .courier_lost = admin->start.log->n_lost_ever != NULL
                                                   ? metrics_get(admin->start.log->n_lost_ever)
                                                   : 0,
                               .fleet = admin->start.fleet};
    struct http_answer answer;
    enum MHD_Result sent = MHD_NO;

    (void)version;
    (void)upload;
    (void)upload_len;
    (void)request_cookie;
    metrics_read(admin->start.metrics, &admin->totals);
    if (admin_answer_new(&admin->totals, &now, method, url, &answer) == RP_OK) {
        sent = http_answer_send(&answer, connection);
    }
    http_answer_fini(&answer);
    return sent;
}

/* Accepting. */

static void stop_accepting(struct admin *admin)
{
    for (size_t i = 0; i < admin->start.n_listen; i++) {
        if (admin->listeners[i].watched) {
            loop_unwatch(admin->loop, &admin->listeners[i].watch);
            admin->listeners[i].watched = false;
        }
    }
}

static bool begin_accepting(struct admin *admin)
{
    for (size_t i = 0; i < admin->start.n_listen; i++) {
        struct listener *l = &admin->listeners[i];

        if (!l->watched) {
            l->watched = loop_watch(admin->loop, &l->watch);
            if (!l->watched) {
                return false;
            }
        }
    }
    return true;
}

/* Where there is no memory for a timer, the whole process is best replaced. */
static void resume_in(struct admin *admin, int64_t delay_ms)
{
    if (!loop_timer_set(admin->loop, &admin->resume, delay_ms)) {
        loop_stop(admin->loop);
    }
}

static void resume(struct loop_timer *timer)
{
    struct admin *admin = (struct admin *)((char *)timer - offsetof(struct admin, resume));

    if (admin->n_visits < ADMIN_VISITS_MAX && !begin_accepting(admin)) {
        resume_in(admin, PAUSE_MS);
    }
}

static void accept_ready(struct loop_watch *watch, uint32_t events)
{
    const struct listener *l =
        (struct listener *)((char *)watch - offsetof(struct listener, watch));
    struct admin *admin = l->admin;

    (void)events;
    for (unsigned i = 0; i < ACCEPT_BATCH && admin->n_visits < ADMIN_VISITS_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t n = sizeof peer;
        const int fd =
            accept4(watch->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            admin->arriving = fd;
            (void)http_visit(admin->http, fd, (struct sockaddr *)&peer, n);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            stop_accepting(admin); /* those that wait would wake us at once, over and over */
            resume_in(admin, PAUSE_MS);
            break;
        }
    }
    if (admin->n_visits >= ADMIN_VISITS_MAX) {
        stop_accepting(admin); /* until a visit ends */
    }
    http_run(admin->http);
}

/* Visits. */

static void visit_too_long(struct loop_timer *timer)
{
    struct visit *visit = (struct visit *)timer;

    (void)shutdown(visit->fd, SHUT_RDWR); /* of which libmicrohttpd hears */
}

static void visit_begins(struct admin *admin, void **visit_out)
{
    struct visit *visit = memory_new(1, sizeof *visit);

    admin->n_visits++;
    *visit_out = visit;
    if (visit == NULL) {
        return; /* its idle time-out has to do */
    }
    visit->timer.due = visit_too_long;
    visit->admin = admin;
    visit->fd = admin->arriving;
    if (!loop_timer_set(admin->loop, &visit->timer, ADMIN_VISIT_MS)) {
        visit_too_long(&visit->timer);
    }
}

static void visit_ends(struct admin *admin, struct visit *visit)
{
    admin->n_visits--;
    if (visit != NULL) {
        loop_timer_clear(&visit->timer);
        memory_free(visit);
    }
    if (admin->n_visits == ADMIN_VISITS_MAX - 1) {
        resume_in(admin, 0);
    }
}

static void notified(void *cookie, struct MHD_Connection *connection, void **visit,
                     enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        visit_begins(cookie, visit);
    } else {
        visit_ends(cookie, *visit);
        *visit = NULL;
    }
}

/* Its beginning and end. */

static enum rp_status init(struct admin *admin)
{
    const struct http_start start = {
        .visits_max = ADMIN_VISITS_MAX,
        .idle_s = IDLE_S,
        .cookie = admin,
        .handle = handle,
        .notified = notified,
    };

    admin->listeners = memory_new(admin->start.n_listen, sizeof *admin->listeners);
    if (admin->listeners == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < admin->start.n_listen; i++) {
        admin->listeners[i].admin = admin;
        admin->listeners[i].watch.fd = admin->start.listen_fds[i];
        admin->listeners[i].watch.events = EPOLLIN;
        admin->listeners[i].watch.ready = accept_ready;
    }
    return http_new(admin->loop, &start, &admin->http);
}

enum rp_status admin_new(struct loop *loop, const struct admin_start *start, struct admin **out)
{
    struct admin *admin = memory_new(1, sizeof *admin);
    enum rp_status status;

    *out = NULL;
    if (admin == NULL) {
        return RP_NO_MEMORY;
    }
    admin->loop = loop;
    admin->start = *start;
    admin->resume.due = resume;
    status = init(admin);
    if (status != RP_OK) {
        admin_free(&admin);
    }
    *out = admin;
    return status;
}

bool admin_open(struct admin *admin)
{
    return begin_accepting(admin);
}

void admin_free(struct admin **out)
{
    struct admin *admin = *out;

    *out = NULL;
    if (admin == NULL) {
        return;
    }
    if (admin->listeners != NULL) {
        stop_accepting(admin);
    }
    http_free(&admin->http);
    loop_timer_clear(&admin->resume);
    memory_free(admin->listeners);
    memory_free(admin);
}
