/*
 * What the choice of a site notes of a connection: the server name that the client sent, which
 * libssl itself does not tell of a resumed TLS 1.2 connection. A connection that wants it makes it
 * its SSL's application data (SSL_set_app_data) before the handshake.
 */
#ifndef SITES_VISIT_H
#define SITES_VISIT_H

#include <stdbool.h>

#include "hello_ext.h"

struct sites_visit {
    bool has_sni;
    char sni[HELLO_SNI_MAX + 1]; /* lower case */
    bool refused;                /* no site goes by this name, and only a name of one will do */
};

#endif
