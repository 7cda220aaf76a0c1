/* Begins a connection to where a listener's connections go on to. */
#ifndef BACKEND_H
#define BACKEND_H

#include "address.h"
#include "stream.h"

enum backend_result {
    BACKEND_BEGUN, /* out is connected, or will be */
    BACKEND_BUSY,  /* its queue is full (EAGAIN), or no descriptor or port is free: again in a
                      moment; errno says which */
    BACKEND_DOWN,  /* errno says why */
};

/* A TCP or unix socket address. out owns a descriptor on BACKEND_BEGUN alone. */
enum backend_result backend_connect(const struct address *to, struct stream *out);

#endif
