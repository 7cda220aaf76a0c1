/*
 * Framed messages between the parent and a child over a socketpair (docs/formats/messages.md):
 * type, length, body. A message of a type that the receiver's role does not obey, or of a length
 * that is not its type's, closes the channel; the parent then kills and replaces the child.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "loop.h"

#define CHANNEL_BODY_MAX 2048 /* of all but mail */
#define CHANNEL_MAIL_MAX 49664

enum channel_type {
    CHANNEL_READY = 1,     /* child to parent: set up, privileges dropped */
    CHANNEL_EPOCH,         /* keeper to parent, and on to the feeder: the window changed */
    CHANNEL_STATIC_KEYS,   /* parent to keeper: the keys of files that were read again; secret */
    CHANNEL_KEYS_TAKEN,    /* keeper to parent: how that ended */
    CHANNEL_DRAIN,         /* parent to child: finish within a bound, and exit */
    CHANNEL_ACCEPT,        /* parent to worker, courier, feeder: begin */
    CHANNEL_DOMAINS,       /* parent to keeper: security domains to add */
    CHANNEL_DOMAINS_TAKEN, /* keeper to parent: how that ended */
    CHANNEL_PING,          /* parent to child: answer */
    CHANNEL_PONG,          /* child to parent: still there */
    CHANNEL_SETTLED,       /* keeper, feeder to parent: what the start waits for has been tried */
    /* Mail: passed on by the parent. From keeper to courier: */
    CHANNEL_MAIL_WATCH, /* tell of letters in this box */
    CHANNEL_MAIL_PUT,   /* this into the store; or a claim */
    CHANNEL_MAIL_LIST,  /* what is in this box? */
    CHANNEL_MAIL_ERASE,
    /* And back: */
    CHANNEL_MAIL_STATE, /* the store can be asked, or not any more; also from the parent itself */
    CHANNEL_MAIL_ENTRY, /* one of the box that was asked for */
    CHANNEL_MAIL_LISTED,
    CHANNEL_MAIL_CLAIMED,
    CHANNEL_MAIL_ERASED,
    CHANNEL_MAIL_LETTER,
    /* Feeds: */
    CHANNEL_FEED_RUN,   /* feeder to parent: run this command of the configuration */
    CHANNEL_FEED_RAN,   /* parent to feeder: how it ended */
    CHANNEL_FEED_CLEAR, /* parent to feeder: these feeds come to their end */
};

/* What a role obeys: type and exact length of body, or a range. */
struct channel_rule {
    enum channel_type type;
    size_t least;
    size_t most;
};

extern const char channel_gone[];

struct channel;

struct channel_peer {
    const struct channel_rule *rules; /* what we obey */
    size_t n_rules;
    void (*message)(void *cookie, enum channel_type type, const uint8_t *body, size_t n);
    /* The channel is closed; why is for the log, and channel_gone if the other end was closed. */
    void (*closed)(void *cookie, const char *why);
    void *cookie;
    /* Either callback may free the channel. */
    size_t mail_room; /* bytes of mail that may wait; 0: none is sent */
};

/* A connected pair for channel_new, one end for the parent and one for a child. */
bool channel_pair(int fds[static 2]) RP_MUST_USE;

/* Takes fd over, also on failure. */
enum rp_status channel_new(struct loop *loop, int fd, const struct channel_peer *peer,
                           struct channel **out) RP_MUST_USE;
void channel_free(struct channel **channel);

/*
 * In a forked child, for a channel of the parent: wipes and frees the child's copy, and leaves
 * alone what the parent's loop watches. The descriptor is left to spawn, which closes all.
 */
void channel_abandon(struct channel **channel);

/* Queues or sends; body is copied, and wiped after it was sent. False: closed, or too much queued.
 */
bool channel_send(struct channel *channel, enum channel_type type, const void *body, size_t n);

/*
 * The same with mail, which may get lost: of at most CHANNEL_MAIL_MAX bytes, and never in the way
 * of what channel_send sends. False: it is lost. What is short has a little more room, so that
 * questions and answers outlive a flood of letters.
 */
bool channel_mail(struct channel *channel, enum channel_type type, const void *body, size_t n);

#endif
