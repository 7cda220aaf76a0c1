#include "feed_ran.h"

#include <string.h>

#include "error.h"

void feed_ran_explain(const struct message_feed_ran *m, struct rp_error *why)
{
    const char *what = m->what == MESSAGE_FEED_VERIFY ? "verify" : "reload";

    switch (m->how) {
    case MESSAGE_FEED_EXITED:
        error_set(why, "%s: exit status %u", what, (unsigned)m->value);
        break;
    case MESSAGE_FEED_KILLED:
        error_set(why, "%s: %s", what, strsignal((int)m->value));
        break;
    case MESSAGE_FEED_TIMED_OUT:
        error_set(why, "%s: it did not end in time and was killed", what);
        break;
    case MESSAGE_FEED_NOT_STARTED:
        error_set(why, "%s: it cannot be started: %s", what, strerror((int)m->value));
        break;
    case MESSAGE_FEED_NOT_WRITTEN:
        error_set(why, "%s", m->words);
        return;
    }
    if (m->words[0] != '\0') {
        error_add(why, ": %s", m->words);
    }
}
