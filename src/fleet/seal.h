/*
 * Messages under the fleet secret: authenticated and encrypted, each under a key of its own
 * (docs/formats/mailbox.md, "Sealed"). They carry no keys.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "mailbox.h"

#define SEAL_SECRET_LEN 32
#define SEAL_OVERHEAD (MAILBOX_HEADER_LEN + MAILBOX_TAG_LEN)

/* What follows from a fleet secret. Secret. */
struct seal {
    uint8_t secret[SEAL_SECRET_LEN];
    uint8_t psk[32]; /* for noise.h */
    uint8_t mark[4]; /* of the secret, in ids of rings; no secret */
    char fleet[MAILBOX_FLEET_MAX + 1];
};

enum rp_status seal_init(struct seal *s, const uint8_t secret[static SEAL_SECRET_LEN],
                         const char *fleet) RP_MUST_USE;
void seal_fini(struct seal *s); /* wipes */

/* out: n + SEAL_OVERHEAD bytes, header first. The nonce in it must never have been used. */
enum rp_status seal_message(const struct seal *s, const struct mailbox_header *header,
                            const uint8_t *plain, size_t n, uint8_t *out) RP_MUST_USE;

/* RP_FORMAT: it does not authenticate. plain: n - SEAL_OVERHEAD bytes. */
enum rp_status seal_open(const struct seal *s, const uint8_t *message, size_t n,
                         struct mailbox_header *header, uint8_t *plain) RP_MUST_USE;

/* The prologue of the exchange that a PULL with this header begins; its length. */
#define SEAL_PROLOGUE_MAX (1 + 14 + 1 + MAILBOX_FLEET_MAX + MAILBOX_HEADER_LEN)
size_t seal_prologue(const struct seal *s, const struct mailbox_header *pull,
                     uint8_t out[static SEAL_PROLOGUE_MAX]);

#endif
