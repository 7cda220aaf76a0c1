/* What decodes as a ticket_request, or as its answer, encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "ticket_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ticket_request request;
    uint8_t expected;
    uint8_t again[2];

    if (ticket_request_decode(data, size, &request) &&
        (ticket_request_encode(&request, again) != size || memcmp(again, data, size) != 0)) {
        abort();
    }
    if (ticket_request_hint_decode(data, size, &expected) &&
        (ticket_request_hint_encode(expected, again) != size || memcmp(again, data, size) != 0)) {
        abort();
    }
    return 0;
}
