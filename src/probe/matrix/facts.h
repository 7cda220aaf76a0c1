/*
 * What a probe of one name learnt: the addresses, what each of them issued, and which address
 * resumed the sessions of which. The survey fills it (survey.h), the diagnosis reads it
 * (diagnosis.h) and the reports show it.
 *
 * A square matrix for each mechanism: row i is where a session was issued, column j where it was
 * offered. A cell counts over several tries, for behind one address there may be several hosts.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "mechanism.h"
#include "visit.h"

/* The full handshakes at one address for one mechanism. */
struct issue_facts {
    unsigned n_tries; /* may be more than were asked for: as many sessions as were needed */
    unsigned n_established;
    unsigned n_issued;    /* gave a session of this mechanism */
    struct visit *visits; /* n_tries of them */
};

/* Sessions issued at row i, offered at column j. */
struct cell {
    unsigned n_tries; /* 0: nothing to offer, nobody to offer it to, or interrupted */
    unsigned n_resumed;
    unsigned n_full;        /* declined to a full handshake */
    unsigned n_failed;      /* no connection, though one was to be had */
    unsigned n_early;       /* early data accepted */
    unsigned n_new_tickets; /* resumptions that brought a fresh ticket */
    struct visit *resumed;  /* the first of each kind; NULL: none */
    struct visit *full;
    struct visit *failed;
    unsigned offered; /* index of the issuing visit of the first that did not resume */
};

struct address_facts {
    struct peer_address address;
    bool reachable; /* at least one TCP connection */
    bool tls;       /* at least one handshake was done */
    bool awaited;   /* an interrupt came while a visit was under way */
    struct issue_facts issue[MECHANISMS];
    /*
     * Experiments at this address alone, each a count of resumptions of tries, -1: not made. twice
     * is made with every session that was resumed, again and no_sni where cell (i, i) is not green.
     */
    struct {
        int n_twice_tries, n_twice;   /* one session, offered a second time after it was resumed */
        int n_again_tries, n_again;   /* one that was refused, offered there once more */
        int n_no_sni_tries, n_no_sni; /* issued and offered without SNI */
        int n_cut_tries, n_cut;       /* offered after its advertised lifetime: --aged only */
    } own[MECHANISMS];
};

/* --aged: a session that is so old, offered at its own address. */
struct aged_facts {
    size_t address;
    enum mechanism mechanism;
    int64_t age_ms;
    uint32_t lifetime_s; /* as advertised; 0: not */
    unsigned n_tries;
    unsigned n_resumed;
};

struct facts {
    struct endpoint endpoint;
    char servername[ENDPOINT_HOST_SIZE]; /* SNI; empty: none */
    unsigned mechanisms;                 /* mask of what was looked at */
    unsigned n_tries;                    /* wanted in each cell */
    size_t n;                            /* addresses */
    struct address_facts *addresses;
    struct cell *cells[MECHANISMS]; /* n * n, row-major; NULL: not looked at */
    struct aged_facts *aged;
    size_t n_aged;
    bool issue_only;         /* nothing was to be offered */
    bool interrupted;        /* not all was done */
    struct rp_error trouble; /* of this host, for which some was not done; empty: none */
    int64_t took_ms;
    unsigned n_connections;
    int64_t began_s; /* Unix time */
};

/* All cells of the mechanisms in the mask, empty. addresses are copied. */
enum rp_status facts_new(const struct endpoint *endpoint, const struct peer_address *addresses,
                         size_t n, unsigned mechanisms, struct facts **out) RP_MUST_USE;
void facts_free(struct facts **facts);

/* Room for one more full handshake at an address; NULL when out of memory. Moves the others. */
struct visit *facts_add_visit(struct issue_facts *issue) RP_MUST_USE;

/* The cell; NULL where the mechanism was not looked at. */
struct cell *facts_cell(struct facts *facts, enum mechanism m, size_t issued_at, size_t offered_at);
const struct cell *facts_cell_of(const struct facts *facts, enum mechanism m, size_t issued_at,
                                 size_t offered_at);

#endif
