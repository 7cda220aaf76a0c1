/*
 * What became of a session that a client offered. A verdict is about the peer, never about us; each
 * but the first two costs the client a full handshake and nothing else.
 */
#ifndef REPRISE_VERDICT_H
#define REPRISE_VERDICT_H

#include "api.h"

RP_BEGIN

#define RP_VERDICT_MAP(X)                                                                          \
    X(ACCEPTED, "accepted")           /* resumed */                                                \
    X(RENEWED, "accepted-renew")      /* resumed, and a fresh ticket goes out */                   \
    X(NONE, "none")                   /* nothing was offered */                                    \
    X(UNKNOWN_KEY, "unknown-key")     /* key name or session ID of no key in the window */         \
    X(FORGED, "forged")               /* the key is known, the MAC is wrong */                     \
    X(MALFORMED, "malformed")         /* too short, too long, or nonsense inside */                \
    X(FOREIGN, "foreign")             /* sealed under our key, but not by Reprise */               \
    X(EXPIRED, "expired")             /* past its lifetime or max_age, or from the future */       \
    X(WRONG_DOMAIN, "wrong-domain")   /* sealed in another security domain */                      \
    X(WRONG_SNI, "wrong-sni")         /* sealed under another server name (RFC 6066 section 3) */  \
    X(WRONG_VERSION, "wrong-version") /* sealed under another protocol version */                  \
    X(WRONG_EMS, "wrong-ems")         /* extended master secret differs (RFC 7627 section 5.3) */  \
    X(POLICY_CHANGED, "policy-changed") /* the domain's authentication policy is another now */    \
    X(CERTIFICATE, "certificate")       /* the client's certificate is no longer good */           \
    X(NOT_CACHED, "not-cached")         /* our session ID, but the cache does not hold it */       \
    X(TOO_MANY, "too-many")             /* more or larger PSK identities than we look at */        \
    X(DECLINED, "declined")             /* good, but libssl chose a full handshake */

enum rp_verdict {
#define RP_VERDICT_ENUM(name, text) RP_VERDICT_##name,
    RP_VERDICT_MAP(RP_VERDICT_ENUM)
#undef RP_VERDICT_ENUM
        RP_N_VERDICTS
};

/* The name that logs and metrics use, as in the table above; never NULL, static storage. */
RP_API const char *rp_verdict_text(enum rp_verdict verdict);

#define RP_MECHANISM_MAP(X)                                                                        \
    X(NONE, "none")                                                                                \
    X(SESSION_ID, "session-id") /* TLS 1.2, state in the server's cache (RFC 5246) */              \
    X(TICKET, "ticket")         /* TLS 1.2, state at the client (RFC 5077) */                      \
    X(PSK, "psk")               /* TLS 1.3, state at the client (RFC 8446) */

enum rp_mechanism {
#define RP_MECHANISM_ENUM(name, text) RP_MECHANISM_##name,
    RP_MECHANISM_MAP(RP_MECHANISM_ENUM)
#undef RP_MECHANISM_ENUM
        RP_N_MECHANISMS
};

/* The name that logs and metrics use; never NULL, static storage. */
RP_API const char *rp_mechanism_text(enum rp_mechanism mechanism);

RP_END

#endif
