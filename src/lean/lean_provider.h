/*
 * A provider (provider(7)) with leaner ways to what libssl asks of libcrypto in every handshake.
 * What it computes is the default provider's, and so are the hashes that it computes with; what it
 * leaves away are copies, contexts and look-ups. It is found by those alone who ask for it: an
 * SSL_CTX that was made with LEAN_QUERY, in a process that loaded it. To everybody else, and where
 * the properties that are asked for rule it out (fips=yes), algorithms are as they were.
 */
#ifndef LEAN_PROVIDER_H
#define LEAN_PROVIDER_H

#include <openssl/provider.h>

#include <reprise/status.h>

#define LEAN_NAME "reprise"
#define LEAN_PROPERTIES "provider=" LEAN_NAME ",rp.lean=yes"

/* A wish, not a condition: the same as none where the provider is not loaded. It names no provider,
 * or it would overrule one that the machine's configuration names; and it is short, for libcrypto
 * hashes it in each of some forty look-ups of a handshake. */
#define LEAN_QUERY "?rp.lean"

/*
 * Into libcrypto's default context. A failure changes nothing: RP_CRYPTO if there is no default
 * provider, say. To load it twice is a mistake.
 */
enum rp_status lean_provider_load(OSSL_PROVIDER **out) RP_MUST_USE;

/* When no context of its algorithms is in use. Takes NULL, and a pointer to it. */
void lean_provider_unload(OSSL_PROVIDER **provider);

#endif
