/* The checks of an audit, a function each: makes its trials, adds findings, concludes. */
#ifndef CHECKS_H
#define CHECKS_H

#include "auditor.h"

void check_names(struct auditor *a);
void check_client_certificate(struct auditor *a);
void check_tickets(struct auditor *a);
void check_ticketbleed(struct auditor *a);
void check_psk_modes(struct auditor *a);
void check_binders(struct auditor *a);
void check_hash(struct auditor *a);
void check_versions(struct auditor *a);
void check_ems(struct auditor *a);
void check_alpn(struct auditor *a);
void check_renegotiation(struct auditor *a);
void check_third_party(struct auditor *a);
void check_identities(struct auditor *a);
void check_early_data(struct auditor *a);
void check_ticket_fields(struct auditor *a);
void check_chain(struct auditor *a);
void check_lifetime(struct auditor *a);
void check_keys(struct auditor *a);

/* After all addresses have a profile. */
void check_certificates(struct auditor *a);

#define HTTP11 "http/1.1"

/* The only protocol; NULL: the extension is left out. */
void check_offer_alpn(struct raw_hello *hello, const char *protocol);

/* A full handshake that offers it chooses http/1.1: else there is no protocol that a session could
 * be bound to. */
bool check_negotiates(struct auditor *a, enum session_kind kind);

/* Concludes that the check is not applicable, and false, where sessions of a kind do not resume. */
bool check_needs(struct auditor *a, enum session_kind kind);

#endif
