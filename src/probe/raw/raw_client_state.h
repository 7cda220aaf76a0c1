/* Inside the raw client: what its files share. */
#ifndef RAW_CLIENT_STATE_H
#define RAW_CLIENT_STATE_H

#include "raw_buffer.h"
#include "raw_cipher.h"
#include "raw_client.h"
#include "raw_fingerprint.h"
#include "raw_hash.h"
#include "raw_random.h"
#include "raw_share.h"
#include "raw_suite.h"

#include "server_hello.h"

#define RAW_RANDOM_LEN 32
#define RAW_MASTER_LEN 48
#define RAW_VERIFY_LEN 12 /* TLS 1.2 */
#define RAW_CERTIFICATES_MAX 16
#define RAW_SCHEMES_MAX 128 /* bytes */

/* What is due from the server. */
enum raw_step {
    RAW_STEP_HELLO,

    RAW_STEP12_CERTIFICATE, /* or the short way of a resumption */
    RAW_STEP12_KEYS,        /* up to ServerHelloDone */
    RAW_STEP12_FINISH,      /* NewSessionTicket, ChangeCipherSpec, Finished */
    RAW_STEP12_OPEN,
    RAW_STEP12_BLIND, /* sealed under keys that we have not */

    RAW_STEP13_EXTENSIONS,
    RAW_STEP13_CERTIFICATE, /* CertificateRequest or Certificate */
    RAW_STEP13_SIGNATURE,
    RAW_STEP13_FINISHED,
    RAW_STEP13_OPEN,
};

/* A part of a buffer. */
struct raw_span {
    size_t at;
    size_t len;
};

/* Of TLS 1.3: RFC 8446 section 7.1. */
struct raw_schedule {
    uint8_t secret[RAW_HASH_MAX]; /* early, then handshake, then master secret */
    uint8_t client[RAW_HASH_MAX]; /* traffic secrets, of the handshake or of the application */
    uint8_t server[RAW_HASH_MAX];
    uint8_t next_client[RAW_HASH_MAX]; /* of the application, until Finished is sent */
    uint8_t resumption[RAW_HASH_MAX];
};

struct raw_client {
    struct raw_config config;
    struct raw_random random;
    struct raw_result result;
    struct raw_fingerprint fingerprint;
    enum raw_step step;

    struct raw_buffer in;
    struct raw_buffer out;
    struct raw_buffer flight;     /* what was queued before anything came */
    struct raw_buffer message;    /* handshake messages that are not whole yet */
    struct raw_buffer transcript; /* from the first ClientHello, or what stands for it */
    struct raw_buffer received;
    struct raw_buffer first_hello; /* kept for a HelloRetryRequest */
    struct raw_buffer retry;
    struct raw_buffer cookie;
    struct raw_buffer binders;
    bool answered; /* something came */
    bool sent;     /* something went */
    int64_t first_sent_us;
    int64_t now_us;
    unsigned n_records;

    struct raw_cipher read;
    struct raw_cipher write;
    struct raw_share shares[RAW_SHARES_MAX];
    size_t n_shares;
    uint8_t client_random[RAW_RANDOM_LEN];
    uint8_t server_random[RAW_RANDOM_LEN];
    uint8_t session_id[RAW_SESSION_ID_MAX];
    size_t session_id_len;
    const struct raw_suite *suite; /* NULL until ServerHello */
    bool compat_sent;              /* the ChangeCipherSpec that TLS 1.3 sends for middleboxes */

    struct raw_buffer certificates;
    struct raw_span spans[RAW_CERTIFICATES_MAX];
    EVP_PKEY *server_key;
    struct raw_buffer tickets;
    struct raw_span ticket_spans[RAW_TICKETS_MAX];
    int64_t ticket_us[RAW_TICKETS_MAX];
    struct raw_buffer hello_exts;
    struct raw_buffer encrypted_exts;
    uint8_t request_context[255];
    size_t request_context_len;
    uint8_t schemes[RAW_SCHEMES_MAX]; /* that the server takes from us */
    size_t schemes_len;

    uint8_t master[RAW_MASTER_LEN]; /* TLS 1.2 */
    uint8_t client_verify[RAW_VERIFY_LEN];
    struct raw_share peer_share; /* our share for the server's group */
    uint8_t premaster[RAW_MASTER_LEN];
    size_t premaster_len;
    struct raw_schedule schedule;
};

