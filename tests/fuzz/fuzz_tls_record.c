/* A record that is whole is within its bounds, and its header encodes to the same bytes; what is
 * not whole is not called whole later for the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "tls_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_record r;
    uint8_t header[TLS_RECORD_HEADER_LEN];
    const enum tls_record_verdict verdict =
        tls_record_decode(data, size, TLS_RECORD_SEALED_MAX_13, &r);

    if (verdict == TLS_RECORD_WHOLE) {
        tls_record_encode(&r, header);
        if ((size_t)r.len + sizeof header > size || r.len > TLS_RECORD_SEALED_MAX_13 ||
            memcmp(header, data, sizeof header) != 0) {
            abort();
        }
    }
    for (size_t n = 0; n < size && n < sizeof header; n++) {
        const enum tls_record_verdict part =
            tls_record_decode(data, n, TLS_RECORD_SEALED_MAX_13, &r);

        if (part == TLS_RECORD_WHOLE || part == TLS_RECORD_TOO_LONG ||
            (part == TLS_RECORD_NOT_TLS && verdict != TLS_RECORD_NOT_TLS)) {
            abort();
        }
    }
    return 0;
}
