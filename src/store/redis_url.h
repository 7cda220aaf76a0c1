/*
 * Where a Redis is, and how it is spoken to:
 *
 *     redis://[user:password@]host[:port][,host[:port]...][/db]
 *     redis+unix://[user:password@]/path[?db=N]
 *
 * user may be empty; both may have characters as %XX. A host is an address, an IPv6 one in
 * brackets, or a name.
 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/socket.h>

#include <reprise/status.h>

#define REDIS_HOSTS_MAX 8
#define REDIS_TARGETS_MAX 16 /* addresses of all hosts */
#define REDIS_WORD_SIZE 256  /* of host, user and password, with the NUL */
#define REDIS_DB_MAX 65535

struct redis_host {
    char name[REDIS_WORD_SIZE];
    char port[8];
    bool bracketed;
};

struct redis_url {
    struct redis_host hosts[REDIS_HOSTS_MAX];
    size_t n_hosts;
    char path[108]; /* of a socket; empty: none */
    char user[REDIS_WORD_SIZE];
    char password[REDIS_WORD_SIZE]; /* empty: none */
    unsigned db;
};

struct redis_target {
    struct sockaddr_storage address;
    socklen_t len;
    char text[REDIS_WORD_SIZE + 16]; /* for sentences */
};

struct redis_targets {
    struct redis_target at[REDIS_TARGETS_MAX];
    size_t n;
};

/* err never shows user or password. */
bool redis_url_parse(const char *s, struct redis_url *out, struct rp_error *err);

/*
 * Addresses of all hosts, in their order. Waits a few seconds at most, and only for names. err says
 * which names have none; empty: all have.
 */
void redis_url_resolve(const struct redis_url *url, struct redis_targets *out,
                       struct rp_error *err);

#endif
