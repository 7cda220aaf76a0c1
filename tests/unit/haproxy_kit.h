/* Somebody at the address of HAProxy's runtime API: a stand-in on the loop of who asks it. */
#ifndef HAPROXY_KIT_H
#define HAPROXY_KIT_H

#include <stdbool.h>
#include <stddef.h>

#include "haproxy_socket.h"
#include "loop.h"

#define HAPROXY_KIT_CONNS 8

enum haproxy_kit_manner {
    HAPROXY_KIT_PLAIN,
    HAPROXY_KIT_DRIPS,   /* a byte at a time */
    HAPROXY_KIT_FORGETS, /* what it is told, as if started again */
    HAPROXY_KIT_DENIES,  /* to be told anything */
    HAPROXY_KIT_MASTER,  /* knows no command, and waits for another */
    HAPROXY_KIT_SILENT,
    HAPROXY_KIT_HANGS_UP, /* without an answer */
    HAPROXY_KIT_STRANGER, /* speaks something else */
    HAPROXY_KIT_ENDLESS,
    HAPROXY_KIT_ECHO, /* what it is told */
};

struct haproxy_kit;

struct haproxy_kit_conn {
    struct haproxy_kit *kit;
    struct loop_watch watch; /* fd -1: free */
    char in[4096];
    size_t in_len;
    char out[8192];
    size_t out_len, n_sent;
};

struct haproxy_kit {
    struct loop *loop;
    struct loop_watch listener;
    struct haproxy_kit_conn conns[HAPROXY_KIT_CONNS];
    char folder[64];
    char address[128];
    enum haproxy_kit_manner manner;
    const char *file; /* whose keys they are; NULL: it has none at all */
    struct stek keys[HAPROXY_KEYS];
    unsigned n_commands;
};

/* In a folder of its own, or at a port of 127.0.0.1. */
void haproxy_kit_start(struct haproxy_kit *kit, struct loop *loop, bool on_tcp);
void haproxy_kit_stop(struct haproxy_kit *kit);

/* A key of its number. */
struct stek haproxy_kit_key(unsigned number, unsigned key_len);

#endif
