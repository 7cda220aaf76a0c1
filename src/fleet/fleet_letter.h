/* What leaves: boxes and names of entries, and letters put into the boxes of others. */
#ifndef FLEET_LETTER_H
#define FLEET_LETTER_H

#include "fleet_state.h"

/* reprise/1/NAME/ and what follows. */
#define LETTER_BOX_MAX (10 + MAILBOX_FLEET_MAX + 1 + 3 + 2 * MAILBOX_ID_LEN + 1)
#define LETTER_NAME_MAX (5 + 2 * MAILBOX_ID_LEN + 1)

void fleet_box(const struct fleet *f, const char *name, char out[static LETTER_BOX_MAX]);
void fleet_box_of(const struct fleet *f, const struct mailbox_id *host,
                  char out[static LETTER_BOX_MAX]);
void fleet_id_name(const char *before, const uint8_t id[static MAILBOX_ID_LEN],
                   char out[static LETTER_NAME_MAX]);

/* A header from this host with a fresh nonce. */
enum rp_status fleet_header(struct fleet *f, enum mailbox_type type, const struct mailbox_id *to,
                            struct mailbox_header *out) RP_MUST_USE;

/* Puts a message, that its header begins, into the box of whom it is to. */
void fleet_letter_put(struct fleet *f, const struct mailbox_header *header, const uint8_t *message,
                      size_t n);

/* The same for one that is sealed: at most LETTER_PLAIN_MAX bytes. What cannot be sent is like a
 * letter that is lost, so this status need not be looked at. */
#define LETTER_PLAIN_MAX MAILBOX_TIME_ANSWER_LEN
enum rp_status fleet_letter_seal(struct fleet *f, unsigned secret,
                                 const struct mailbox_header *header, const uint8_t *plain,
                                 size_t n);

/* Opens by either secret; *secret: which. */
enum rp_status fleet_open(const struct fleet *f, const uint8_t *message, size_t n,
                          struct mailbox_header *header, uint8_t *plain,
                          unsigned *secret) RP_MUST_USE;

#endif
