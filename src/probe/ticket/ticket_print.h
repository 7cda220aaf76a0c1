/* Tickets in the two forms that OpenSSL prints: PEM session files, and s_client's own output. */
#ifndef TICKET_PRINT_H
#define TICKET_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "ticket_list.h"

/* What in a text says that it is one of these. */
struct ticket_print_marks {
    bool session_file;  /* a PEM session begins */
    bool ticket_headed; /* a line "TLS session ticket:" */
    bool dump;          /* lines as of a dump, if not all are to be taken for something else */
    bool s_client;      /* a connection of s_client's, with a ticket or without */
};

struct ticket_print_marks ticket_print_marks(const uint8_t *p, size_t n);

/* Adds what is there. RP_FORMAT: err has one sentence, with source and line. */
enum rp_status ticket_print_read(const char *source, const uint8_t *p, size_t n,
                                 const struct ticket_print_marks *marks, struct ticket_list *list,
                                 struct rp_error *err) RP_MUST_USE;

#endif
