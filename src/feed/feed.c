#include "feed.h"

#include <string.h>

#include "feed_kinds.h"
#include "feed_lead.h"

static const struct feed_kind *const kinds[] = {
    &feed_nginx,    &feed_haproxy, &feed_apache, &feed_trafficserver,
    &feed_lighttpd, &feed_h2o,     &feed_nodejs, &feed_plain,
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

const struct feed_kind *feed_kind_find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

/* What the servers of a format hold, if all of a window's keys are put before them. */
static struct feed_needs needs_of(enum key_format format)
{
    switch (format) {
    case KEY_FORMAT_HAPROXY:
        return (struct feed_needs){.room = FEED_ROOM_THREE};
    case KEY_FORMAT_APACHE:
        return (struct feed_needs){.room = FEED_ROOM_ONE};
    case KEY_FORMAT_H2O:
        return feed_h2o.needs;
    case KEY_FORMAT_NGINX:
    case KEY_FORMAT_TRAFFICSERVER:
    case KEY_FORMAT_LIGHTTPD:
    case KEY_FORMAT_NGHTTPX:
    case KEY_FORMAT_DNSDIST:
    case KEY_FORMAT_DNSDIST_GNUTLS:
    case KEY_FORMATS:
        break;
    }
    return (struct feed_needs){.room = FEED_ROOM_ANY};
}

bool feed_needs(const struct feed_kind *kind, enum key_format format, bool short_keys,
                struct feed_needs *out)
{
    const struct key_format_traits *traits;

    if (kind != &feed_plain) {
        *out = kind->needs;
        return true;
    }
    traits = key_format_traits(format);
    *out = needs_of(format);
    out->short_keys = short_keys;
    return short_keys ? traits->takes_short : traits->takes_long;
}

static enum key_format format_of(const struct feed_kind *kind, enum key_format format)
{
    return kind == &feed_plain ? format : kind->format;
}

bool feed_is_dated(const struct feed_kind *kind, enum key_format format)
{
    return key_format_traits(format_of(kind, format))->dated;
}

enum rp_status feed_make_files(const struct feed_kind *kind, const struct feed_keys *keys,
                               const struct feed_target *target, struct feed_files *files)
{
    struct feed_target own = *target;

    own.format = format_of(kind, target->format);
    return kind->write(keys, &own, files);
}

int64_t feed_again_s(const struct feed_kind *kind, const struct feed_keys *keys, int64_t now_s)
{
    return kind->lead_ms != 0 ? feed_lead_again_s(keys, kind->lead_ms, now_s) : INT64_MAX;
}
