#include "ticket_request.h"

#include "reader.h"

bool ticket_request_decode(const uint8_t *body, size_t n, struct ticket_request *out)
{
    struct reader r = reader_of(body, n);

    out->new_session = reader_u8(&r);
    out->resumption = reader_u8(&r);
    if (!reader_done(&r)) {
        *out = (struct ticket_request){0};
        return false;
    }
    return true;
}

size_t ticket_request_encode(const struct ticket_request *r, uint8_t out[static 2])
{
    out[0] = r->new_session;
    out[1] = r->resumption;
    return 2;
}

bool ticket_request_hint_decode(const uint8_t *body, size_t n, uint8_t *expected)
{
    struct reader r = reader_of(body, n);

    *expected = reader_u8(&r);
    if (!reader_done(&r)) {
        *expected = 0;
        return false;
    }
    return true;
}

size_t ticket_request_hint_encode(uint8_t expected, uint8_t out[static 1])
{
    out[0] = expected;
    return 1;
}
