/*
 * What one connection to one address showed: how it ended, what was negotiated, whether a session
 * was resumed, and which tickets the server gave. Plain data, without secrets: sessions that can be
 * offered again are the survey's (survey.h).
 */
#ifndef VISIT_H
#define VISIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "new_session_ticket.h"

#define VISIT_END_MAP(X)                                                                           \
    X(OK, "ok") /* the handshake was done, and all that was asked for after it */                  \
    X(UNREACHABLE, "unreachable") /* no route, no answer to the connect */                         \
    X(REFUSED, "refused")         /* connection refused */                                         \
    X(RESET, "reset")             /* cut off by RST in the handshake */                            \
    X(CLOSED, "closed")           /* closed in the handshake without an alert */                   \
    X(ALERT, "alert")             /* the server ended the handshake by an alert */                 \
    X(GARBAGE, "garbage")         /* what came is not TLS */                                       \
    X(VERSION, "version")         /* the server does not speak this version of TLS */              \
    X(STARTTLS, "starttls")       /* no TLS was begun */                                           \
    X(REJECTED, "rejected")       /* we ended it: a bad signature, an illegal parameter */         \
    X(REPLY, "reply")             /* handshake done, then an alert or RST: see alert */            \
    X(TIMEOUT, "timeout")                                                                          \
    X(LOCAL, "local") /* this host's fault: no descriptor, no memory */

enum visit_end {
#define VISIT_END_ENUM(name, text) VISIT_##name,
    VISIT_END_MAP(VISIT_END_ENUM)
#undef VISIT_END_ENUM
};

#define VISIT_ENDS 13
#define VISIT_TICKETS_MAX 8
#define VISIT_NO_ALERT 0xff

const char *visit_end_word(enum visit_end end);

/* A NewSessionTicket that came, its fields and the ticket's first bytes and hash. */
struct visit_ticket {
    uint16_t version;    /* 0x0304: the fields of TLS 1.3 */
    uint32_t lifetime_s; /* the hint, in TLS 1.2 */
    uint32_t age_add;
    uint8_t nonce[16];
    uint8_t nonce_len;       /* as sent; of a longer one the first 16 bytes are kept */
    uint32_t early_data_max; /* 0: no early_data extension */
    uint16_t n_extensions;
    uint16_t len;       /* of the ticket */
    uint8_t start[64];  /* its first bytes: a key name, in many layouts */
    uint8_t digest[32]; /* SHA-256 of the ticket */
};

/* The certificate that a full handshake showed, as far as it can tell hosts apart. */
struct visit_certificate {
    bool present;
    uint8_t digest[32];                /* SHA-256 of the leaf's DER */
    int64_t not_before_s, not_after_s; /* Unix time */
    char subject[128];
    char issuer[128];
    char trouble[128]; /* what verification found, for the name asked for; empty: nothing */
    bool names_host;   /* the name that was asked for is in it */
};

struct visit {
    enum visit_end end;
    struct rp_error why; /* one clear sentence; empty when end is VISIT_OK */
    uint8_t alert;       /* description; VISIT_NO_ALERT */
    bool alert_is_ours;
    bool connected;   /* TCP */
    bool established; /* the handshake was done */
    bool resumed;
    bool early_accepted;
    bool hello_retried;
    bool ems;               /* extended master secret; always so in TLS 1.3 */
    bool asked_certificate; /* the server sent a CertificateRequest */
    uint16_t version;
    const char *cipher;      /* static; NULL before the handshake is done */
    const char *group;       /* static or NULL */
    const char *cipher_hash; /* "SHA256", "SHA384": of the PRF or the key schedule; or NULL */
    char alpn[16];
    uint8_t session_id[32]; /* the ServerHello's, in TLS 1.2 and before */
    uint8_t session_id_len;
    struct visit_certificate certificate; /* of a full handshake */
    unsigned n_tickets;                   /* that came, also beyond VISIT_TICKETS_MAX */
    struct visit_ticket tickets[VISIT_TICKETS_MAX];
    unsigned http_status;
    char http_server[64]; /* the Server header; printable bytes only */
    uint64_t handshake_us;
    int64_t at_ms; /* when the handshake was done, since the probe began */
};

#endif
