/* The parts of a ticket are within it, in every layout; of several tickets (a byte says how long
 * each is) the candidates are those that split. */
#include <stdlib.h>

#include "reader.h"
#include "ticket_layout.h"

#define TICKETS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct ticket_bytes part, struct ticket_bytes ticket)
{
    if (part.n != 0 && (part.p < ticket.p || part.p + part.n > ticket.p + ticket.n)) {
        abort();
    }
}

static void check(struct ticket_bytes ticket)
{
    struct ticket_view views[TICKET_LAYOUTS];
    const size_t n = ticket_layout_guess(ticket, views);

    for (size_t i = 0; i < n; i++) {
        if (views[i].fit == TICKET_FIT_NONE || (i != 0 && views[i].fit > views[i - 1].fit)) {
            abort();
        }
        within(views[i].name, ticket);
        within(views[i].iv, ticket);
        within(views[i].ciphertext, ticket);
        within(views[i].tag, ticket);
        within(views[i].authenticated, ticket);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ticket_bytes tickets[TICKETS_MAX];
    struct ticket_judgement judgement;
    struct reader r = reader_of(data, size);
    size_t n = 0;

    check((struct ticket_bytes){data, size});
    while (n < TICKETS_MAX && reader_left(&r) != 0) {
        const struct reader part = reader_vec8(&r);

        tickets[n++] = (struct ticket_bytes){part.at, reader_left(&part)};
    }
    ticket_layout_judge(tickets, n, &judgement);
    for (size_t i = 0; i < judgement.n_candidates; i++) {
        for (size_t k = 0; k < n; k++) {
            struct ticket_view view;

            if (!ticket_layout_split(judgement.candidates[i].layout, tickets[k], &view)) {
                abort();
            }
        }
    }
    return 0;
}
