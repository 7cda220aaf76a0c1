/*
 * What a ClientHello is to say, field by field. A plain struct: copy it, change what you like.
 * Everything it points to is borrowed until the last client that was made with it is gone.
 *
 * The extensions come in a fixed order, pre_shared_key last, `extra` right before it.
 */
#ifndef RAW_HELLO_H
#define RAW_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raw_session.h"
#include "ticket_request.h"

#define RAW_VERSIONS_MAX 8
#define RAW_SUITES_MAX 32
#define RAW_GROUPS_MAX 8
#define RAW_SHARES_MAX 3
#define RAW_SIGNATURES_MAX 24
#define RAW_NAMES_MAX 4
#define RAW_ALPN_MAX 8
#define RAW_MODES_MAX 4
#define RAW_EXTRA_MAX 8

#define RAW_TLS12 0x0303
#define RAW_TLS13 0x0304

#define RAW_GROUP_P256 23
#define RAW_GROUP_P384 24
#define RAW_GROUP_X25519 29

#define RAW_MODE_PSK_KE 0
#define RAW_MODE_PSK_DHE_KE 1

/* The binder that goes with a PSK identity. */
enum raw_binder {
    RAW_BINDER_RIGHT,
    RAW_BINDER_FLIPPED,  /* right but for one bit */
    RAW_BINDER_ZERO,     /* right length, all zeroes */
    RAW_BINDER_RANDOM,   /* right length, random */
    RAW_BINDER_SHORT,    /* right but for its last byte, which is missing */
    RAW_BINDER_LONG,     /* right, and a zero byte more */
    RAW_BINDER_NONE,     /* no entry in the list of binders: too few of them */
    RAW_BINDER_ALTERED,  /* of a ClientHello with another random */
    RAW_BINDER_STALE,    /* after HelloRetryRequest, that of the first ClientHello */
    RAW_BINDER_NO_RETRY, /* after HelloRetryRequest, of the second ClientHello alone */
};

struct raw_psk {
    const uint8_t *identity;
    size_t identity_len;
    uint32_t obfuscated_age;
    /* Its secret and the hash of its suite make the binder; NULL: a random one of 32 bytes. */
    const struct raw_session *session;
    enum raw_binder binder;
};

struct raw_extension {
    uint16_t type;
    const uint8_t *body;
    size_t len;
};

/* When an edit hook is called. */
enum raw_edit {
    RAW_EDIT_UNBOUND, /* the binders are not made yet: they will be right for what is changed */
    RAW_EDIT_ENCODED, /* the message is complete: binders included */
};

/*
 * May change the message, which begins with its handshake header, and its length. nth: 0, and 1
 * after HelloRetryRequest. The lists of the binders must stay where they are before they are made:
 * their place is counted from the end.
 */
typedef void raw_edit_fn(void *cookie, enum raw_edit when, unsigned nth, uint8_t *message,
                         size_t *len, size_t room);

enum raw_ticket_ext {
    RAW_TICKET_ABSENT,
    RAW_TICKET_EMPTY,
    RAW_TICKET_BYTES,
};

struct raw_hello {
    uint16_t legacy_version;
    uint16_t versions[RAW_VERSIONS_MAX]; /* supported_versions; none: no such extension */
    size_t n_versions;
    uint16_t suites[RAW_SUITES_MAX];
    size_t n_suites;

    /* Made up anew for every client if random_session_id, which keeps session_id_len. */
    uint8_t session_id[RAW_SESSION_ID_MAX];
    size_t session_id_len;
    bool random_session_id;

    const char *names[RAW_NAMES_MAX]; /* server_name, all in one list; none: no such extension */
    size_t n_names;
    uint16_t groups[RAW_GROUPS_MAX]; /* supported_groups; none: no such extension */
    size_t n_groups;
    uint16_t shares[RAW_SHARES_MAX]; /* of key_share, which is there if versions has TLS 1.3 */
    size_t n_shares;
    uint16_t signatures[RAW_SIGNATURES_MAX]; /* signature_algorithms; none: no such extension */
    size_t n_signatures;
    const char *alpn[RAW_ALPN_MAX]; /* none: no such extension */
    size_t n_alpn;
    bool extended_master_secret;
    bool renegotiation_info; /* empty; in a renegotiation with our verify_data */

    enum raw_ticket_ext ticket_ext; /* session_ticket (35) */
    const uint8_t *ticket;
    size_t ticket_len;
    /* Its master secret is used where a server resumes TLS 1.2; NULL: zeroes are. */
    const struct raw_session *session;

    uint8_t psk_modes[RAW_MODES_MAX]; /* psk_key_exchange_modes; none: no such extension */
    size_t n_psk_modes;
    struct raw_psk psk;         /* the one that is offered, if psks is NULL; no identity: none is */
    const struct raw_psk *psks; /* any number; early data go by the first */
    size_t n_psks;
    unsigned n_extra_binders; /* random ones of 32 bytes after the others: too many of them */
    bool swap_binders;        /* the first two change places, once they are made */

    bool early_data;       /* the extension; see also raw_config */
    bool early_data_again; /* in the ClientHello after HelloRetryRequest too, against the RFC */
    bool ticket_request_ext;
    struct ticket_request ticket_request;
    size_t padding; /* bytes in a padding extension (21); 0: no such extension */
    struct raw_extension extra[RAW_EXTRA_MAX]; /* anything: unknown, GREASE, cookie, twice */
    size_t n_extra;

    raw_edit_fn *edit; /* NULL: none */
    void *edit_cookie;
};

/*
 * What a current client says, for TLS 1.2 and TLS 1.3: all suites and groups that we have, a share
 * of X25519, a random session ID of 32 bytes, extended master secret, an empty session_ticket,
 * psk_dhe_ke, renegotiation_info. name: for SNI, NULL: none.
 */
void raw_hello_init(struct raw_hello *h, const char *name);

/* Narrows to one version: RAW_TLS12 leaves out what belongs to TLS 1.3, and the reverse. */
void raw_hello_only(struct raw_hello *h, uint16_t version);

/* The only suite; the only group, in supported_groups and in key_share. */
void raw_hello_suite(struct raw_hello *h, uint16_t suite);
void raw_hello_group(struct raw_hello *h, uint16_t group);

/* Offers a session, borrowed, in each of the three ways. TLS 1.2 by ID has no session ticket. */
void raw_hello_offer_id(struct raw_hello *h, const struct raw_session *s);
void raw_hello_offer_ticket(struct raw_hello *h, const struct raw_session *s);
void raw_hello_offer_psk(struct raw_hello *h, const struct raw_session *s, int64_t now_us);

/* By ticket or else by ID for TLS 1.2, by PSK for TLS 1.3. */
void raw_hello_offer(struct raw_hello *h, const struct raw_session *s, int64_t now_us);

/* RFC 8446 section 4.2.11.1. */
uint32_t raw_obfuscated_age(const struct raw_session *s, int64_t now_us);

#endif
