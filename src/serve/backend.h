/* Begins a connection to where a listener's connections go on to. */
#ifndef BACKEND_H
#define BACKEND_H

#include "address.h"
#include "stream.h"

enum backend_result {
    BACKEND_BEGUN, /* out is connected, or will be */
    BACKEND_BUSY,  /* a unix socket's queue is full: again in a moment */
    BACKEND_DOWN,  /* errno says why */
};

/* A TCP or unix socket address. out owns a descriptor on BACKEND_BEGUN alone. */
enum backend_result backend_connect(const struct address *to, struct stream *out);

#endif
