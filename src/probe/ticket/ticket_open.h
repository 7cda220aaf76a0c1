/* Opens a ticket with key files: every key and every order in which a file may have it. */
#ifndef TICKET_OPEN_H
#define TICKET_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "key_file_foreign.h"
#include "session_asn1.h"
#include "ticket_cipher.h"
#include "ticket_content.h"
#include "ticket_layout.h"

struct ticket_key_file {
    const char *path; /* borrowed */
    struct foreign_key *keys;
    size_t n;
};

/* RP_FORMAT: err says why it is no key file. */
enum rp_status ticket_key_file_decode(const char *path, const uint8_t *p, size_t n,
                                      struct ticket_key_file *out,
                                      struct rp_error *err) RP_MUST_USE;
void ticket_key_file_fini(struct ticket_key_file *file); /* wipes */

enum ticket_open_end {
    TICKET_OPENED,
    TICKET_NAME_DIFFERS,  /* no key has the ticket's name */
    TICKET_MAC_DIFFERS,   /* one has, but the MAC does not come out in any order */
    TICKET_NOT_SEALED_SO, /* the MAC comes out, but what is inside was not encrypted by this key */
};

struct ticket_opening {
    enum ticket_open_end end;
    const struct ticket_key_file *file; /* of the key that opened it, or of that with the name */
    const struct foreign_key *key;
    const char *mode; /* "AES-256-CBC"; static */
    enum ticket_hash hash;
    bool name_differs; /* it opened although the key has another name */
    bool mac_is_blank; /* its MAC is made with zeroes, not with the key in the file */
    uint8_t *plain;
    size_t n_plain;
    bool is_session;
    struct session_asn1 session; /* points into plain */
    bool is_go;
    struct go_state go;
};

/*
 * Tags are compared in constant time, and before anything is decrypted. Where the name is that of a
 * key, zeroes are tried for its HMAC key too: Apache httpd with OpenSSL 3 wipes the buffer that its
 * HMAC key is in before it is used.
 */
enum rp_status ticket_open(struct ticket_cipher *c, const struct ticket_key_file *files,
                           size_t n_files, struct ticket_bytes ticket,
                           struct ticket_opening *out) RP_MUST_USE;
void ticket_opening_fini(struct ticket_opening *opening); /* wipes */

/* The name by which a key's tickets are known: of a seed it is made. */
bool ticket_key_name(const struct foreign_key *key, uint8_t out[static FOREIGN_KEY_NAME_LEN]);

#endif
