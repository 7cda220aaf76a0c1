/* The kinds themselves, for the table (feed.c). */
#ifndef FEED_KINDS_H
#define FEED_KINDS_H

#include "feed.h"

extern const struct feed_kind feed_nginx;
extern const struct feed_kind feed_haproxy;
extern const struct feed_kind feed_apache;
extern const struct feed_kind feed_trafficserver;
extern const struct feed_kind feed_lighttpd;
extern const struct feed_kind feed_h2o;
extern const struct feed_kind feed_nodejs;
extern const struct feed_kind feed_plain; /* `files` */

#endif
