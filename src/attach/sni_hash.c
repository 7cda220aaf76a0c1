#include "sni_hash.h"

#include <stdatomic.h>
#include <string.h>

#include "hello_ext.h"
#include "memory.h"
#include "text.h"

#define N_SLOTS 16

static const char label[] = "reprise 1 server name";

struct entry { /* immutable once in a slot */
    uint8_t hash[SESSION_HASH_LEN];
    char name[HELLO_SNI_MAX + 1];
};

struct sni_hash {
    EVP_MD *sha256;
    _Atomic(struct entry *) slots[N_SLOTS];
};

enum rp_status sni_hash_new(EVP_MD *sha256, struct sni_hash **out)
{
    *out = memory_new(1, sizeof **out);
    if (*out == NULL) {
        return RP_NO_MEMORY;
    }
    (*out)->sha256 = sha256;
    return RP_OK;
}

void sni_hash_free(struct sni_hash **table)
{
    if (table == NULL || *table == NULL) {
        return;
    }
    for (size_t i = 0; i < N_SLOTS; i++) {
        memory_free(atomic_load_explicit(&(*table)->slots[i], memory_order_acquire));
    }
    memory_free(*table);
    *table = NULL;
}

/* FNV-1a: spreads names over the slots, no more is asked of it. */
static size_t slot_of(const char *name)
{
    uint32_t h = 2166136261U;

    for (const char *c = name; *c != '\0'; c++) {
        h = (h ^ (uint8_t)*c) * 16777619U;
    }
    return (h ^ (h >> 16)) % N_SLOTS;
}

static enum rp_status compute(const struct sni_hash *table, const char *name,
                              uint8_t out[static SESSION_HASH_LEN])
{
    char input[sizeof label + HELLO_SNI_MAX + 1];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct text t = text_of(input, sizeof input);

    text_add_n(&t, label, sizeof label); /* with its NUL */
    text_add(&t, name);
    if (t.cut || EVP_Digest(input, t.len, digest, NULL, table->sha256, NULL) != 1) {
        return RP_CRYPTO;
    }
    memcpy(out, digest, SESSION_HASH_LEN);
    return RP_OK;
}

static void remember(struct sni_hash *table, size_t slot, const char *name,
                     const uint8_t hash[static SESSION_HASH_LEN])
{
    struct entry *e = memory_new(1, sizeof *e);
    struct entry *none = NULL;
    struct text t;

    if (e == NULL) {
        return;
    }
    t = text_of(e->name, sizeof e->name);
    text_add(&t, name);
    memcpy(e->hash, hash, sizeof e->hash);
    if (!atomic_compare_exchange_strong_explicit(&table->slots[slot], &none, e,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        memory_free(e);
    }
}

enum rp_status sni_hash_of(struct sni_hash *table, const char *name,
                           uint8_t out[static SESSION_HASH_LEN])
{
    const size_t slot = slot_of(name);
    const struct entry *e = atomic_load_explicit(&table->slots[slot], memory_order_acquire);
    enum rp_status status;

    if (e != NULL && strcmp(e->name, name) == 0) {
        memcpy(out, e->hash, SESSION_HASH_LEN);
        return RP_OK;
    }
    status = compute(table, name, out);
    if (status == RP_OK && e == NULL) {
        remember(table, slot, name, out);
    }
    return status;
}