/*
 * A function that handles what came returns RP_OK; RP_FORMAT once raw_fail has said in the result
 * what is wrong with it; anything else is our own failure, and its caller says so.
 */

/* The connection is over by the server's fault. Always RP_FORMAT. */
enum rp_status raw_fail(struct raw_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The connection is over. */
void raw_over(struct raw_client *c, enum raw_end end);

/* Queues a record under the keys in force, split where it is too long. */
enum rp_status raw_queue(struct raw_client *c, uint8_t type, const uint8_t *p,
                         size_t n) RP_MUST_USE;

/* Queues a handshake message and adds it to the transcript. */
enum rp_status raw_queue_message(struct raw_client *c, uint8_t type, const uint8_t *body,
                                 size_t n) RP_MUST_USE;

/* Queues one that has its header. */
enum rp_status raw_queue_handshake(struct raw_client *c, const uint8_t *p, size_t n) RP_MUST_USE;

/* Makes a ClientHello, the first or what follows a HelloRetryRequest, and queues it. */
enum rp_status raw_queue_hello(struct raw_client *c) RP_MUST_USE;

/* Early data, if they are asked for: after the first ClientHello. */
enum rp_status raw_queue_early(struct raw_client *c) RP_MUST_USE;

/* TLS 1.3, for middleboxes: once, and only with a session ID. */
enum rp_status raw_queue_compat(struct raw_client *c) RP_MUST_USE;

/* Handles all whole records of c->in. */
enum rp_status raw_take_records(struct raw_client *c) RP_MUST_USE;

/* A whole handshake message: p with its header, which is not yet in the transcript. */
enum rp_status raw_take_message(struct raw_client *c, uint8_t type, const uint8_t *p,
                                size_t n) RP_MUST_USE;
enum rp_status raw_take_message12(struct raw_client *c, uint8_t type, const uint8_t *p,
                                  size_t n) RP_MUST_USE;
enum rp_status raw_take_message13(struct raw_client *c, uint8_t type, const uint8_t *p,
                                  size_t n) RP_MUST_USE;
enum rp_status raw_take_change12(struct raw_client *c) RP_MUST_USE;

/* ServerHello decided for a version. */
enum rp_status raw_begin12(struct raw_client *c, const struct server_hello *hello) RP_MUST_USE;
enum rp_status raw_begin13(struct raw_client *c, const struct server_hello *hello) RP_MUST_USE;

/* A message that has no place there. */
enum rp_status raw_unexpected(struct raw_client *c, uint8_t type);

/* The handshake is done. */
void raw_established(struct raw_client *c);

enum rp_status raw_add_transcript(struct raw_client *c, const uint8_t *p, size_t n) RP_MUST_USE;
enum rp_status raw_transcript_hash(const struct raw_client *c,
                                   uint8_t out[static RAW_HASH_MAX]) RP_MUST_USE;

/* Keeps the chain and the leaf's key. */
enum rp_status raw_take_certificates(struct raw_client *c, const uint8_t *body, size_t n,
                                     bool tls13) RP_MUST_USE;
enum rp_status raw_take_ticket(struct raw_client *c, const uint8_t *body, size_t n) RP_MUST_USE;
enum rp_status raw_take_request(struct raw_client *c, const uint8_t *body, size_t n,
                                bool tls13) RP_MUST_USE;

/* Our Certificate: an empty one where we have none. */
enum rp_status raw_queue_certificate(struct raw_client *c, bool tls13) RP_MUST_USE;

/* CertificateVerify over data; nothing if we have no certificate. */
enum rp_status raw_queue_verify(struct raw_client *c, bool tls13,
                                struct raw_bytes data) RP_MUST_USE;

/* The share that we have for a group; NULL: none. */
const struct raw_share *raw_share_of(const struct raw_client *c, uint16_t group);

/* The PSK that was offered as the i-th; NULL beyond the last. */
const struct raw_psk *raw_psk_at(const struct raw_hello *h, size_t i);

/* The protocol that the server chose by ALPN; false if the extension is malformed. */
bool raw_note_alpn(struct raw_client *c, const uint8_t *body, size_t n);

/* A session with the secret that goes with the i-th ticket of TLS 1.3. */
enum rp_status raw_session13(const struct raw_client *c, size_t i,
                             struct raw_session **out) RP_MUST_USE;
enum rp_status raw_session12(const struct raw_client *c, struct raw_session **out) RP_MUST_USE;

#endif
