#include "raw_random.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "memory.h"
#include "writer.h"

#define BLOCK_LEN 32

enum rp_status raw_random_init(struct raw_random *r, const uint8_t *seed)
{
    *r = (struct raw_random){0};
    if (seed != NULL) {
        memcpy(r->seed, seed, sizeof r->seed);
        return RP_OK;
    }
    return RAND_bytes(r->seed, sizeof r->seed) == 1 ? RP_OK : RP_CRYPTO;
}

void raw_random_fini(struct raw_random *r)
{
    memory_wipe(r, sizeof *r);
}

enum rp_status raw_random_bytes(struct raw_random *r, uint8_t *out, size_t n)
{
    uint8_t input[RAW_RANDOM_SEED_LEN + 8];
    uint8_t block[BLOCK_LEN];
    enum rp_status status = RP_OK;

    while (n != 0 && status == RP_OK) {
        const size_t part = n < BLOCK_LEN ? n : BLOCK_LEN;
        struct writer w = writer_of(input, sizeof input);

        writer_bytes(&w, r->seed, sizeof r->seed);
        writer_u64(&w, r->counter++);
        if (EVP_Digest(input, sizeof input, block, NULL, EVP_sha256(), NULL) != 1) {
            status = RP_CRYPTO;
        } else {
            memcpy(out, block, part);
            out += part;
            n -= part;
        }
    }
    memory_wipe(input, sizeof input);
    memory_wipe(block, sizeof block);
    return status;
}
