/* What decodes as a NewSessionTicket encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "new_session_ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct new_session_ticket *t, const uint8_t *body, size_t n)
{
    static uint8_t again[1 << 18];
    struct new_session_ticket_extension e;
    size_t n_extensions = 0;

    while (new_session_ticket_extension(t, n_extensions, &e)) {
        if (e.len != 0 && (e.body < body || e.body + e.len > body + n)) {
            abort();
        }
        if (++n_extensions > 64) {
            break; /* each costs a walk over all before it */
        }
    }
    if (n_extensions <= 64 && n_extensions != t->n_extensions) {
        abort();
    }
    if (new_session_ticket_encode(t, again, sizeof again) != n || memcmp(again, body, n) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct new_session_ticket t;

    if (new_session_ticket_decode_12(data, size, &t)) {
        check(&t, data, size);
    }
    if (new_session_ticket_decode_13(data, size, &t)) {
        check(&t, data, size);
    }
    (void)new_session_ticket_detect(data, size, &t);
    return 0;
}
