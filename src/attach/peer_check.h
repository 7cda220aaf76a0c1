/*
 * Whether the client certificate that a session carries would still be taken: resumption must not
 * outlive what the full handshake was based on.
 */
#ifndef PEER_CHECK_H
#define PEER_CHECK_H

#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/verdict.h>

/*
 * ACCEPTED;
 * CERTIFICATE: not valid at wall_s, or, where the connection checks CRLs, on one of its issuer's in
 * the store, or the store has none whose nextUpdate is yet to come;
 * POLICY_CHANGED: the connection demands a certificate, the session has none.
 */
enum rp_verdict peer_check(SSL *ssl, SSL_SESSION *session, int64_t wall_s);

#endif
