/* Tickets that were read, from whatever input, and what was said beside them. */
#ifndef TICKET_LIST_H
#define TICKET_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "new_session_ticket.h"
#include "ticket_layout.h"

/* name, word, text */
#define TICKET_FORM_MAP(X)                                                                         \
    X(RAW, "raw", "raw bytes")                                                                     \
    X(HEX, "hex", "hexadecimal")                                                                   \
    X(BASE64, "base64", "base64")                                                                  \
    X(DUMP, "s_client", "hex dump of openssl s_client")                                            \
    X(PEM, "session-file", "PEM session file")

enum ticket_form {
#define TICKET_FORM_ENUM(name, word, text) TICKET_FORM_##name,
    TICKET_FORM_MAP(TICKET_FORM_ENUM)
#undef TICKET_FORM_ENUM
};

#define TICKET_WRAP_MAP(X)                                                                         \
    X(TICKET, "ticket", "a bare ticket")                                                           \
    X(BODY, "message-body", "a NewSessionTicket without its header")                               \
    X(MESSAGE, "message", "a NewSessionTicket message")                                            \
    X(RECORD, "record", "a TLS record with a NewSessionTicket message")                            \
    X(SESSION, "session", "a session in DER")

enum ticket_wrap {
#define TICKET_WRAP_ENUM(name, word, text) TICKET_WRAP_##name,
    TICKET_WRAP_MAP(TICKET_WRAP_ENUM)
#undef TICKET_WRAP_ENUM
};

const char *ticket_form_word(enum ticket_form form);
const char *ticket_form_text(enum ticket_form form);
const char *ticket_wrap_word(enum ticket_wrap wrap);
const char *ticket_wrap_text(enum ticket_wrap wrap);

#define TICKET_SECRET_MAX 256
#define TICKET_LEN_MIN 16 /* what is shorter is taken for no ticket, but as part of a message */

struct ticket_item {
    const char *source; /* the input's name; borrowed */
    size_t line;        /* where it begins, from 1; 0: not in lines */
    enum ticket_form form;
    enum ticket_wrap wrap;
    uint8_t *bytes; /* all that was read */
    size_t n_bytes;
    struct ticket_bytes ticket; /* within bytes */
    bool has_message;
    struct new_session_ticket message; /* points into bytes */

    /* What a session file, or s_client, says beside the ticket. */
    uint16_t version; /* 0: nothing */
    bool has_lifetime;
    uint32_t lifetime_s;
    uint8_t secret[TICKET_SECRET_MAX]; /* master secret or PSK */
    size_t secret_len;
};

struct ticket_list {
    struct ticket_item *items;
    size_t n;
    size_t room;
};

/*
 * Adds a copy of the n bytes, having found out what they are: a record, a message, a body, a
 * session, or a ticket. Fields of like are taken over (source, line, form, and what was said
 * beside). RP_FORMAT: err says why it can be no ticket, without the place.
 */
enum rp_status ticket_list_add(struct ticket_list *list, const struct ticket_item *like,
                               const uint8_t *p, size_t n, struct rp_error *err) RP_MUST_USE;

/* Wipes what is secret. */
void ticket_list_fini(struct ticket_list *list);

#endif
