/*
 * A connection to a Redis that is made again whenever it ends: to one target after the other, then,
 * when none of them would do, after a pause that grows from 100 ms to 10 s and is random by half.
 *
 * Commands are answered in their order. A server that leaves one unanswered for too long, that
 * answers what is no protocol or was not asked for, or too much, is left.
 *
 * I/O is our own, not that of hiredis' asynchronous part: that one knows no time, and trusts the
 * server so far that an answer too many ends the process.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "redis_reply.h"
#include "redis_url.h"
#include "store.h"

/* Commands that are not answered yet. */
#define REDIS_PENDING_MAX (STORE_QUESTIONS_MAX + 64)

struct redis_arg {
    const void *at;
    size_t len;
};

struct redis_link;

/* tag is that of redis_link_command. No call may free the link, or make it end. */
struct redis_link_owner {
    void (*up)(void *cookie);
    /* why: one sentence, which names the target. After an end, or when all targets failed. */
    void (*down)(void *cookie, const char *why);
    /* Not NULL: the link ends, for this reason (what the server did). */
    const char *(*reply)(void *cookie, unsigned kind, void *tag, const struct redis_reply *reply);
    /* A reply to nothing; NULL: they end the link. */
    const char *(*pushed)(void *cookie, const struct redis_reply *reply);
    /* A command that will not be answered. */
    void (*lost)(void *cookie, unsigned kind, void *tag);
    void *cookie;
};

struct redis_link_options {
    const struct redis_url *url;         /* these two are borrowed for as long as the link lives */
    const struct redis_targets *targets; /* at least one */
    int epoll;                           /* where its socket is registered, with the link as data */
    int64_t timeout_ms;
    uint64_t seed;
};

/* It begins with the first redis_link_tick. */
enum rp_status redis_link_new(const struct redis_link_options *options,
                              const struct redis_link_owner *owner,
                              struct redis_link **out) RP_MUST_USE;

/* Nobody is told. */
void redis_link_free(struct redis_link **link);

bool redis_link_up(const struct redis_link *link);

/* The target that it is connected to, or tries. */
const struct redis_target *redis_link_target(const struct redis_link *link);

/* False: it cannot be sent now. kind is not 0, but for what is never answered by a reply of its
 * own: that is 0. */
bool redis_link_command(struct redis_link *link, const struct redis_arg *args, size_t n,
                        unsigned kind, void *tag, int64_t now_ms);

/* The answer to it is of no interest any more. */
void redis_link_forget(struct redis_link *link, const void *tag);

int64_t redis_link_due_ms(const struct redis_link *link);
int64_t redis_link_heard_ms(const struct redis_link *link); /* when it last read anything */

/* After what epoll says of it; when it is due; to send what was said. */
void redis_link_ready(struct redis_link *link, uint32_t events, int64_t now_ms);
void redis_link_tick(struct redis_link *link, int64_t now_ms);
void redis_link_flush(struct redis_link *link, int64_t now_ms);

#endif
