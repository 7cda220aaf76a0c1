/* What a server of SMTP says, in chunks whose lengths the first bytes give. */
#include <stdint.h>
#include <stdlib.h>

#include "starttls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct starttls s = {0};
    enum starttls_next next = STARTTLS_READ;

    while (size > 1 && next != STARTTLS_BEGIN) {
        const size_t n = data[0] % (size - 1) + 1;

        next = starttls_feed(&s, (const char *)data + 1, n);
        if ((next == STARTTLS_FAILED) != (s.err.text[0] != '\0') || s.n_replies > 3) {
            abort();
        }
        if (next == STARTTLS_SEND && starttls_text(&s)[0] == '\0') {
            abort();
        }
        data += 1 + n;
        size -= 1 + n;
    }
    return 0;
}
