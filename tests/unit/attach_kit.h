/*
 * For the tests of attach: TLS connections inside the process, between a client of plain libssl and
 * an attached server, on a clock that only the test moves. Every call asserts that it succeeds.
 */
#ifndef ATTACH_KIT_H
#define ATTACH_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/reprise.h>

#define KIT_DOMAIN "shop"
#define KIT_OTHER_DOMAIN "bank"
#define KIT_NAME "www.shop.example"

struct kit {
    _Atomic int64_t now_ms; /* boot time */
    int64_t wall_offset_s;  /* of our wall clock from the one that libssl reads */
    struct rp_keyring *keyring;
    struct rp_cache *cache;
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *client;
};

/* The caller is the keeper; the keyring has both domains. options: may be NULL. */
void kit_init(struct kit *kit, const struct rp_keyring_options *options);
void kit_fini(struct kit *kit);

/* The same for cmocka: a kit with the default ring is the state. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* Moves the clock and the keyring with it. */
void kit_wait(struct kit *kit, int64_t ms);

/* The plainest options: KIT_DOMAIN, with the cache. */
struct rp_attach_options kit_options(struct kit *kit);

/* A server's SSL_CTX: plain, and attached. The caller frees it. */
SSL_CTX *kit_plain_server(struct kit *kit);
SSL_CTX *kit_server(struct kit *kit, const struct rp_attach_options *options);

struct kit_offer {
    int version;          /* 0x0303, 0x0304 */
    const char *name;     /* NULL: none sent */
    SSL_SESSION *session; /* borrowed; NULL: none offered */
    const uint8_t *asked; /* two counts of a ticket_request; NULL: none sent */
    /* Called on both ends before the handshake; may be NULL. */
    void (*prepare)(SSL *client, SSL *server, void *arg);
    void *arg;
};

struct kit_outcome {
    bool done;            /* handshake and one byte from server to client */
    bool resumed;         /* as both ends see it */
    int alert;            /* that the client got; -1: none */
    int hint;             /* answer to the ticket_request; -1: none */
    unsigned n_sessions;  /* handed to the client */
    SSL_SESSION *session; /* the last of them; the caller frees it */
    char name[256];       /* that the server's SSL_get_servername gives */
    struct rp_ssl_info info;
};

/* One connection. out->session of an earlier call is not freed by it. */
void kit_connect(struct kit *kit, SSL_CTX *server, const struct kit_offer *offer,
                 struct kit_outcome *out);

/* The same with a server at the other end of a connected socket, which the call closes: of
 * out->info only resumed is known. */
void kit_connect_to(struct kit *kit, int fd, const struct kit_offer *offer,
                    struct kit_outcome *out);

/* The server's end: shakes hands and sends a byte. Closes the socket. */
bool kit_serve(SSL_CTX *server, int fd);

/* A client that is about to make the offer, without BIOs. The caller frees it. */
SSL *kit_client(struct kit *kit, const struct kit_offer *offer);

/* A full handshake under the version, with KIT_NAME; its session. */
SSL_SESSION *kit_full(struct kit *kit, SSL_CTX *server, int version);

/* The same with a client that takes no tickets: a session by ID. */
SSL_SESSION *kit_full_by_id(struct kit *kit, SSL_CTX *server);

/*
 * Offers the session under KIT_NAME, and asserts that the handshake succeeds, resumed or not as the
 * verdict says. Session IDs are offered without the ticket extension.
 */
void kit_expect(struct kit *kit, SSL_CTX *server, SSL_SESSION *session, enum rp_verdict verdict);

/* The same of a session that a full handshake of that version gives. */
void kit_expect_new(struct kit *kit, SSL_CTX *server, int version, enum rp_verdict verdict);

/* A kit_offer.prepare: the client has no ticket extension. */
void kit_no_tickets(SSL *client, SSL *server, void *arg);

/* The three mechanisms, in the order of enum rp_mechanism from SESSION_ID on. */
SSL_SESSION *kit_full_for(struct kit *kit, SSL_CTX *server, enum rp_mechanism mechanism);

#endif
