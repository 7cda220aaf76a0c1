/*
 * Attacks on tickets by their bytes alone: no server is asked. Weak keys are tried from a
 * dictionary, and what is not encrypted or encrypted twice with one keystream is looked for. A
 * finding is never a guess: it is raised where random bytes would show the same less than once in
 * 2^40 audits.
 */
#ifndef TICKET_AUDIT_H
#define TICKET_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "ticket_layout.h"

/* word, what it means, whether it is a fault or just worth knowing */
#define TICKET_FINDING_MAP(X)                                                                      \
    X(WEAK_KEY, "weak-key", "a ticket opens, or can be forged, with a key that everybody knows",   \
      true)                                                                                        \
    X(PLAIN, "plain-ticket", "a ticket carries its session unencrypted", true)                     \
    X(KEYSTREAM, "keystream-reused", "tickets share an IV or a keystream", true)                   \
    X(REPEATED, "ticket-reused", "the same ticket comes twice", false)                             \
    X(BLANK_NAME, "blank-key-name", "the key name is constant bytes, as of a key never made",      \
      false)                                                                                       \
    X(NOT_RANDOM, "not-random", "part of a ticket is not random, as encrypted bytes are", false)

enum ticket_finding_kind {
#define TICKET_FINDING_ENUM(name, word, text, fault) TICKET_FINDING_##name,
    TICKET_FINDING_MAP(TICKET_FINDING_ENUM)
#undef TICKET_FINDING_ENUM
};

const char *ticket_finding_word(enum ticket_finding_kind kind);
const char *ticket_finding_text(enum ticket_finding_kind kind);
bool ticket_finding_is_fault(enum ticket_finding_kind kind);

#define TICKET_SECRETS_MAX 2

/* A ticket to be audited; borrowed. */
struct ticket_sample {
    struct ticket_bytes ticket;
    /* What the client knows to be inside: the master secret; the PSK of this ticket, the resumption
     * master secret. n 0: not known. At least 16 bytes, or it is not looked for. */
    struct ticket_bytes secrets[TICKET_SECRETS_MAX];
};

struct ticket_finding {
    enum ticket_finding_kind kind;
    size_t first;       /* index of a ticket that shows it */
    size_t second;      /* of another, where it takes two; else equal to first */
    size_t n_tickets;   /* or pairs, that show the same */
    char evidence[512]; /* one sentence, without secrets */
};

/* What was done, also when nothing was found. */
struct ticket_audit {
    struct ticket_finding *findings;
    size_t n_findings;
    size_t n_tickets;
    size_t n_different; /* of them */
    size_t n_cipher_keys;
    size_t n_mac_keys;
    uint64_t n_decryptions; /* keys, modes and places of the IV that were tried */
    uint64_t n_macs;
    size_t n_pairs; /* tickets compared with each other */
};

/* Told after every key of the dictionary. */
struct ticket_audit_observer {
    void *cookie;
    void (*progress)(void *cookie, size_t n_done, size_t n_all);
};

/*
 * Every ticket is tried with every cipher key in CBC, CTR and GCM, wherever the IV may be, for a
 * session as OpenSSL or Go has it inside, and with every MAC key by HMAC-SHA256; AEAD tags, other
 * hashes and other contents on four tickets under each key name. About 20 ms a ticket.
 * observer: NULL: nobody looks on. RP_NO_MEMORY, RP_CRYPTO: no audit.
 */
enum rp_status ticket_audit_run(const struct ticket_sample *samples, size_t n,
                                const struct ticket_audit_observer *observer,
                                struct ticket_audit **out) RP_MUST_USE;
void ticket_audit_free(struct ticket_audit **audit);

/* There is a fault among the findings. */
bool ticket_audit_is_bad(const struct ticket_audit *audit);

#endif
