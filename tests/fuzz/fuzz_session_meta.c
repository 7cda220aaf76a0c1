/* What decodes as ticket application data keeps its rules and encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "session_meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_meta meta;
    uint8_t again[SESSION_META_LEN];

    if (!session_meta_decode(data, size, &meta)) {
        return 0;
    }
    if (size != sizeof again || meta.origin_ms < 0 || meta.sealed_ms < meta.origin_ms ||
        (meta.version != 0x0303 && meta.version != 0x0304)) {
        abort();
    }
    session_meta_encode(&meta, again);
    if (memcmp(again, data, sizeof again) != 0) {
        abort();
    }
    return 0;
}
