/*
 * How many connections there are, of all workers together and of each address, in memory that the
 * workers share.
 *
 * Every worker has a part of its own, by its slot, and writes nowhere else; the whole is the sum
 * over all parts. A worker adds its own first and sums then, so two that come at the same time may
 * both be refused, but never both be let in. A worker that is killed leaves its part behind: the
 * parent clears it when it has waited for the worker's end, and until then its connections count,
 * which errs on the safe side. Nothing is locked, so nothing can be left locked.
 *
 * An address is an IPv4 address or an IPv6 network of 64 bits, for a host there has as many
 * addresses as it likes. A part has a table of CONN_COUNT_ADDRESSES places; a place whose count is
 * zero is free for another address, but never moved, so that a reader meets each address in one
 * place. Where an address hashes to is a secret of this host. One that finds no place, in a table
 * that is nearly full, is not counted.
 *
 * The parts of workers of several generations stand side by side. A binary that takes over by
 * SIGUSR2 makes its own, and does not count what the old one still has.
 *
 * A worker that an attacker has taken over can write what it likes into any part: it can have
 * connections refused or let in, and nothing else; no offset and no pointer stands here.
 */
#ifndef CONN_COUNT_H
#define CONN_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/status.h>

#include "network.h"

#define CONN_COUNT_SLOTS 1024 /* workers at a time */
#define CONN_COUNT_ADDRESSES 32768

struct conn_count;

/* By the parent, before it forks. Memory is taken as it is used. */
enum rp_status conn_count_new(struct conn_count **out) RP_MUST_USE;
void conn_count_free(struct conn_count **count);

/*
 * By the parent: the workers that it forks from now on count addresses too. Half a gigabyte of
 * addresses, of which little is ever used; so not before there is a limit. Those that were forked
 * earlier do not take part.
 */
enum rp_status conn_count_addresses(struct conn_count *count) RP_MUST_USE;

/*
 * By the parent: before it forks the worker of this slot, and when it has waited for its end. Both
 * forget what the slot counted.
 */
void conn_count_begin(struct conn_count *count, unsigned slot);
void conn_count_end(struct conn_count *count, unsigned slot);

/* By the worker of the slot: one connection more. False, and nothing is counted: there are max. */
bool conn_count_enter(struct conn_count *count, unsigned slot, unsigned max);
void conn_count_leave(struct conn_count *count, unsigned slot);

/*
 * The same for those of an address, network_of what connected. *place is for leaving; 0, and true:
 * it was not counted.
 */
bool conn_count_enter_address(struct conn_count *count, unsigned slot,
                              const struct network *address, unsigned max, uint32_t *place);
void conn_count_leave_address(struct conn_count *count, unsigned slot, uint32_t place);

#endif
