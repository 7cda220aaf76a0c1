/*
 * The fleet secret as text, and the file with one or two of them (docs/formats/fleet-secret.md).
 * Made by people's hands as well as by a program: what is wrong is told by line and column. Of a
 * secret itself no sentence says anything.
 */
#ifndef FLEET_SECRET_H
#define FLEET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define FLEET_SECRET_LEN 32
#define FLEET_SECRETS_MAX 2
#define FLEET_SECRET_AT_ONCE "forget-other-rings"
#define FLEET_SECRET_FILE_MAX 4096

#define FLEET_SECRET_PREFIX "reprise-fleet-secret-1:"
#define FLEET_SECRET_DIGITS 58
/* With the NUL. */
#define FLEET_SECRET_TEXT_SIZE (sizeof FLEET_SECRET_PREFIX + FLEET_SECRET_DIGITS)

struct fleet_secrets {
    unsigned n;   /* 1 or 2; the first is spoken, both are understood */
    bool at_once; /* what is known under another secret opens no more */
    uint8_t secret[FLEET_SECRETS_MAX][FLEET_SECRET_LEN]; /* secret; zero beyond n */
};

/* Does not judge the secret. The text is as secret as the bytes; no newline. */
void fleet_secret_encode(const uint8_t secret[static FLEET_SECRET_LEN],
                         char out[static FLEET_SECRET_TEXT_SIZE]);

/*
 * The n bytes of a file; name is for the sentence. RP_FORMAT, RP_FULL (too long a file, too many
 * secrets) or RP_WEAK_KEY: err says in which line what is wrong, and *out is wiped.
 */
enum rp_status fleet_secrets_decode(const char *name, const uint8_t *p, size_t n,
                                    struct fleet_secrets *out, struct rp_error *err) RP_MUST_USE;

void fleet_secrets_fini(struct fleet_secrets *secrets); /* wipes */

#endif
