/* What a connection showed: a plain struct without pointers, to be copied and compared. */
#ifndef RAW_RESULT_H
#define RAW_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "raw_session.h"

#define RAW_SEEN_EXTS_MAX 24
#define RAW_FINGERPRINT_SIZE 512
#define RAW_ALPN_SIZE 256

/* How the connection stands or ended. */
#define RAW_END_MAP(X)                                                                             \
    X(OPEN, "open")                                                                                \
    X(UNREACHABLE, "unreachable") /* no TCP connection */                                          \
    X(ALERT, "alert")             /* a fatal one from the server */                                \
    X(CLOSED, "closed")           /* by the server, with or without close_notify */                \
    X(RESET, "reset")                                                                              \
    X(TIMEOUT, "timeout")                                                                          \
    X(GARBAGE, "garbage") /* what the server sent is not TLS, or wrong: why says what */           \
    X(LOCAL, "local")     /* this host's fault */

enum raw_end {
#define RAW_END_ENUM(name, text) RAW_END_##name,
    RAW_END_MAP(RAW_END_ENUM)
#undef RAW_END_ENUM
};

/* How far the connection had come. */
#define RAW_PHASE_MAP(X)                                                                           \
    X(CONNECT, "connect")      /* TCP */                                                           \
    X(HELLO, "hello")          /* our ClientHello is sent, nothing came */                         \
    X(RETRY, "retry")          /* the second ClientHello, after HelloRetryRequest */               \
    X(SERVER, "server flight") /* ServerHello came, more of the server's flight is due */          \
    X(FINISH, "finish")        /* we sent Finished or what we have in its place; its answer        \
                                  is due (not in TLS 1.3, nor in a TLS 1.2 resumption) */          \
    X(APPLICATION, "application data") /* the handshake is done */

enum raw_phase {
#define RAW_PHASE_ENUM(name, text) RAW_PHASE_##name,
    RAW_PHASE_MAP(RAW_PHASE_ENUM)
#undef RAW_PHASE_ENUM
};

enum raw_early {
    RAW_EARLY_NOT_OFFERED,
    RAW_EARLY_REJECTED,
    RAW_EARLY_ACCEPTED,
};

/* What came of a TLS 1.2 renegotiation that we asked for. */
enum raw_renegotiation {
    RAW_RENEGOTIATION_NOT_ASKED,
    RAW_RENEGOTIATION_ASKED,   /* and no answer yet, or a closed connection: see end */
    RAW_RENEGOTIATION_REFUSED, /* by an alert: see alert_description */
    RAW_RENEGOTIATION_BEGUN,   /* a ServerHello came */
};

struct raw_alert {
    bool seen;
    uint8_t level;
    uint8_t description;
    enum raw_phase phase; /* in which it came */
};

struct raw_result {
    enum raw_end end;
    enum raw_phase phase; /* how far it came */
    struct rp_error why;  /* a sentence if end is neither OPEN nor CLOSED after the handshake */

    bool server_hello;   /* one came that chose a version and a suite we offered */
    bool hello_retry;    /* a HelloRetryRequest came first */
    bool established;    /* the handshake is done: Finished checked, and ours sent */
    bool resumed;        /* the server chose to, also when the handshake failed after that */
    uint16_t psk_index;  /* which of the identities, TLS 1.3 */
    bool psk_without_dh; /* psk_ke was chosen */
    enum raw_early early;
    bool close_notify;        /* the server said it */
    struct raw_alert alert;   /* the last one, but for close_notify */
    struct raw_alert warning; /* the last that was not fatal: TLS 1.2 */
    enum raw_renegotiation renegotiation;

    uint16_t version;
    uint16_t suite;
    uint16_t group;     /* 0: none */
    uint16_t signature; /* the server's, checked; 0: none */
    bool extended_master_secret;
    bool renegotiation_info;
    bool ticket_promised; /* session_ticket in ServerHello */
    bool sni_ack;
    uint8_t session_id[RAW_SESSION_ID_MAX]; /* in ServerHello */
    size_t session_id_len;
    uint16_t hello_exts[RAW_SEEN_EXTS_MAX]; /* types, in order */
    size_t n_hello_exts;
    uint16_t encrypted_exts[RAW_SEEN_EXTS_MAX];
    size_t n_encrypted_exts;
    char alpn[RAW_ALPN_SIZE]; /* empty: none; a byte that is not printable is shown as '?' */
    int ticket_hint;          /* ticket_request's answer; -1: none */

    bool certificate_asked; /* of us */
    size_t n_certificates;  /* of the server; raw_client_certificate has them */
    uint8_t leaf_sha256[32];
    size_t n_tickets;  /* NewSessionTicket messages */
    size_t n_sessions; /* that can be offered again */
    size_t n_application_bytes;

    uint64_t connect_us;    /* TCP */
    uint64_t first_byte_us; /* from the first byte that we sent to the first of the server */
    uint64_t handshake_us;  /* from the first byte that we sent to the end of the handshake */

    /*
     * What the server sent, in order: a word for each record, in it a word for each handshake
     * message with the number of bits of its length, except where the length is a signature's; an
     * alert's level and number; at last how it ended. "22[2.7] 20 23[8.2,11.10,15,20.6] 21[2.51]
     * closed". Equal answers have equal fingerprints.
     */
    char fingerprint[RAW_FINGERPRINT_SIZE];
};

/* One word or two; never NULL. */
const char *raw_end_word(enum raw_end end);
const char *raw_phase_word(enum raw_phase phase);

/* "handshake_failure"; "unknown" for an unknown one. */
const char *raw_alert_word(uint8_t description);

#endif
