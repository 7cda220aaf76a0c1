#include "binding.h"

#include <stdatomic.h>
#include <string.h>

#include "hello_ext.h"
#include "memory.h"
#include "text.h"
#include "writer.h"

#define N_SLOTS 16

static const char label[] = "reprise 1 binding"; /* hashed with its NUL */

struct entry { /* immutable once in a slot */
    uint8_t hash[SESSION_HASH_LEN];
    char name[HELLO_SNI_MAX + 1];
};

struct binding_table {
    EVP_MD *sha256;
    uint8_t domain[SESSION_HASH_LEN];
    uint8_t policy[SESSION_HASH_LEN];
    _Atomic(struct entry *) slots[N_SLOTS];
};

enum rp_status binding_table_new(EVP_MD *sha256, const uint8_t domain[static SESSION_HASH_LEN],
                                 const uint8_t policy[static SESSION_HASH_LEN],
                                 struct binding_table **out)
{
    *out = memory_new(1, sizeof **out);
    if (*out == NULL) {
        return RP_NO_MEMORY;
    }
    (*out)->sha256 = sha256;
    memcpy((*out)->domain, domain, SESSION_HASH_LEN);
    memcpy((*out)->policy, policy, SESSION_HASH_LEN);
    return RP_OK;
}

void binding_table_free(struct binding_table **table)
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

static enum rp_status compute(const struct binding_table *table, const char *name,
                              uint8_t out[static SESSION_HASH_LEN])
{
    uint8_t input[sizeof label + 2 * SESSION_HASH_LEN + HELLO_SNI_MAX];
    struct writer w = writer_of(input, sizeof input);
    uint8_t digest[EVP_MAX_MD_SIZE];

    writer_bytes(&w, label, sizeof label);
    writer_bytes(&w, table->domain, sizeof table->domain);
    writer_bytes(&w, table->policy, sizeof table->policy);
    writer_bytes(&w, name, strlen(name));
    if (w.failed || EVP_Digest(input, writer_len(&w), digest, NULL, table->sha256, NULL) != 1) {
        return RP_CRYPTO;
    }
    memcpy(out, digest, SESSION_HASH_LEN);
    return RP_OK;
}

static void remember(struct binding_table *table, size_t slot, const char *name,
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

enum rp_status binding_of(struct binding_table *table, const char *name,
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
