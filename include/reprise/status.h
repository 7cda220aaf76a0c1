/*
 * How a call of libreprise ended.
 *
 * A status says that *we* could not do what was asked. What a peer sent is never an error: it is
 * judged by a verdict (verdict.h).
 */
#ifndef REPRISE_STATUS_H
#define REPRISE_STATUS_H

#include "api.h"

RP_BEGIN

#define RP_STATUS_MAP(X)                                                                           \
    X(OK, "ok")                                                                                    \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(INVALID, "invalid argument")                                                                 \
    X(SYSTEM, "a system call failed")                                                              \
    X(CRYPTO, "libcrypto failed")                                                                  \
    X(FORMAT, "malformed data")                                                                    \
    X(FULL, "no room left")                                                                        \
    X(NOT_FOUND, "not found")                                                                      \
    X(WEAK_KEY, "a weak key")                                                                      \
    X(NOT_KEEPER, "this process is not the keeper of the keyring")

enum rp_status {
#define RP_STATUS_ENUM(name, text) RP_##name,
    RP_STATUS_MAP(RP_STATUS_ENUM)
#undef RP_STATUS_ENUM
};

/* A short English phrase for a status; never NULL, static storage. */
RP_API const char *rp_status_text(enum rp_status status);

/* Room for one clear sentence: the file, line or name, what is wrong, what would be right. */
#define RP_ERROR_SIZE 512

/* Filled by calls that take one, when they fail; NULL may always be passed instead. */
struct rp_error {
    char text[RP_ERROR_SIZE]; /* NUL-terminated, no newline */
};

RP_END

#endif
