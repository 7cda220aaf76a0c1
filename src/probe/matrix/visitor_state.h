/* What visitor.c, the life of a visit, and visitor_steps.c, what happens in it, share. */
#ifndef VISITOR_STATE_H
#define VISITOR_STATE_H

#include "http_reply.h"
#include "starttls.h"
#include "stepper.h"
#include "visitor.h"
#include "witness.h"

enum phase {
    IDLE,
    FAILING, /* before there was a socket to watch */
    CONNECTING,
    GREETING, /* STARTTLS */
    EARLY,
    HANDSHAKING,
    WRITING,
    READING,
    LEAVING, /* our end is closed; the server's is awaited */
    CLOSING,
};

struct visitor {
    struct visitor_config config;
    struct visitor_order order;
    struct stepper stepper;
    uv_timer_t timer;
    enum phase phase;
    int fd;
    unsigned n_reads; /* that libssl has left in this turn of the loop */
    SSL *ssl;
    struct witness witness;
    struct starttls starttls;
    struct http_reply reply;
    size_t sent; /* of the request, or of what STARTTLS says */
    size_t received;
    bool sent_early; /* all of the request, before the handshake was done */
    bool at_end;     /* the server has closed its side, or libssl will say no more */
    uint64_t start_ns;
    SSL_SESSION *sessions[VISIT_TICKETS_MAX];
    size_t n_sessions;
    struct visit visit;
};

/* Does what the phase of the visitor asks for next. */
enum step visitor_step(void *visitor);

/* Closes our end; what the server still has to say is read for a while. */
void visitor_leave(struct visitor *v);

/* Writes down how it ended, and why. */
enum step visitor_over(struct visitor *v, enum visit_end end, const char *why);
void visitor_connect_failed(struct visit *visit, int error);

#endif
