/*
 * Mail between keeper and courier (docs/formats/messages.md). The parent passes it on unread, so
 * whoever gets it drops what is malformed: it is not the parent's fault.
 *
 * Values are opaque here: courier and store see no more than their names and lengths.
 */
#ifndef MESSAGE_MAIL_H
#define MESSAGE_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

#define MESSAGE_MAIL_NAME_MAX 127
#define MESSAGE_MAIL_VALUE_MAX 49152
#define MESSAGE_MAIL_ROOM 524288 /* for struct channel_peer */

/* A box, or a box and an entry; box: a-z 0-9 . _ - /, name: the same without /. */
struct message_place {
    char box[MESSAGE_MAIL_NAME_MAX + 1];
    char name[MESSAGE_MAIL_NAME_MAX + 1];
};

struct message_put {
    struct message_place place;
    bool is_claim;        /* only if it is absent; MAIL_CLAIMED answers */
    int64_t lifetime_ms;  /* at least 1 */
    const uint8_t *value; /* borrowed of the message */
    size_t len;
};

struct message_list {
    char box[MESSAGE_MAIL_NAME_MAX + 1];
    unsigned most;
};

/* Of MAIL_ENTRY and MAIL_LETTER. */
struct message_entry {
    char name[MESSAGE_MAIL_NAME_MAX + 1];
    const uint8_t *value;
    size_t len;
};

struct message_listed {
    bool ok;
    uint16_t n; /* MAIL_ENTRY before it; if fewer came, some were lost */
    uint32_t total;
};

struct message_claimed {
    bool ok;
    bool is_ours;
};

/* All encoders: the length; 0: a name or a value is too long, or a name is empty. */
size_t message_store_encode(bool is_up, uint8_t out[static CHANNEL_MAIL_MAX]); /* MAIL_STATE */
size_t message_watch_encode(const char *box, uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_put_encode(const char *box, const char *name, const struct message_put *m,
                          uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_list_encode(const char *box, unsigned most, uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_erase_encode(const char *box, const char *name,
                            uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_entry_encode(const char *name, const uint8_t *value, size_t len,
                            uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_listed_encode(const struct message_listed *m, uint8_t out[static CHANNEL_MAIL_MAX]);
size_t message_claimed_encode(const struct message_claimed *m,
                              uint8_t out[static CHANNEL_MAIL_MAX]);

/* All decoders: false: malformed. */
bool message_store_decode(const uint8_t *p, size_t n, bool *is_up);
bool message_watch_decode(const uint8_t *p, size_t n, char box[static MESSAGE_MAIL_NAME_MAX + 1]);
bool message_put_decode(const uint8_t *p, size_t n, struct message_put *out);
bool message_list_decode(const uint8_t *p, size_t n, struct message_list *out);
bool message_erase_decode(const uint8_t *p, size_t n, struct message_place *out);
bool message_entry_decode(const uint8_t *p, size_t n, struct message_entry *out);
bool message_listed_decode(const uint8_t *p, size_t n, struct message_listed *out);
bool message_claimed_decode(const uint8_t *p, size_t n, struct message_claimed *out);

#endif
