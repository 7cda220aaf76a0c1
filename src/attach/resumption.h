/*
 * What one connection offered, what became of it, and what it is given: the state that the
 * callbacks of an attached SSL_CTX share. Made in the ClientHello callback, one allocation, freed
 * with the SSL. It holds no secrets.
 *
 * Without it (out of memory, or the application has taken our ClientHello callback away) nothing
 * resumes and nothing is issued.
 */
#ifndef RESUMPTION_H
#define RESUMPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/attach.h>

#include "attachment.h"
#include "session_check.h"
#include "session_meta.h"
#include "ticket_request.h"
#include "window.h"

struct resumption {
    /* Whose ClientHello callback came first. The SSL keeps the SSL_CTX it was made from. */
    const struct attachment *listener;
    const struct attachment *site; /* that was chosen by the ClientHello; NULL: none is attached */

    /*
     * Fleet time of what libssl is doing now: the ClientHello, or a ticket that it makes. Kept,
     * for each look at the clock costs a fiftieth of what a resumption may.
     */
    int64_t now_ms;

    /* What the ClientHello says. */
    const char *name;                  /* into name_room; NULL: none */
    uint8_t binding[SESSION_HASH_LEN]; /* of the site's domain and policy, and of the name */
    bool unnamed; /* the name is malformed or could not be hashed: it resumes nothing */
    bool ems;
    bool ticket_extension; /* TLS 1.2: it takes a ticket */
    bool psk_offered;
    bool too_many;
    bool asked; /* for numbers of tickets (RFC 9149) */
    struct ticket_request request;

    /* What became of the session that it offers. */
    enum rp_mechanism mechanism;
    enum rp_verdict verdict;
    bool judged; /* the key callback has given the verdict on the ticket in hand */
    bool has_key;
    uint8_t key_name[16];
    int64_t key_base_ms;
    int64_t sealed_ago_ms; /* -1: unknown */
    int64_t age_ms;        /* -1: unknown */

    /* What it is given. */
    bool has_origin;
    int64_t origin_ms;        /* fleet time of the full handshake, may be negative */
    bool sealable;            /* the session in hand has a lifetime, so a key may seal it */
    uint8_t sealing_name[16]; /* that key, by whose base its times are written */
    bool issues;              /* this handshake is to end with something to resume by */
    bool issued;
    bool further_sent; /* rp_ssl_established was called */
    uint8_t issued_name[16];
    uint8_t hint[1]; /* our answer to a ticket_request */

    char name_room[]; /* as long as the name */
};

/*
 * Takes the place of what an earlier ClientHello left. name is copied; NULL: none that is good.
 * NULL when out of memory.
 */
struct resumption *resumption_begin(SSL *ssl, const struct attachment *listener, const char *name);

/* Takes NULL or a pointer to NULL. */
void resumption_free(struct resumption **r);

/* NULL: there is none. */
struct resumption *resumption_of(const SSL *ssl);

/*
 * The attachment that the ClientHello callback chose; NULL where there is none, or where the
 * application has put another SSL_CTX under the connection since.
 */
const struct attachment *resumption_site(const SSL *ssl, const struct resumption *r);

/* Notes the key that the session in hand was sealed under. */
void resumption_key(struct resumption *r, const struct window_key *key);

/* Notes when the full handshake was, in fleet time. */
void resumption_origin(struct resumption *r, int64_t origin_ms);

/*
 * Judges a session whose seal was good, and notes its age; its times are fleet time. The verdict is
 * also kept in r; the caller may still overrule it.
 */
enum rp_verdict resumption_judge(SSL *ssl, struct resumption *r, const struct attachment *site,
                                 const struct session_meta *meta, int64_t lifetime_ms);

/*
 * The same of a session that libssl made, from a ticket or for a cache of the application's, and
 * that carries our meta; with its client certificate, and its lifetime in it. Notes its origin.
 * base_ms: of the key that sealed it; 0 where none did.
 */
enum rp_verdict resumption_judge_session(SSL *ssl, struct resumption *r,
                                         const struct attachment *site, SSL_SESSION *session,
                                         int64_t base_ms);

/* The wall-clock time to write into a session that was sealed at sealed_ms, for libssl compares it
 * with its own clock. */
int64_t resumption_wall_s(const struct resumption *r, const struct attachment *site);

/*
 * Gives a session that is about to be resumed the name that the ClientHello asks for, since TLS 1.2
 * sessions do not keep it, but SSL_get_servername takes it from there. False: out of memory.
 */
bool resumption_name_session(const struct resumption *r, SSL_SESSION *session);

/* The meta of a session sealed at r->now_ms under a key of that base; 0: under none. As written. */
void resumption_meta(const SSL *ssl, const struct resumption *r, const struct attachment *site,
                     int64_t base_ms, struct session_meta *out);

/* Seconds that a session sealed under key at r->now_ms may live; 0: it is not to be issued. */
uint32_t resumption_life_s(const struct resumption *r, const struct attachment *site,
                           const struct window_key *key);

/* Whether the window has a key that seals, under which a session would live. */
bool resumption_can_seal(const struct resumption *r, const struct attachment *site);

#endif
