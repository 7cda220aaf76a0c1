#include "mail.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "message_mail.h"
#include "store.h"
#include "text.h"

#define LATER_MS 1000 /* where there is no memory for a watch */

struct mail {
    struct loop_watch watch; /* of the store's descriptor; -1: none */
    struct loop_timer due;
    struct loop *loop;
    struct mail_start start;
    struct store *store;
    bool has_begun;
    bool is_up;
    char box[MESSAGE_MAIL_NAME_MAX + 1]; /* that is watched */
    uint8_t body[CHANNEL_MAIL_MAX];      /* of the message that is being written */
};

static struct mail *mail_of(void *cookie)
{
    return cookie;
}

/* To the keeper. */

static bool tell(struct mail *mail, enum channel_type type, size_t n)
{
    return (n != 0 || type == CHANNEL_MAIL_ERASED) &&
           channel_mail(mail->start.channel, type, mail->body, n);
}

static void tell_state(struct mail *mail)
{
    if (mail->has_begun) {
        (void)tell(mail, CHANNEL_MAIL_STATE, message_store_encode(mail->is_up, mail->body));
    }
}

/* What the store says. */

static void on_state(void *cookie, bool up, const char *why)
{
    struct mail *mail = mail_of(cookie);

    if (up && why != NULL) {
        LOG_LINE(mail->start.log, LOG_LEVEL_WARNING, "the store takes nothing",
                 LOG_S("reason", why));
    } else if (up) {
        log_line(mail->start.log, LOG_LEVEL_INFO, "the store can be reached", NULL, 0);
    } else {
        LOG_LINE(mail->start.log, LOG_LEVEL_WARNING, "the store cannot be reached",
                 LOG_S("reason", why));
    }
    if (up != mail->is_up) {
        mail->is_up = up;
        tell_state(mail);
    }
}

/* A letter that the keeper could not be given stays, and is told of again, or expires. */
static void on_arrived(void *cookie, const struct store_entry *entry)
{
    struct mail *mail = mail_of(cookie);

    if (tell(mail, CHANNEL_MAIL_LETTER,
             message_entry_encode(entry->name, entry->value, entry->len, mail->body))) {
        store_delete(mail->store, mail->box, entry->name, NULL, NULL);
    }
}

static void on_claimed(void *cookie, enum store_status status)
{
    struct mail *mail = mail_of(cookie);
    const struct message_claimed m = {.ok = status == STORE_OK || status == STORE_TAKEN,
                                      .is_ours = status == STORE_OK};

    (void)tell(mail, CHANNEL_MAIL_CLAIMED, message_claimed_encode(&m, mail->body));
}

static void on_erased(void *cookie, enum store_status status)
{
    (void)status;
    (void)tell(mail_of(cookie), CHANNEL_MAIL_ERASED, 0);
}

static void on_listed(void *cookie, enum store_status status, const struct store_entry *entries,
                      size_t n, size_t total)
{
    struct mail *mail = mail_of(cookie);
    struct message_listed m = {.ok = status == STORE_OK,
                               .total = total < UINT32_MAX ? (uint32_t)total : UINT32_MAX};

    for (size_t i = 0; m.ok && i < n && i < STORE_LIST_MAX; i++) {
        m.ok = tell(
            mail, CHANNEL_MAIL_ENTRY,
            message_entry_encode(entries[i].name, entries[i].value, entries[i].len, mail->body));
        m.n++;
    }
    (void)tell(mail, CHANNEL_MAIL_LISTED, message_listed_encode(&m, mail->body));
}

/* Driving it. */

/* epoll forgets a descriptor when it is closed, also where the next one has its number. */
static bool watch(struct mail *mail, const struct store_wants *wants)
{
    const uint32_t events = ((wants->events & POLLIN) != 0 ? (uint32_t)EPOLLIN : 0) |
                            ((wants->events & POLLOUT) != 0 ? (uint32_t)EPOLLOUT : 0);

    if (mail->watch.fd >= 0 && mail->watch.fd != wants->fd) {
        loop_unwatch(mail->loop, &mail->watch);
    }
    if (mail->watch.fd == wants->fd &&
        (wants->fd < 0 || loop_rewatch(mail->loop, &mail->watch, events))) {
        return true;
    }
    mail->watch.fd = wants->fd;
    mail->watch.events = events;
    if (wants->fd >= 0 && !loop_watch(mail->loop, &mail->watch)) {
        mail->watch.fd = -1;
        return false;
    }
    return true;
}

