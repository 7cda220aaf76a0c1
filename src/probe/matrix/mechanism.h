/* The ways of resuming that a probe looks at, as the tool's options and its JSON call them. */
#ifndef MECHANISM_H
#define MECHANISM_H

#include <stdbool.h>
#include <stdint.h>

/* name, word, what people call it, protocol version */
#define MECHANISM_MAP(X)                                                                           \
    X(ID12, "id12", "TLS 1.2 session ID", 0x0303)                                                  \
    X(TICKET12, "ticket12", "TLS 1.2 ticket", 0x0303)                                              \
    X(TICKET13, "ticket13", "TLS 1.3 PSK", 0x0304)                                                 \
    X(EARLY, "early", "TLS 1.3 0-RTT", 0x0304)                                                     \
    X(ID11, "id11", "TLS 1.1 session ID", 0x0302)                                                  \
    X(TICKET11, "ticket11", "TLS 1.1 ticket", 0x0302)                                              \
    X(ID10, "id10", "TLS 1.0 session ID", 0x0301)                                                  \
    X(TICKET10, "ticket10", "TLS 1.0 ticket", 0x0301)

enum mechanism {
#define MECHANISM_ENUM(name, word, text, version) MECHANISM_##name,
    MECHANISM_MAP(MECHANISM_ENUM)
#undef MECHANISM_ENUM
};

#define MECHANISMS 8
/* What is looked at unless something else is asked for, as a mask of 1 << mechanism. */
#define MECHANISMS_DEFAULT                                                                         \
    ((1U << MECHANISM_ID12) | (1U << MECHANISM_TICKET12) | (1U << MECHANISM_TICKET13))

/* Those of tickets, and of them what is looked at where nothing but tickets matter. */
#define MECHANISMS_TICKETS                                                                         \
    ((1U << MECHANISM_TICKET12) | (1U << MECHANISM_TICKET13) | (1U << MECHANISM_TICKET11) |        \
     (1U << MECHANISM_TICKET10))
#define MECHANISMS_TICKETS_DEFAULT (MECHANISMS_DEFAULT & MECHANISMS_TICKETS)

const char *mechanism_word(enum mechanism m); /* "ticket12" */
const char *mechanism_text(enum mechanism m); /* "TLS 1.2 ticket" */
uint16_t mechanism_version(enum mechanism m);
bool mechanism_by_session_id(enum mechanism m);
bool mechanism_parse(const char *word, enum mechanism *out);

#endif
