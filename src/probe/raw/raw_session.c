#include "raw_session.h"

#include <string.h>

#include "memory.h"

static void drop_ticket(struct raw_session *s)
{
    if (s->ticket != NULL) {
        memory_wipe(s->ticket, s->ticket_len);
        memory_free(s->ticket);
    }
}

enum rp_status raw_session_set_ticket(struct raw_session *s, const uint8_t *ticket, size_t n)
{
    uint8_t *copy = NULL;

    if (n != 0) {
        copy = memory_new(n, 1);
        if (copy == NULL) {
            return RP_NO_MEMORY;
        }
        memcpy(copy, ticket, n);
    }
    drop_ticket(s);
    s->ticket = copy;
    s->ticket_len = n;
    return RP_OK;
}

enum rp_status raw_session_new(const uint8_t *ticket, size_t n, struct raw_session **out)
{
    struct raw_session *s = memory_new(1, sizeof *s);

    *out = NULL;
    if (s == NULL || raw_session_set_ticket(s, ticket, n) != RP_OK) {
        memory_free(s);
        return RP_NO_MEMORY;
    }
    *out = s;
    return RP_OK;
}

enum rp_status raw_session_copy(const struct raw_session *s, struct raw_session **out)
{
    struct raw_session *copy;
    uint8_t *ticket;

    if (raw_session_new(s->ticket, s->ticket_len, out) != RP_OK) {
        return RP_NO_MEMORY;
    }
    copy = *out;
    ticket = copy->ticket;
    *copy = *s;
    copy->ticket = ticket;
    return RP_OK;
}

void raw_session_free(struct raw_session **s)
{
    if (*s == NULL) {
        return;
    }
    drop_ticket(*s);
    memory_wipe(*s, sizeof **s);
    memory_free(*s);
    *s = NULL;
}
