/* How a command that a feed asked for ended, in words. */
#ifndef FEED_RAN_H
#define FEED_RAN_H

#include <reprise/status.h>

#include "message.h"

/* Says nothing of one that succeeded. */
void feed_ran_explain(const struct message_feed_ran *m, struct rp_error *why);

#endif
