/*
 * One key on one ticket, in every way that a ticket may be sealed. What comes out is recognised by
 * itself: a MAC or an AEAD tag that verifies, or a session in what was decrypted.
 */
#ifndef TICKET_CRACK_H
#define TICKET_CRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "text.h"
#include "ticket_cipher.h"
#include "ticket_layout.h"

#define CRACK_IV_MAX 31 /* the last place where an IV is looked for */

struct crack_ticket {
    struct ticket_bytes ticket;
    struct ticket_view views[TICKET_LAYOUTS]; /* what it could be */
    size_t n_views;
    bool structured; /* not random to begin with: what is decrypted says nothing by its look */
    bool briefly;    /* only what is cheap: enough tickets under its key name had it all */
};

struct crack_result {
    char how[128];     /* "AES-256-CBC, IV at byte 16" */
    char content[256]; /* what was found inside; empty: not known */
};

struct cracker;

/* longest: bytes of the longest ticket that will come. */
enum rp_status cracker_new(size_t longest, struct cracker **out) RP_MUST_USE;
void cracker_free(struct cracker **cracker);

struct ticket_cipher *cracker_cipher(struct cracker *c);

/* The key of what follows, 16 or 32 bytes, borrowed until the next one. */
bool cracker_set_key(struct cracker *c, const uint8_t *key, size_t n);

/* True: it opens, and out says how. *n_tried goes up by what was decrypted. */
bool cracker_try(struct cracker *c, const struct crack_ticket *t, uint64_t *n_tried,
                 struct crack_result *out);

#endif
