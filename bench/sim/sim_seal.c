#include "sim_seal.h"

#include <string.h>

#include "memory.h"
#include "seal.h"
#include "sim_map.h"
#include "sim_queue.h"

#define MESSAGE_MAX (MAILBOX_PRESENCE_MAX + SEAL_OVERHEAD)

struct opened {
    uint8_t secret[SEAL_SECRET_LEN];
    uint16_t n;
    bool is_used;
    uint8_t message[MESSAGE_MAX];
    uint8_t plain[MAILBOX_PRESENCE_MAX];
};

/* What takes the place of a function without context has nowhere else to keep it. */
static struct {
    struct opened *opened;
    size_t room;
    size_t next;
    struct sim_map places;
} memory;

enum rp_status __real_seal_open(const struct seal *s, const uint8_t *message, size_t n,
                                struct mailbox_header *header, uint8_t *plain) RP_MUST_USE;
enum rp_status __wrap_seal_open(const struct seal *s, const uint8_t *message, size_t n,
                                struct mailbox_header *header, uint8_t *plain) RP_MUST_USE;

void sim_seal_remember(size_t n)
{
    sim_seal_fini();
    memory.opened = n != 0 ? memory_new(n, sizeof memory.opened[0]) : NULL;
    sim_require(n == 0 || memory.opened != NULL, "out of memory");
    memory.room = n;
}

void sim_seal_fini(void)
{
    memory_free(memory.opened);
    sim_map_fini(&memory.places);
    memory.opened = NULL;
    memory.room = 0;
    memory.next = 0;
}

static const struct opened *find(const struct seal *s, const uint8_t *message, size_t n,
                                 const struct mailbox_id *nonce)
{
    const uint32_t *const at = sim_map_find(&memory.places, nonce->bytes);
    const struct opened *const o = at != NULL ? &memory.opened[*at] : NULL;

    return o != NULL && o->n == n && memcmp(o->message, message, n) == 0 &&
                   memcmp(o->secret, s->secret, sizeof o->secret) == 0
               ? o
               : NULL;
}

static void keep(const struct seal *s, const uint8_t *message, size_t n,
                 const struct mailbox_id *nonce, const uint8_t *plain)
{
    struct opened *const o = &memory.opened[memory.next];

    if (o->is_used) {
        struct mailbox_header old;

        sim_require(mailbox_header_decode(o->message, o->n, &old), "a message that changed");
        sim_map_remove(&memory.places, old.nonce.bytes);
    }
    o->is_used = true;
    o->n = (uint16_t)n;
    memcpy(o->secret, s->secret, sizeof o->secret);
    memcpy(o->message, message, n);
    memcpy(o->plain, plain, n - SEAL_OVERHEAD);
    sim_map_put(&memory.places, nonce->bytes, (uint32_t)memory.next);
    memory.next = (memory.next + 1) % memory.room;
}

enum rp_status __wrap_seal_open(const struct seal *s, const uint8_t *message, size_t n,
                                struct mailbox_header *header, uint8_t *plain)
{
    const struct opened *o;
    enum rp_status status;

    if (memory.room == 0 || n > MESSAGE_MAX || n < SEAL_OVERHEAD ||
        !mailbox_header_decode(message, n, header) || header->type != MAILBOX_PRESENCE) {
        return __real_seal_open(s, message, n, header, plain);
    }
    o = find(s, message, n, &header->nonce);
    if (o != NULL) {
        memcpy(plain, o->plain, n - SEAL_OVERHEAD);
        return RP_OK;
    }
    status = __real_seal_open(s, message, n, header, plain);
    if (status == RP_OK) {
        keep(s, message, n, &header->nonce, plain);
    }
    return status;
}
