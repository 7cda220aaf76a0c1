/* What decodes as a message of the mailbox encodes to the same bytes. The first byte says as what
 * the others are read: a header, or the plaintext of one of the three types that have one. */
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_equal(const uint8_t *data, size_t size, const uint8_t *again, size_t n)
{
    if (n != size || memcmp(again, data, n) != 0) {
        abort();
    }
}

static void header(const uint8_t *data, size_t size)
{
    uint8_t again[MAILBOX_HEADER_LEN];
    struct mailbox_header h;

    if (mailbox_header_decode(data, size, &h)) {
        mailbox_header_encode(&h, again);
        expect_equal(data, sizeof again, again, sizeof again);
    }
}

static void presence(const uint8_t *data, size_t size)
{
    uint8_t again[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence m;

    if (mailbox_presence_decode(data, size, &m)) {
        expect_equal(data, size, again, mailbox_presence_encode(&m, again));
    }
}

static void time_answer(const uint8_t *data, size_t size)
{
    uint8_t again[MAILBOX_TIME_ANSWER_LEN];
    struct mailbox_time m;

    if (mailbox_time_decode(data, size, &m)) {
        mailbox_time_encode(&m, again);
        expect_equal(data, size, again, sizeof again);
    }
}

static void rings(const uint8_t *data, size_t size)
{
    uint8_t *again = malloc(size != 0 ? size : 1);
    struct mailbox_rings m;

    if (again != NULL && mailbox_rings_decode(data, size, &m)) {
        expect_equal(data, size, again, mailbox_rings_encode(&m, again, size));
        if (mailbox_rings_encode(&m, again, size - 1) != 0) {
            abort();
        }
    }
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const uint8_t *, size_t) = {header, presence, time_answer, rings};

    if (size != 0) {
        kinds[data[0] % 4](data + 1, size - 1);
    }
    return 0;
}
