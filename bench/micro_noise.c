/* What a host's messages to others in its fleet cost: fetching rings, and sealed messages. */
#include <openssl/evp.h>

#include "measure.h"
#include "noise_core.h"
#include "seal.h"

#define INVITE_LEN 16
#define RINGS_LEN 8400   /* one ring, with 257 roots */
#define PRESENCE_LEN 160 /* one ring, short texts */

static const uint8_t payload[RINGS_LEN];
static const uint8_t e_private[32] = "any";

struct bench {
    struct seal seal;
    struct mailbox_header header;
    struct noise asker;
    uint8_t first[INVITE_LEN + NOISE_OVERHEAD];
    uint8_t second[RINGS_LEN + NOISE_OVERHEAD];
    uint8_t presence[PRESENCE_LEN + SEAL_OVERHEAD];
    uint8_t prologue[SEAL_PROLOGUE_MAX];
    size_t prologue_len;
};

static void ask_once(struct bench *b, struct noise *noise)
{
    measure_require(noise_ask(noise, b->seal.psk, b->prologue, b->prologue_len, payload, INVITE_LEN,
                              b->first) == RP_OK,
                    "ask");
}

static void ask(void *cookie, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct noise noise;

        ask_once(cookie, &noise);
        noise_fini(&noise);
    }
}

static void hear_once(struct bench *b, struct noise *noise)
{
    uint8_t out[INVITE_LEN];

    measure_require(noise_hear(noise, b->seal.psk, b->prologue, b->prologue_len, b->first,
                               sizeof b->first, out) == RP_OK,
                    "hear");
}

static void hear(void *cookie, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct noise noise;

        hear_once(cookie, &noise);
        noise_fini(&noise);
    }
}

static void answer(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        struct noise noise;

        hear_once(b, &noise);
        measure_require(noise_answer(&noise, payload, sizeof payload, b->second) == RP_OK,
                        "answer");
    }
}

/* What a stranger can make a member do, and one who asked do. */
static void hear_garbage(void *cookie, uint64_t n)
{
    const struct bench *const b = cookie;
    uint8_t out[INVITE_LEN];

    for (uint64_t i = 0; i < n; i++) {
        struct noise noise;

        measure_require(noise_hear(&noise, b->seal.psk, b->prologue, b->prologue_len, b->second,
                                   sizeof b->first, out) == RP_FORMAT,
                        "refuse");
    }
}

static void finish_garbage(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t out[RINGS_LEN];

    for (uint64_t i = 0; i < n; i++) {
        measure_require(noise_finish(&b->asker, b->second, sizeof b->second, out) == RP_FORMAT,
                        "refuse");
    }
}

static void exchange(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t out[RINGS_LEN];

    for (uint64_t i = 0; i < n; i++) {
        struct noise noise;

        ask_once(b, &noise);
        answer(b, 1);
        measure_require(noise_finish(&noise, b->second, sizeof b->second, out) == RP_OK, "finish");
    }
}

static void make_key(void *cookie, uint64_t n)
{
    (void)cookie;
    for (uint64_t i = 0; i < n; i++) {
        EVP_PKEY *const key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

        measure_require(key != NULL, "make a key");
        EVP_PKEY_free(key);
    }
}

static void agree(void *cookie, uint64_t n)
{
    EVP_PKEY *const key =
        EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, e_private, sizeof e_private);
    uint8_t out[32];
    size_t len = sizeof out;

    (void)cookie;
    for (uint64_t i = 0; i < n; i++) {
        EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

        measure_require(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, key) == 1 &&
                            EVP_PKEY_derive(ctx, out, &len) == 1,
                        "agree on a secret");
        EVP_PKEY_CTX_free(ctx);
    }
    EVP_PKEY_free(key);
}

static void seal(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        measure_require(seal_message(&b->seal, &b->header, payload, PRESENCE_LEN, b->presence) ==
                            RP_OK,
                        "seal");
    }
}

static void open_right(void *cookie, uint64_t n)
{
    const struct bench *const b = cookie;
    struct mailbox_header header;
    uint8_t out[PRESENCE_LEN];

    for (uint64_t i = 0; i < n; i++) {
        measure_require(seal_open(&b->seal, b->presence, sizeof b->presence, &header, out) == RP_OK,
                        "open");
    }
}

int main(int argc, char **argv)
{
    static const uint8_t secret[SEAL_SECRET_LEN];
    struct bench b = {.header.type = MAILBOX_PRESENCE};
    struct measure m;

    if (!measure_init(&m, "Messages of a fleet (rings of 8,400 bytes, presence of 160)", argc,
                      argv)) {
        return 2;
    }
    measure_require(seal_init(&b.seal, secret, "bench") == RP_OK, "take up a secret");
    b.prologue_len = seal_prologue(&b.seal, &b.header, b.prologue);
    ask_once(&b, &b.asker);
    measure_time(&m, "ask", 0, ask, &b);
    measure_time(&m, "hear", 0, hear, &b);
    measure_time(&m, "hear and answer", 200, answer, &b);
    measure_time(&m, "ask, hear, answer, finish", 0, exchange, &b);
    measure_time(&m, "refuse a question", 0, hear_garbage, &b);
    measure_time(&m, "refuse an answer", 0, finish_garbage, &b);
    measure_time(&m, "  libcrypto: an ephemeral key", 0, make_key, &b);
    measure_time(&m, "  libcrypto: agree on a secret", 0, agree, &b);
    measure_time(&m, "seal a presence", 0, seal, &b);
    measure_time(&m, "open a presence", 0, open_right, &b);
    measure_print(&m);
    noise_fini(&b.asker);
    seal_fini(&b.seal);
    return 0;
}
