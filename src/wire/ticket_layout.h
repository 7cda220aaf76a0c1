/*
 * Which server a ticket may be from, by its outside alone (docs/formats/tickets.md). To a client a
 * ticket is opaque bytes; but most stacks put a key name and an IV in clear, and some a length or a
 * magic number. All input is the peer's, and a guess is no proof: only TICKET_FIT_CERTAIN is.
 */
#ifndef TICKET_LAYOUT_H
#define TICKET_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* word, stacks, shape. In the order in which equal fits are named. */
#define TICKET_LAYOUT_MAP(X)                                                                       \
    X(SCHANNEL, "schannel", "Windows SChannel", "DPAPI blob; its GUID names the key")              \
    X(BOTAN, "botan", "Botan", "magic 8 | name 4 | seed 16 | nonce 12 | AES-256-GCM | tag 16")     \
    X(NSS, "nss", "NSS, or wolfSSL", "name 16 | IV 16 | length 2 | AES-CBC | HMAC-SHA256 32")      \
    X(GNUTLS, "gnutls", "GnuTLS", "name 16 | IV 16 | length 2 | AES-256-CBC | HMAC-SHA1 20")       \
    X(MBEDTLS, "mbedtls", "Mbed TLS",                                                              \
      "name 4 | IV 12 | length 2 | GCM, CCM or ChaCha20-Poly1305 | tag 16")                        \
    X(PLAIN, "plain", "none: a session in clear", "DER SSL_SESSION, not encrypted")                \
    X(STATEFUL, "stateful", "OpenSSL with tickets off, or another server that keeps the session",  \
      "session ID 32")                                                                             \
    X(OPENSSL, "openssl",                                                                          \
      "OpenSSL (nginx, Apache, HAProxy, Node.js, lighttpd, reprised), LibreSSL, BoringSSL, h2o",   \
      "name 16 | IV 16 | AES-CBC | HMAC-SHA256 32")                                                \
    X(S2N, "s2n", "s2n-tls", "version 1 | name 16 | info 32 | IV 12 | AES-256-GCM | tag 16")       \
    X(GO, "go", "Go", "name 16 | IV 16 | AES-128-CTR | HMAC-SHA256 32")                            \
    X(S2N_OLD, "s2n-old", "s2n-tls, older", "name 16 | IV 12 | AES-256-GCM | tag 16")              \
    X(RUSTLS, "rustls", "rustls", "name 16 | nonce 12 | ChaCha20-Poly1305 | tag 16")               \
    X(JSSE, "jsse", "Java (JSSE)", "key ID 4 | IV 16 | AES-256-GCM | tag 16")                      \
    X(GO_NEW, "go-new", "Go, newer", "IV 16 | AES-128-CTR | HMAC-SHA256 32; no key name")

enum ticket_layout {
#define TICKET_LAYOUT_ENUM(name, word, stacks, shape) TICKET_LAYOUT_##name,
    TICKET_LAYOUT_MAP(TICKET_LAYOUT_ENUM)
#undef TICKET_LAYOUT_ENUM
        TICKET_LAYOUTS
};

enum ticket_fit {
    TICKET_FIT_NONE,     /* it cannot be this layout */
    TICKET_FIT_POSSIBLE, /* nothing speaks against it, nor for it */
    TICKET_FIT_LIKELY,   /* what fits would fit by chance once in 16 times or less */
    TICKET_FIT_CERTAIN,  /* by chance less than once in 30,000 times */
};

struct ticket_bytes {
    const uint8_t *p;
    size_t n;
};

/* A ticket taken apart as one layout has it; borrowed. What a layout lacks has length 0. */
struct ticket_view {
    enum ticket_layout layout;
    enum ticket_fit fit;
    struct ticket_bytes name; /* what names the key, in clear */
    struct ticket_bytes iv;   /* or nonce */
    struct ticket_bytes ciphertext;
    struct ticket_bytes tag;           /* MAC or AEAD tag */
    struct ticket_bytes authenticated; /* a MAC: all it covers; AEAD: the additional data */
};

const char *ticket_layout_word(enum ticket_layout layout);
const char *ticket_layout_stacks(enum ticket_layout layout);
const char *ticket_layout_shape(enum ticket_layout layout);
const char *ticket_fit_word(enum ticket_fit fit); /* none, possible, likely, certain */

/* What cannot be told apart from this layout, in a sentence; NULL: nothing. */
const char *ticket_layout_ambiguity(enum ticket_layout layout);

/* False, fit NONE and all else zero if the ticket cannot be of this layout. */
bool ticket_layout_split(enum ticket_layout layout, struct ticket_bytes ticket,
                         struct ticket_view *out);

/* All that it could be, the best first; how many. */
size_t ticket_layout_guess(struct ticket_bytes ticket, struct ticket_view out[TICKET_LAYOUTS]);

struct ticket_candidate {
    enum ticket_layout layout;
    enum ticket_fit fit;
};

/* What many tickets of one server say together. */
struct ticket_judgement {
    size_t n_candidates;
    struct ticket_candidate candidates[TICKET_LAYOUTS]; /* the best first */
    size_t shared_prefix; /* first bytes that tickets under one key share, at most 64: the fewest
                             of all pairs that share 16, else of those that share 4; 0: none do */
    size_t n_repeated;    /* tickets that are equal to an earlier one, byte for byte */
};

#define TICKET_JUDGED_MAX 512 /* more tickets than these are not compared with each other */

/*
 * Layouts that fit every ticket. Equal first bytes are a key name, and say how long it is: 16 bytes
 * that two tickets share rule out the layouts that have 4 or none, 4 that they share without a
 * fifth rule out those that have 16. Tickets under different keys may be mixed. With one ticket
 * this is ticket_layout_guess.
 */
void ticket_layout_judge(const struct ticket_bytes *tickets, size_t n,
                         struct ticket_judgement *out);

#endif
