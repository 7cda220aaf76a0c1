/* One question to the admin socket of a running reprised. */
#ifndef ADMIN_ASK_H
#define ADMIN_ASK_H

#include <stddef.h>

#include <reprise/status.h>

#define ADMIN_ASK_DEFAULT "127.0.0.1:9443"
#define ADMIN_ASK_MAX ((size_t)1 << 20) /* bytes of an answer */

/*
 * GET path. address: numeric HOST:PORT, or unix:/path. Waits a few seconds at most. RP_INVALID: no
 * address; RP_SYSTEM: nobody answers there; RP_NOT_FOUND: it has no such page; RP_FORMAT: what
 * answers is no admin socket. err says which, and what to do. *body has *n bytes and a NUL, and is
 * freed with memory_free.
 */
enum rp_status admin_ask(const char *address, const char *path, char **body, size_t *n,
                         struct rp_error *err) RP_MUST_USE;

#endif
