/*
 * A TLS 1.2 and 1.3 client whose every byte can be steered, as a state machine without I/O: feed it
 * what the server sent, send what it has to send. It is good enough for full and resumed handshakes
 * with the servers of the field and no general TLS library: it shares no code with what it
 * measures, judges no certificate and protects nobody. X25519, P-256 and P-384; all suites of TLS
 * 1.3, and of TLS 1.2 those with ECDHE or RSA that GCM, ChaCha20-Poly1305 or CBC protect: no
 * finite-field Diffie-Hellman, no CCM, no encrypt-then-MAC.
 *
 * The server's signature and its Finished are checked, so that a handshake that is reported as done
 * was done. What a server sends is never a failure of a call: it is in the result.
 *
 * One thread at a time per client; no state between clients.
 */
#ifndef RAW_CLIENT_H
#define RAW_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "raw_hello.h"
#include "raw_identity.h"
#include "raw_result.h"
#include "raw_session.h"

#define RAW_SEED_LEN 32
#define RAW_TICKETS_MAX 32

/* Our Finished. */
enum raw_finished {
    RAW_FINISHED_RIGHT,
    RAW_FINISHED_FLIPPED, /* right but for one bit */
    RAW_FINISHED_NONE,    /* left out, in TLS 1.2 ChangeCipherSpec with it, and we wait */
    /* Sealed under a key that nobody has, as by one who knows no secret: the server's Finished is
     * not looked at. TLS 1.2 only, in TLS 1.3 as FLIPPED: there a wrong binder does it. */
    RAW_FINISHED_FOREIGN,
};

/* The key of early data. */
enum raw_early_key {
    RAW_EARLY_KEY_RIGHT,
    RAW_EARLY_KEY_WRONG,
};

/* A plain struct; what it points to is borrowed until the client is freed. */
struct raw_config {
    struct raw_hello hello;
    const uint8_t *early; /* sent with the first flight, if hello.early_data; NULL: nothing */
    size_t early_len;
    enum raw_early_key early_key;
    enum raw_finished finished;
    const struct raw_identity *identity; /* NULL: an empty Certificate, where one is asked for */
    size_t record_max; /* bytes of a handshake record that we send in the clear; 0: 16384 */
    /*
     * 32 bytes from which all that is random is made; NULL: from the system. Two clients with the
     * same seed and config send the same first flight to the last bit: a replay whose answer
     * can be decrypted.
     */
    const uint8_t *seed;
    /* Once it is true, a connection ends as at its deadline; NULL: never. */
    const atomic_bool *cancel;
};

/* raw_hello_init and nothing else. */
void raw_config_init(struct raw_config *config, const char *name);

struct raw_client;

/* The first flight is ready to be sent. RP_INVALID: the hello cannot be encoded (65,535 bytes of
 * extensions, a group that we do not have). */
enum rp_status raw_client_new(const struct raw_config *config, struct raw_client **out) RP_MUST_USE;

/* Wipes all secrets. Takes NULL, NULLs the pointer. */
void raw_client_free(struct raw_client **c);

/* What is to be sent, borrowed until the next call; n is 0 if there is nothing. */
const uint8_t *raw_client_output(const struct raw_client *c, size_t *n);
void raw_client_sent(struct raw_client *c, size_t n, int64_t now_us);

/* Bytes from the server; more than it takes is dropped once the connection is over. */
void raw_client_feed(struct raw_client *c, const uint8_t *p, size_t n, int64_t now_us);

/* How long TCP took, for the result. */
void raw_client_connected(struct raw_client *c, uint64_t connect_us);

/* How the transport ended: CLOSED, RESET, TIMEOUT, UNREACHABLE or LOCAL. why may be NULL. Does
 * nothing once the connection is over. */
void raw_client_end(struct raw_client *c, enum raw_end end, const char *why);

/* Borrowed; changes as the client goes on. */
const struct raw_result *raw_client_result(const struct raw_client *c);

/* Queues application data; only after the handshake (RP_INVALID). */
enum rp_status raw_client_send(struct raw_client *c, const uint8_t *p, size_t n) RP_MUST_USE;

/* Queues an alert, in the clear or under the keys in force. */
enum rp_status raw_client_send_alert(struct raw_client *c, uint8_t level,
                                     uint8_t description) RP_MUST_USE;

/* Queues bytes as they are. */
enum rp_status raw_client_send_raw(struct raw_client *c, const uint8_t *p, size_t n) RP_MUST_USE;

/*
 * Asks for a TLS 1.2 renegotiation, with our verify_data in renegotiation_info or, insecure,
 * without; the result says what came of it. RP_INVALID before the handshake is done or in TLS 1.3.
 */
enum rp_status raw_client_renegotiate(struct raw_client *c, bool insecure) RP_MUST_USE;

/* Application data that came and is kept (the first 64 kB), borrowed until the next call. */
const uint8_t *raw_client_received(const struct raw_client *c, size_t *n);

/* All that was queued before anything came, early data included; borrowed until freed. */
const uint8_t *raw_client_first_flight(const struct raw_client *c, size_t *n);

/* The i-th certificate of the server as DER, the leaf first; NULL beyond the last. Borrowed. */
const uint8_t *raw_client_certificate(const struct raw_client *c, size_t i, size_t *n);

/* The body of an extension of ServerHello or EncryptedExtensions; NULL if it is not there. An
 * empty body is not NULL. */
const uint8_t *raw_client_hello_ext(const struct raw_client *c, uint16_t type, size_t *n);
const uint8_t *raw_client_encrypted_ext(const struct raw_client *c, uint16_t type, size_t *n);

/* The body of the i-th NewSessionTicket, without its handshake header; NULL beyond the last. */
const uint8_t *raw_client_ticket(const struct raw_client *c, size_t i, size_t *n);

/*
 * A copy of the i-th session that can be offered again: one of n_sessions of the result. TLS 1.3:
 * one for each ticket. TLS 1.2: one, with what the server gave of ID and ticket, or after a
 * resumption what is still good. RP_NOT_FOUND beyond the last.
 */
enum rp_status raw_client_session(const struct raw_client *c, size_t i,
                                  struct raw_session **out) RP_MUST_USE;

#endif
