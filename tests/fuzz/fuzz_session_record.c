/*
 * What decodes as a cached session keeps its rules and encodes to the same bytes; and what
 * session_der makes of it is one element, as long as its header says.
 */
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "session_der.h"
#include "session_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_der(const struct session_record *record, const struct session_der *place)
{
    uint8_t der[SESSION_DER_MAX];
    const size_t n = session_der_encode(record, place, der, sizeof der);
    struct reader r = reader_of(der, n);
    size_t len;

    if (n == 0) {
        if (record->lifetime_s != 0 && record->verify_result <= INT32_MAX) {
            abort();
        }
        return;
    }
    if (reader_u8(&r) != 0x30) {
        abort();
    }
    len = reader_u8(&r);
    len = len == 0x82 ? reader_u16(&r) : len == 0x81 ? reader_u8(&r) : len;
    (void)reader_bytes(&r, len);
    if (!reader_done(&r)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t id[SESSION_HASH_LEN] = {1};
    uint8_t again[SESSION_RECORD_MAX];
    const struct session_der place = {
        .session_id = id,
        .session_id_len = sizeof id,
        .time_s = INT64_C(1) << (size % 63),
    };
    struct session_record record;

    if (!session_record_decode(data, size, &record)) {
        return 0;
    }
    if (record.peer_len > SESSION_PEER_MAX || (record.peer == NULL) != (record.peer_len == 0) ||
        session_record_encode(&record, again, sizeof again) != size ||
        memcmp(again, data, size) != 0) {
        abort();
    }
    check_der(&record, &place);
    return 0;
}
