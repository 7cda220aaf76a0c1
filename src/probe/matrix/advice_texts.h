/* The advice itself: sentences by cause, way of resuming and server. */
#ifndef ADVICE_TEXTS_H
#define ADVICE_TEXTS_H

#include <stddef.h>

#include "advice.h"

#define ADVICE_ID 1U
#define ADVICE_TICKET12 2U
#define ADVICE_TICKET13 4U
#define ADVICE_EARLY 8U
#define ADVICE_LATE (ADVICE_TICKET12 | ADVICE_TICKET13) /* tickets, but for early data */
#define ADVICE_TICKETS (ADVICE_TICKET12 | ADVICE_TICKET13 | ADVICE_EARLY)
#define ADVICE_ALL (ADVICE_ID | ADVICE_TICKETS)

struct advice_text {
    enum cause cause;
    enum server_kind kind; /* SERVER_OTHER: where there is none for a server */
    unsigned ways;
    const char *text;
};

extern const struct advice_text advice_texts[];
extern const size_t advice_texts_n;

#endif
