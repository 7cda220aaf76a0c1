/*
 * The input as a message, of which the corpus holds right ones. And as a header and what stands
 * under it: sealed, opened, and compared.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_kit.h"
#include "seal.h"

static const uint8_t secret[SEAL_SECRET_LEN] = "a secret of 32 bytes that is no ";

/* What opens is what would be sealed so. */
static void open_any(const struct seal *s, const uint8_t *data, size_t n)
{
    const size_t plain_len = n < SEAL_OVERHEAD ? 0 : n - SEAL_OVERHEAD;
    uint8_t *const plain = room(plain_len);
    uint8_t *const again = room(plain_len + SEAL_OVERHEAD);
    struct mailbox_header header;
    const enum rp_status status = seal_open(s, data, n, &header, plain);

    if (status == RP_OK) {
        require(seal_message(s, &header, plain, plain_len, again) == RP_OK &&
                memcmp(again, data, n) == 0);
    } else {
        static const struct mailbox_header none;

        require(status == RP_FORMAT && memcmp(&header, &none, sizeof none) == 0);
    }
    free(again);
    free(plain);
}

static void seal_and_open(const struct seal *s, const uint8_t *data, size_t n)
{
    const size_t plain_len = n - MAILBOX_HEADER_LEN;
    uint8_t *const message = room(plain_len + SEAL_OVERHEAD);
    uint8_t *const plain = room(plain_len);
    struct mailbox_header header;
    struct mailbox_header opened;

    if (mailbox_header_decode(data, n, &header)) {
        require(seal_message(s, &header, data + MAILBOX_HEADER_LEN, plain_len, message) == RP_OK);
        require(seal_open(s, message, plain_len + SEAL_OVERHEAD, &opened, plain) == RP_OK);
        require(memcmp(plain, data + MAILBOX_HEADER_LEN, plain_len) == 0);
        require(memcmp(&opened, &header, sizeof header) == 0);
        message[n % (plain_len + SEAL_OVERHEAD)] ^= 1;
        require(seal_open(s, message, plain_len + SEAL_OVERHEAD, &opened, plain) == RP_FORMAT);
    }
    free(plain);
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seal s;

    require(seal_init(&s, secret, "fleet") == RP_OK);
    open_any(&s, data, size);
    if (size >= MAILBOX_HEADER_LEN && size <= MAILBOX_MESSAGE_MAX - MAILBOX_TAG_LEN) {
        seal_and_open(&s, data, size);
    }
    seal_fini(&s);
    return 0;
}
