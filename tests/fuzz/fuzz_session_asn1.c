/* All that is read from a session lies within it, and the length in its head is its own. */
#include <stdlib.h>
#include <string.h>

#include "session_asn1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_asn1 s;
    size_t len = 0;

    if (size >= 16) {
        len = session_asn1_len(data);
    }
    if (!session_asn1_decode(data, size, &s)) {
        return 0;
    }
    if (len != 0 && len != size) {
        abort();
    }
    if (s.master_len > SESSION_ASN1_MASTER_MAX || s.session_id_len > 32) {
        abort();
    }
    for (unsigned i = 0; i < SESSION_ASN1_TAGS; i++) {
        const struct session_asn1_field *f = &s.fields[i];
        uint64_t value;

        if (f->p != NULL && f->n != 0 && (f->p < data || f->p + f->n > data + size)) {
            abort();
        }
        (void)session_asn1_number(&s, (enum session_asn1_tag)i, &value);
    }
    (void)session_asn1_ems(&s);
    return 0;
}
