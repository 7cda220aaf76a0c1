/*
 * NewSessionTicket, the message in which a server hands out a ticket: RFC 5077 section 3.3 (TLS 1.0
 * to 1.2), RFC 8446 section 4.6.1 (docs/formats/tickets.md). All input is the peer's: the shape is
 * checked strictly, values are passed on as they are, for whoever judges them.
 */
#ifndef NEW_SESSION_TICKET_H
#define NEW_SESSION_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEW_SESSION_TICKET_TYPE 4 /* HandshakeType */
#define NEW_SESSION_TICKET_LIFETIME_MAX_S 604800
#define NEW_SESSION_TICKET_EARLY_DATA 42 /* extension: BE32 max_early_data_size */
#define NEW_SESSION_TICKET_HEADER_LEN 4  /* of a handshake message: type, length of the body */

/* What points into the message is borrowed from whoever gave it. */
struct new_session_ticket {
    uint16_t version;    /* 0x0303: the message of TLS 1.0 to 1.2; 0x0304 */
    uint32_t lifetime_s; /* 1.2: a hint, 0: unspecified; 1.3: 0: discard; not bounded here */
    const uint8_t *ticket;
    size_t ticket_len; /* 1.2: 0 means that the server issues none after all; 1.3: at least 1 */

    /* 1.3 only, else 0 */
    uint32_t age_add;
    const uint8_t *nonce;
    size_t nonce_len; /* at most 255 */
    const uint8_t *extensions;
    size_t extensions_len;
    size_t n_extensions;
    bool has_early_data;
    uint32_t max_early_data;
    bool has_duplicate; /* an extension comes twice, which RFC 8446 section 4.2 forbids */
};

/* The body of the handshake message, without its type and length. False: out is all zeroes. */
bool new_session_ticket_decode_12(const uint8_t *body, size_t n, struct new_session_ticket *out);
bool new_session_ticket_decode_13(const uint8_t *body, size_t n, struct new_session_ticket *out);

/*
 * Either, when nobody says which: a body, or a whole message with its type and length. At most one
 * body fits nearly always; where both do (a short 1.3 message may be a 1.2 one), 1.2 is taken only
 * if the 1.3 reading does not come out.
 */
bool new_session_ticket_detect(const uint8_t *p, size_t n, struct new_session_ticket *out);

struct new_session_ticket_extension {
    uint16_t type;
    const uint8_t *body;
    size_t len;
};

/* The ith extension, i < n_extensions; false beyond. */
bool new_session_ticket_extension(const struct new_session_ticket *t, size_t i,
                                  struct new_session_ticket_extension *out);

/* The body, by t->version; of 1.3 the extensions are written as they are, max_early_data is not
 * looked at. 0 if it does not fit or a field is out of range. */
size_t new_session_ticket_encode(const struct new_session_ticket *t, uint8_t *out, size_t size);

#endif
