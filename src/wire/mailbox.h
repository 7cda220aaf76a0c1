/* The messages that hosts of a fleet leave each other (docs/formats/mailbox.md), in the clear. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAILBOX_VERSION 1
#define MAILBOX_ID_LEN 16
#define MAILBOX_HEADER_LEN 50
#define MAILBOX_TAG_LEN 16
#define MAILBOX_MESSAGE_MAX 49152
#define MAILBOX_FLEET_MAX 63
#define MAILBOX_TEXT_MAX 63
#define MAILBOX_HELD_MAX 4
#define MAILBOX_RINGS_MAX 16
#define MAILBOX_ROOTS_MAX 260
#define MAILBOX_KEY_LEN 32
#define MAILBOX_PRESENCE_MAX 512
#define MAILBOX_TIME_ANSWER_LEN 40

/* Beyond these nothing is believed, so that sums of what is read stay in range. */
#define MAILBOX_EPOCH_MAX ((uint64_t)1 << 62)
#define MAILBOX_SPAN_MAX (INT64_MAX / 4)      /* of rotate, accept and reseed */
#define MAILBOX_RING_TIME_MAX (INT64_MAX / 4) /* either way */

/* Bits of health. */
#define MAILBOX_HEALTH_REPLACED 0x01 /* worker or keeper, lately */
#define MAILBOX_HEALTH_RELOAD 0x02   /* one failed */
#define MAILBOX_HEALTH_SECRETS 0x04  /* it understands a second secret */

enum mailbox_type {
    MAILBOX_PRESENCE = 1,
    MAILBOX_PULL,
    MAILBOX_RINGS,
    MAILBOX_TIME,
    MAILBOX_TIME_ANSWER,
};

struct mailbox_id {
    uint8_t bytes[MAILBOX_ID_LEN];
};

/* Ids are no secrets. */
bool mailbox_id_equal(const struct mailbox_id *a, const struct mailbox_id *b);

struct mailbox_header {
    enum mailbox_type type;
    struct mailbox_id from;
    struct mailbox_id to;
    struct mailbox_id nonce;
};

void mailbox_header_encode(const struct mailbox_header *h, uint8_t out[static MAILBOX_HEADER_LEN]);
/* Of the first bytes of a message of n bytes. False: shorter, another version or type, or a
 * PRESENCE that is to somebody; *out then is zero. */
bool mailbox_header_decode(const uint8_t *p, size_t n, struct mailbox_header *out);

struct mailbox_held {
    struct mailbox_id ring;
    int64_t ring_ms;
    uint64_t epoch;
    bool seals;
};

struct mailbox_presence {
    uint64_t seq;
    struct mailbox_id invite;
    bool is_member; /* false: joining */
    uint8_t health;
    int64_t rotate_ms; /* at least 1 */
    int64_t accept_ms; /* at least 0 */
    int64_t reseed_ms; /* at least 0; 0: never */
    uint32_t uncertainty_ms;
    unsigned n_held;
    struct mailbox_held held[MAILBOX_HELD_MAX]; /* at most one seals, none is there twice */
    char name[MAILBOX_TEXT_MAX + 1];
    char address[MAILBOX_TEXT_MAX + 1]; /* of these three only this may be empty */
    char version[MAILBOX_TEXT_MAX + 1];
};

/* 0: it breaks a rule, and no host would read it. */
size_t mailbox_presence_encode(const struct mailbox_presence *m,
                               uint8_t out[static MAILBOX_PRESENCE_MAX]);
/* False: malformed, and *out is zero. */
bool mailbox_presence_decode(const uint8_t *p, size_t n, struct mailbox_presence *out);

struct mailbox_time {
    struct mailbox_id question;
    struct mailbox_id ring;
    int64_t ring_ms;
};

/* Of a ring time out of range it is written, but never read again. */
void mailbox_time_encode(const struct mailbox_time *m, uint8_t out[static MAILBOX_TIME_ANSWER_LEN]);
bool mailbox_time_decode(const uint8_t *p, size_t n, struct mailbox_time *out);

/* One ring of a RINGS message. */
struct mailbox_ring {
    struct mailbox_id id;
    bool held;  /* chain is there; of at most MAILBOX_HELD_MAX rings */
    bool seals; /* one ring, that is held */
    int64_t ring_ms;
    uint64_t epoch;
    uint8_t chain[MAILBOX_KEY_LEN]; /* secret; of epoch + 1 */
    /* Roots of epochs that follow each other: up to epoch + 1 where the ring is held, and not
     * beyond it where it is not. Secret, MAILBOX_KEY_LEN bytes each, borrowed of the message. */
    uint64_t first;
    unsigned n_roots;
    const uint8_t *roots; /* NULL: none */
};

struct mailbox_rings {
    int64_t rotate_ms;
    int64_t accept_ms;
    unsigned n;
    struct mailbox_ring rings[MAILBOX_RINGS_MAX]; /* none is there twice */
};

/* 0: it does not fit in room, and what was written is wiped; or it breaks a rule. */
size_t mailbox_rings_encode(const struct mailbox_rings *m, uint8_t *out, size_t room);
/* False: malformed, and *out is wiped. On success the caller wipes it. */
bool mailbox_rings_decode(const uint8_t *p, size_t n, struct mailbox_rings *out);

#endif
