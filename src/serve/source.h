/*
 * A file that a directive names, with a certificate, a key or the like in it: opening it, and
 * saying what is wrong with it.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>

#include <openssl/bio.h>

#include <reprise/status.h>

#include "config.h"

/* Sentences about what works, but not as its owner would wish. Zeroes: none yet. */
struct warnings {
    struct rp_error *items; /* each "FILE:LINE:COLUMN: sentence" */
    size_t n;
};

void warnings_fini(struct warnings *warnings);

/* What a complaint needs. */
struct source {
    const struct config *config;
    struct config_place place;
    struct rp_error *err;
    struct warnings *warnings;
};

/* The same for another directive. */
struct source source_at(const struct source *from, struct config_place place);

/* Complains; returns RP_INVALID. */
enum rp_status source_refuse(const struct source *from, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Complains "PATH: what (OpenSSL's reason)", and empties OpenSSL's queue; returns RP_INVALID. */
enum rp_status source_refuse_openssl(const struct source *from, const char *path, const char *what);

/* Warns; RP_OK or RP_NO_MEMORY. */
enum rp_status source_warn(const struct source *from, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For reading. *out is the caller's to free; NULL on failure, of which was complained. */
enum rp_status source_open(const struct source *from, const char *path, BIO **out) RP_MUST_USE;

/* After a read of PEM that yielded nothing: nothing is left, rather than something malformed. */
bool source_pem_ended(void);

/* As pem_password_cb: a daemon has nobody to ask. */
int source_no_passphrase(char *out, int size, int writing, void *cookie);

#endif
