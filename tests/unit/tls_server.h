/*
 * A TLS server in a process of its own on a loopback port, one connection after the other, for
 * tests of a client. It counts what it sees, so that what the client reports can be checked.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

enum tls_server_kind {
    TLS_SERVER_GOOD,          /* resumes in every way */
    TLS_SERVER_FORGETS,       /* gives sessions, knows none again */
    TLS_SERVER_GIVES_NOTHING, /* neither IDs nor tickets */
    TLS_SERVER_RESETS,        /* every connection, after the ClientHello */
    TLS_SERVER_GARBLES,       /* answers with what is not HTTP */
    TLS_SERVER_SILENT,        /* never accepts */
    TLS_SERVER_ONLY_12,
    TLS_SERVER_DROPS_SOME,   /* closes every fourth connection before the handshake */
    TLS_SERVER_ENDLESS_BODY, /* answers, and never stops */
    TLS_SERVER_ENDLESS_HEADER,
    TLS_SERVER_SHORT_LIVED, /* advertises tickets of one second */
};

/* Shared with the server's process. */
struct tls_server_counts {
    uint64_t full;
    uint64_t resumed;
    uint64_t failed;
    uint64_t requests;
};

struct tls_server {
    pid_t pid;
    uint16_t port;
    char certificate[64]; /* a file with its self-signed certificate, for localhost */
    volatile struct tls_server_counts *counts;
};

void tls_server_start(struct tls_server *s, enum tls_server_kind kind);

/* Ends it; the counts stay readable until the next start. */
void tls_server_stop(struct tls_server *s);

#endif