static void follow(struct mail *mail)
{
    const struct store_wants wants = store_wants(mail->store);
    int64_t delay_ms = wants.due_ms - loop_now_ms(mail->loop);

    if (!watch(mail, &wants)) {
        delay_ms = LATER_MS;
    }
    if (wants.due_ms == INT64_MAX && delay_ms != LATER_MS) {
        loop_timer_clear(&mail->due);
    } else if (!loop_timer_set(mail->loop, &mail->due, delay_ms)) {
        loop_stop(mail->loop); /* the whole process is best replaced */
    }
}

static void on_changed(void *cookie)
{
    struct mail *mail = mail_of(cookie);

    if (mail->store != NULL) { /* not yet, within store_new */
        follow(mail);
    }
}

static void store_is_ready(struct loop_watch *found, uint32_t events)
{
    struct mail *mail = (struct mail *)found;
    const short revents =
        (short)(((events & EPOLLIN) != 0 ? POLLIN : 0) | ((events & EPOLLOUT) != 0 ? POLLOUT : 0) |
                ((events & EPOLLERR) != 0 ? POLLERR : 0) |
                ((events & EPOLLHUP) != 0 ? POLLHUP : 0));

    store_ready(mail->store, revents, loop_now_ms(mail->loop));
    follow(mail);
}

static void store_is_due(struct loop_timer *timer)
{
    struct mail *mail = (struct mail *)((char *)timer - offsetof(struct mail, due));

    store_due(mail->store, loop_now_ms(mail->loop));
    follow(mail);
}

/* What the keeper says. */

static void take_put(struct mail *mail, const uint8_t *body, size_t n)
{
    struct message_put m;

    if (!message_put_decode(body, n, &m)) {
        return;
    }
    if (m.is_claim) {
        store_put_if_absent(mail->store, m.place.box, m.place.name, m.value, m.len, m.lifetime_ms,
                            on_claimed, mail);
    } else {
        store_put(mail->store, m.place.box, m.place.name, m.value, m.len, m.lifetime_ms, NULL,
                  NULL);
    }
}

static void take_list(struct mail *mail, const uint8_t *body, size_t n)
{
    struct message_list m;

    if (message_list_decode(body, n, &m)) {
        store_list(mail->store, m.box, m.most < STORE_LIST_MAX ? m.most : STORE_LIST_MAX, on_listed,
                   mail);
    }
}

static void take_erase(struct mail *mail, const uint8_t *body, size_t n)
{
    struct message_place place;

    if (message_erase_decode(body, n, &place)) {
        store_delete(mail->store, place.box, place.name, on_erased, mail);
    }
}

static void take_watch(struct mail *mail, const uint8_t *body, size_t n)
{
    char box[MESSAGE_MAIL_NAME_MAX + 1];

    if (message_watch_decode(body, n, box)) {
        memcpy(mail->box, box, sizeof box);
        store_watch(mail->store, mail->box);
    }
}

void mail_take(struct mail *mail, enum channel_type type, const uint8_t *body, size_t n)
{
    if (type == CHANNEL_MAIL_WATCH) {
        take_watch(mail, body, n);
    } else if (type == CHANNEL_MAIL_PUT) {
        take_put(mail, body, n);
    } else if (type == CHANNEL_MAIL_LIST) {
        take_list(mail, body, n);
    } else if (type == CHANNEL_MAIL_ERASE) {
        take_erase(mail, body, n);
    }
    follow(mail);
}

/* Its beginning and end. */

enum rp_status mail_new(struct loop *loop, const struct mail_start *start, struct mail **out,
                        struct rp_error *err)
{
    struct mail *mail = memory_new(1, sizeof *mail);
    const struct store_owner owner = {
        .changed = on_changed, .state = on_state, .arrived = on_arrived, .cookie = mail};
    struct store_options options = {.url = start->url};
    enum rp_status status;

    *out = NULL;
    if (mail == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    mail->loop = loop;
    mail->start = *start;
    mail->start.url = NULL; /* it may hold a password, and is the store's business */
    mail->watch.fd = -1;
    mail->watch.ready = store_is_ready;
    mail->due.due = store_is_due;
    options.seed = (uint64_t)loop_now_ms(loop) << 32 ^ (uint64_t)getpid();
    status = store_new(&options, &owner, loop_now_ms(loop), &mail->store, err);
    if (status != RP_OK) {
        mail_free(&mail);
        return status;
    }
    follow(mail);
    *out = mail;
    return RP_OK;
}

void mail_begin(struct mail *mail)
{
    mail->has_begun = true;
    tell_state(mail);
}

void mail_free(struct mail **out)
{
    struct mail *mail = *out;

    *out = NULL;
    if (mail == NULL) {
        return;
    }
    if (mail->watch.fd >= 0) {
        loop_unwatch(mail->loop, &mail->watch);
    }
    loop_timer_clear(&mail->due);
    store_free(&mail->store);
    memory_free(mail);
}
