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
 * CERTIFICATE: not valid at wall_s, or, where the connection verifies certificates, not verified at
 * wall_s by what the store holds now: CAs, the certificates between, lists of those revoked;
 * POLICY_CHANGED: the connection demands a certificate, the session has none.
 *
 * May call the SSL's verify callback, as libssl does in a full handshake.
 */
enum rp_verdict peer_check(SSL *ssl, SSL_SESSION *session, int64_t wall_s);

#endif
