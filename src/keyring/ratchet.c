#include "ratchet.h"

#include <string.h>

#include "hkdf.h"
#include "memory.h"
#include "writer.h"

static enum rp_status expand(const uint8_t *chain, const uint8_t *ring_id, uint64_t epoch,
                             const char *label, uint8_t *out)
{
    uint8_t epoch_be[8];
    struct writer w = writer_of(epoch_be, sizeof epoch_be);
    const struct hkdf_field fields[] = {{ring_id, RATCHET_ID_LEN}, {epoch_be, sizeof epoch_be}};
    struct hkdf h = {0};
    enum rp_status status = hkdf_init(&h, chain, RATCHET_LEN);

    writer_u64(&w, epoch);
    if (status == RP_OK) {
        status = hkdf_expand(&h, label, fields, 2, out, RATCHET_LEN);
    }
    hkdf_fini(&h);
    return status;
}

enum rp_status ratchet_next(uint8_t chain[static RATCHET_LEN],
                            const uint8_t ring_id[static RATCHET_ID_LEN], uint64_t epoch)
{
    uint8_t next[RATCHET_LEN];
    const enum rp_status status = expand(chain, ring_id, epoch, "reprise/1 chain next", next);

    if (status == RP_OK) {
        memcpy(chain, next, RATCHET_LEN);
    }
    memory_wipe(next, sizeof next);
    return status;
}

enum rp_status ratchet_root(const uint8_t chain[static RATCHET_LEN],
                            const uint8_t ring_id[static RATCHET_ID_LEN], uint64_t epoch,
                            uint8_t root[static RATCHET_LEN])
{
    return expand(chain, ring_id, epoch, "reprise/1 chain root", root);
}
