/*
 * What an audit of a server can find, by name, each with its evidence. A finding is never raised
 * without evidence that a sound server could not have given.
 */
#ifndef FINDING_H
#define FINDING_H

#include <stddef.h>

#include <reprise/status.h>

/* NOTE: worth knowing, no fault. WEAK: against the standards' advice. BROKEN: authentication or
 * secrecy is lost. */
enum severity { SEVERITY_NOTE, SEVERITY_WEAK, SEVERITY_BROKEN };

/* name, word, severity, what it means in a sentence, source */
#define FINDING_MAP(X)                                                                             \
    X(OTHER_SNI, "other-sni", WEAK, "a session resumes under another server name",                 \
      "RFC 6066 section 3")                                                                        \
    X(NO_SNI, "no-sni", WEAK, "a session of a name resumes without one", "RFC 6066 section 3")     \
    X(UNKNOWN_SNI, "unknown-sni", WEAK, "a session resumes under a name the server has not",       \
      "RFC 6066 section 3")                                                                        \
    X(CLIENT_CERTIFICATE_BYPASS, "client-certificate-bypass", BROKEN,                              \
      "a session of another site gets in where a client certificate is demanded",                  \
      "CVE-2025-23419")                                                                            \
    X(MODIFIED_TICKET_ACCEPTED, "modified-ticket-accepted", BROKEN,                                \
      "a ticket that was changed is still accepted", "RFC 5077 section 4")                         \
    X(TICKET_EXTENDED, "ticket-extended", NOTE,                                                    \
      "bytes after the end of a ticket are not looked at", "RFC 5077 section 4")                   \
    X(TICKET_ORACLE, "ticket-oracle", BROKEN,                                                      \
      "changed tickets are answered differently by where they were changed", "RFC 5077 section 5") \
    X(TICKET_TIMING, "ticket-timing", BROKEN,                                                      \
      "how long the answer to a changed ticket takes tells where it was changed",                  \
      "RFC 5077 section 5")                                                                        \
    X(TICKET_ALERT, "ticket-alert", WEAK,                                                          \
      "a ticket that cannot be opened ends the connection instead of a full handshake",            \
      "RFC 5077 section 3.1")                                                                      \
    X(TICKETBLEED, "ticketbleed", BROKEN, "a session ID is not echoed exactly beside a ticket",    \
      "CVE-2016-9244")                                                                             \
    X(PSK_KE, "psk-ke", WEAK, "resumes without a new key exchange", "RFC 8446 section 2.2")        \
    X(BINDER_UNCHECKED, "binder-unchecked", BROKEN, "a PSK with a wrong binder is accepted",       \
      "RFC 8446 section 4.2.11")                                                                   \
    X(HASH_MISMATCH, "hash-mismatch", BROKEN, "a PSK resumes with a suite of another hash",        \
      "RFC 8446 section 4.6.1")                                                                    \
    X(VERSION_CONFUSION, "version-confusion", BROKEN,                                              \
      "a ticket of one version of TLS is taken in another", "RFC 8446 section 4.6.1")              \
    X(EMS_DOWNGRADE, "extended-master-secret", BROKEN,                                             \
      "resumes although extended master secret was dropped or added", "RFC 7627 section 5.3")      \
    X(EARLY_REPLAY, "early-replay", BROKEN, "early data is accepted a second time",                \
      "RFC 8446 section 8")                                                                        \
    X(EARLY_REPLAY_ELSEWHERE, "early-replay-elsewhere", BROKEN,                                    \
      "early data is accepted again at another address", "RFC 8446 section 8")                     \
    X(EARLY_CONTEXT, "early-context", BROKEN,                                                      \
      "early data is taken under another ALPN or server name, at a wrong age or after a retry",    \
      "RFC 8446 section 4.2.10")                                                                   \
    X(EARLY_OVERSIZE, "early-oversize", WEAK, "more early data is taken than the ticket allows",   \
      "RFC 8446 section 4.6.1")                                                                    \
    X(ALPN_KEPT, "alpn-kept", WEAK,                                                                \
      "a resumption keeps the protocol (ALPN) of its session, though it is not offered",           \
      "RFC 7301 section 3.1; ALPACA")                                                              \
    X(ENDLESS_CHAIN, "endless-chain", WEAK,                                                        \
      "each resumption begins the lifetime anew: no bound on a session's age", "Sy et al., 2018")  \
    X(TICKET_REUSED, "ticket-reused", WEAK, "the same ticket is given twice: linkable",            \
      "RFC 8446 appendix C.4")                                                                     \
    X(AGE_ADD, "age-add", WEAK, "ticket_age_add is not random", "RFC 8446 section 4.6.1")          \
    X(NONCE_REUSED, "nonce-reused", BROKEN, "tickets of one connection share a nonce",             \
      "RFC 8446 section 4.6.1")                                                                    \
    X(LIFETIME_TOO_LONG, "lifetime-too-long", WEAK,                                                \
      "a lifetime of more than 7 days is advertised", "RFC 8446 section 4.6.1")                    \
    X(ACCEPTED_PAST_LIFETIME, "accepted-past-lifetime", WEAK,                                      \
      "a ticket is accepted after its lifetime", "RFC 8446 section 4.6.1")                         \
    X(REFUSED_BEFORE_LIFETIME, "refused-before-lifetime", NOTE,                                    \
      "a ticket is refused before its lifetime is over", "RFC 8446 section 4.6.1")                 \
    X(SESSION_KILLED, "session-killed", NOTE, "whoever saw a session ID can end the session",      \
      "RFC 5246 section 7.2.2")                                                                    \
    X(IDENTITY_FLOOD, "identity-flood", WEAK, "many or long PSK identities end or stall it",       \
      "RFC 8446 section 4.2.11")                                                                   \
    X(RENEGOTIATION, "renegotiation", NOTE, "a client may renegotiate", "RFC 5746 section 5")      \
    X(INSECURE_RENEGOTIATION, "insecure-renegotiation", BROKEN,                                    \
      "a client may renegotiate without saying of which connection", "CVE-2009-3555; RFC 5746")    \
    X(WEAK_KEY, "weak-key", BROKEN, "a ticket opens with a key that everybody knows",              \
      "CVE-2020-13777; Hebrok et al., 2023")                                                       \
    X(PLAIN_TICKET, "plain-ticket", BROKEN, "a ticket carries its session unencrypted",            \
      "RFC 5077 section 4")                                                                        \
    X(KEYSTREAM_REUSED, "keystream-reused", BROKEN, "tickets share an IV or a keystream",          \
      "RFC 5077 section 4")                                                                        \
    X(OTHER_CERTIFICATE, "other-certificate", NOTE,                                                \
      "an address resumes the sessions of another that shows another certificate",                 \
      "Delignat-Lavaud and Bhargavan, 2015")

enum finding_name {
#define FINDING_ENUM(name, word, severity, text, source) FINDING_##name,
    FINDING_MAP(FINDING_ENUM)
#undef FINDING_ENUM
};

const char *finding_word(enum finding_name name);
const char *finding_text(enum finding_name name);
const char *finding_source(enum finding_name name);
enum severity finding_severity(enum finding_name name);

struct finding {
    enum finding_name name;
    char address[72]; /* where it was seen; empty: over all */
    char evidence[512];
};

#endif
