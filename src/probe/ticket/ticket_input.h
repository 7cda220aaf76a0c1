/*
 * Finds tickets in what people have at hand (docs/formats/tickets.md): bytes, hexadecimal, base64,
 * a session file, what `openssl s_client` printed. The form is found out, not asked for.
 */
#ifndef TICKET_INPUT_H
#define TICKET_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "ticket_list.h"

#define TICKET_INPUT_MAX (64U << 20) /* bytes of one input */

/*
 * Adds all tickets in p[0..n) to the list; source names the input in messages and stays borrowed by
 * the list. RP_FORMAT: err has one sentence with the place. Tickets that were added before the
 * place of an error stay.
 */
enum rp_status ticket_input_read(const char *source, const uint8_t *p, size_t n,
                                 struct ticket_list *list, struct rp_error *err) RP_MUST_USE;

#endif
