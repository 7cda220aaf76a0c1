/* One pass of a load run: one mode, all its slots, from the first seed to the last connection. */
#ifndef LOAD_PASS_H
#define LOAD_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "load_options.h"
#include "tally.h"

struct load_pass;

/* All borrowed until load_pass_free. Connections go to the addresses in turn. */
struct load_pass_config {
    const struct load_options *options;
    const struct peer_address *addresses;
    size_t n_addresses;
    uv_loop_t *loop;
    struct tally *tally; /* zeroed but for its mode; filled as the pass goes on */
};

enum rp_status load_pass_new(const struct load_pass_config *config, struct load_pass **out,
                             struct rp_error *err) RP_MUST_USE;

/* Begins; the pass is over when the loop has nothing left to do. */
void load_pass_start(struct load_pass *pass);

/* No connection is begun any more; those under way are finished. */
void load_pass_stop(struct load_pass *pass);

/* Microseconds of measuring so far, 0 while the slots are seeded. */
uint64_t load_pass_elapsed_us(const struct load_pass *pass);

/* After the loop came to rest. Runs it until its handles are closed. */
void load_pass_free(struct load_pass **pass);

#endif
