/*
 * Carries the keeper's mail to the store and back (docs/formats/messages.md, "Mail"). What it
 * carries it can neither read nor make.
 */
#ifndef MAIL_H
#define MAIL_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "channel.h"
#include "log.h"
#include "loop.h"

struct mail;

struct mail_start {
    const char *url;
    struct channel *channel; /* to the parent; outlives the mail */
    const struct log *log;
};

/* Begins to connect; may look up names, for a few seconds. start is copied, url too. */
enum rp_status mail_new(struct loop *loop, const struct mail_start *start, struct mail **out,
                        struct rp_error *err) RP_MUST_USE;
void mail_free(struct mail **mail);

/* Tells the keeper whether there is a store, and from then on whatever comes of it. */
void mail_begin(struct mail *mail);

/* A message of the keeper. What is malformed is dropped. */
void mail_take(struct mail *mail, enum channel_type type, const uint8_t *body, size_t n);

#endif
