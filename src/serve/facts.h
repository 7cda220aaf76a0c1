/* What there is to tell of a TLS connection, in the log and on the built-in page. */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include <reprise/attach.h>

#include "sites_visit.h"
#include "subject.h"

#define FACTS_KEY_SIZE 33 /* 32 hexadecimal digits */

struct facts {
    struct rp_ssl_info info;
    const char *version;         /* "TLSv1.3"; static storage */
    const char *cipher;          /* OpenSSL's name; static storage */
    bool has_sni;                /* the client sent a server name */
    char sni[HELLO_SNI_MAX + 1]; /* lower case */
    char key[FACTS_KEY_SIZE];    /* of the session that was offered; empty: none */
    char issued[FACTS_KEY_SIZE]; /* of what was issued; empty: nothing was */
    char client[SUBJECT_SIZE];   /* of its certificate, that the session has; empty: none */
    size_t listener;             /* from 0 */
    unsigned worker;             /* from 0 */
};

/* After the handshake. listener and worker are the caller's to fill. */
void facts_read(const SSL *ssl, const struct sites_visit *visit, struct facts *out);

/* "New" or "Reused". */
const char *facts_session(const struct facts *f);

#endif
