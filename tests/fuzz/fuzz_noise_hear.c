/*
 * The input as a first message and as a second one, of which the corpus holds right ones. And as
 * what both have to say: it arrives as it was.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_kit.h"
#include "noise_core.h"

static const uint8_t psk[NOISE_PSK_LEN] = "a psk of thirty-two bytes, fixed";
static const uint8_t ask_e[32] = "the ephemeral key of who asks...";
static const uint8_t answer_e[32] = "the ephemeral key of who answers";

static EVP_PKEY *key_of(const uint8_t private[static 32])
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
}

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *const bytes = p;
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static size_t payload_len(size_t n)
{
    return n < NOISE_OVERHEAD ? 0 : n - NOISE_OVERHEAD;
}

static struct noise begin(const uint8_t *payload, size_t n, uint8_t *first)
{
    struct noise asker;

    require(noise_ask_with(&asker, key_of(ask_e), psk, NULL, 0, payload, n, first) == RP_OK);
    return asker;
}

static void hear(const uint8_t *data, size_t n)
{
    uint8_t *const payload = room(payload_len(n));
    struct noise asked;
    const enum rp_status status = noise_hear(&asked, psk, NULL, 0, data, n, payload);

    require(status == RP_OK || (status == RP_FORMAT && is_zero(&asked, sizeof asked)));
    require(status == RP_OK || n > NOISE_MESSAGE_MAX || is_zero(payload, payload_len(n)) ||
            n < NOISE_OVERHEAD);
    noise_fini(&asked);
    free(payload);
}

static void finish(const uint8_t *data, size_t n)
{
    uint8_t *const payload = room(payload_len(n));
    uint8_t first[NOISE_OVERHEAD];
    struct noise asker = begin(NULL, 0, first);
    const struct noise before = asker;
    const enum rp_status status = noise_finish(&asker, data, n, payload);

    require(status == RP_OK || (status == RP_FORMAT && memcmp(&asker, &before, sizeof asker) == 0));
    noise_fini(&asker);
    free(payload);
}

static void say(const uint8_t *data, size_t n)
{
    uint8_t *const message = room(n + NOISE_OVERHEAD);
    uint8_t *const payload = room(n);
    struct noise asker = begin(data, n, message);
    struct noise asked;

    require(noise_hear(&asked, psk, NULL, 0, message, n + NOISE_OVERHEAD, payload) == RP_OK &&
            memcmp(payload, data, n) == 0);
    require(noise_answer_with(&asked, key_of(answer_e), data, n, message) == RP_OK);
    require(noise_finish(&asker, message, n + NOISE_OVERHEAD, payload) == RP_OK &&
            memcmp(payload, data, n) == 0);
    free(message);
    free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hear(data, size);
    finish(data, size);
    if (size > 0 && size <= NOISE_MESSAGE_MAX - NOISE_OVERHEAD) {
        say(data, size);
    }
    return 0;
}
