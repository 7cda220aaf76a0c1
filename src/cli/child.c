#include "child.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "error.h"
#include "memory.h"
#include "message.h"

#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 10000
#define LIVED_MS 1000
#define UNANSWERED_MAX 3

enum rp_status child_start(struct child *child, struct loop *loop, const struct channel_peer *peer,
                           struct rp_error *err)
{
    struct spawn spawn = {.title = child->name, .run = child->kind->run, .cookie = child};
    int *keep = NULL;
    int fd = -1;
    enum rp_status status = child->kind->descriptors(child, &keep, &spawn.n_keep);

    child->dismissed = false;
    child->ready = false;
    child->n_unanswered = 0;
    child->started_ms = loop_now_ms(loop);
    if (status == RP_OK) {
        spawn.keep = keep;
        status = spawn_child(&spawn, &child->pid, &fd, err);
    } else {
        error_set(err, "%s", rp_status_text(status));
    }
    memory_free(keep);
    if (status != RP_OK) {
        child->pid = 0;
        return status;
    }
    status = channel_new(loop, fd, peer, &child->channel);
    if (status != RP_OK) {
        /* Its end of the channel is closed, so it goes; SIGCHLD tells when. */
        error_set(err, "cannot watch the channel to %s: %s", child->title, rp_status_text(status));
        child_kill(child);
    }
    return status;
}

void child_ended(struct child *child, int wait_status, const struct log *log, bool expected)
{
    const bool by_signal = WIFSIGNALED(wait_status);
    const int number = by_signal ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);

    if (log != NULL && (!expected || by_signal || number != 0)) {
        LOG_LINE(log, LOG_LEVEL_WARNING, "a process ended", LOG_S("process", child->title),
                 LOG_N("pid", child->pid), LOG_N(by_signal ? "signal" : "status", number),
                 LOG_S("reason", by_signal ? strsignal(number) : NULL));
    }
    channel_free(&child->channel);
    child->pid = 0;
    child->was_ready = child->ready;
    child->ready = false;
}

int64_t child_pause_ms(struct child *child, int64_t now_ms)
{
    int64_t pause_ms = child->pause_ms;

    if (child->was_ready) {
        child->was_ready = false;
        child->pause_ms = 0;
        return now_ms - child->started_ms >= LIVED_MS ? 0 : PAUSE_LEAST_MS;
    }
    if (pause_ms == 0) {
        pause_ms = PAUSE_LEAST_MS;
    }
    child->pause_ms = pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2 : PAUSE_MOST_MS;
    return pause_ms;
}

void child_drain(struct child *child, int64_t bound_ms)
{
    uint8_t body[MESSAGE_DRAIN_LEN];

    message_drain_encode(bound_ms, body);
    if (child->pid != 0 && (child->channel == NULL ||
                            !channel_send(child->channel, CHANNEL_DRAIN, body, sizeof body))) {
        child_kill(child);
    }
}

void child_kill(struct child *child)
{
    if (child->pid != 0) {
        (void)kill(child->pid, SIGKILL);
    }
}

void child_dismiss(struct child *child)
{
    child->dismissed = true;
    child_kill(child); /* first: else it might end of a closed channel, and say so */
    channel_free(&child->channel);
}

bool child_ping(struct child *child)
{
    if (child->pid == 0 || !child->ready || child->channel == NULL) {
        return true;
    }
    if (child->n_unanswered >= UNANSWERED_MAX) {
        return false;
    }
    child->n_unanswered++;
    /* One whose queue is full does not answer either. */
    (void)channel_send(child->channel, CHANNEL_PING, NULL, 0);
    return true;
}

bool child_pong(struct child *child)
{
    if (child->n_unanswered == 0) {
        return false;
    }
    child->n_unanswered--;
    return true;
}
