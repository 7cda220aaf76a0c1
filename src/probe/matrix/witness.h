/*
 * Writes down in a visit what goes over one connection: the messages as libssl shows them, and what
 * it says once the handshake is done.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include <openssl/ssl.h>

#include "visit.h"

struct witness {
    struct visit *visit;
    bool has_record;  /* something came that libssl took for the header of a record */
    uint8_t first[5]; /* its bytes */
};

/* Before the handshake; ssl tells w until it is freed. */
void witness_attach(struct witness *w, SSL *ssl, struct visit *visit);

/* The handshake is done: versions, suites, the certificate of a full one. name: what the
 * certificate is to name, NULL: anything; now_s: Unix time. */
void witness_established(struct witness *w, SSL *ssl, const char *name, bool name_is_address,
                         int64_t now_s);

/*
 * The handshake failed in libssl (SSL_ERROR_SSL) or at the end of the bytes, with libssl's errors
 * still in its queue: finds the end and says why.
 */
void witness_failed(struct witness *w);

#endif
