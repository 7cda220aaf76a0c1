#include "weak_keys.h"

#include <string.h>

#include <openssl/evp.h>

#include "memory.h"
#include "text.h"

#define SHORT 16
#define LONG 32
#define GROW 1024
#define HASH_ROOM EVP_MAX_MD_SIZE
#define PLACES 16384U /* a power of 2, and several times the number of keys */

/* Finds a key again by its bytes: places in a table, tried one after the other. */
struct places {
    uint16_t of[PLACES]; /* index + 1; 0: free */
};

struct maker {
    struct weak_keys *out;
    struct places *all;
    struct places *macs; /* by the bytes that HMAC sees */
    size_t room;
    const char *source;
    bool failed; /* no memory, or no hash */
};

/* The place of these bytes, or the free one where they belong; n is one of the lengths in keys. */
static uint16_t *find(const struct maker *m, struct places *places, bool mac, const uint8_t *p,
                      size_t n)
{
    uint32_t at = (uint32_t)n;

    for (size_t i = 0; i < n; i++) {
        at = (at ^ p[i]) * 16777619U;
    }
    for (at ^= at >> 15;; at++) {
        uint16_t *place = &places->of[at % PLACES];
        const struct weak_key *key = *place != 0 ? &m->out->keys[*place - 1] : NULL;

        if (key == NULL ||
            ((mac ? key->mac_len : key->len) == n && memcmp(key->bytes, p, n) == 0)) {
            return place;
        }
    }
}

static size_t without_zeroes(const uint8_t *p, size_t n)
{
    while (n != 0 && p[n - 1] == 0) {
        n--;
    }
    return n;
}

static struct weak_key *slot(struct maker *m)
{
    struct weak_keys *all = m->out;

    if (all->n == PLACES / 2) {
        m->failed = true;
        return NULL;
    }
    if (all->n == m->room) {
        struct weak_key *grown =
            memory_resize(all->keys, m->room, m->room + GROW, sizeof *all->keys);

        if (grown == NULL) {
            m->failed = true;
            return NULL;
        }
        all->keys = grown;
        m->room += GROW;
    }
    return &all->keys[all->n];
}

static void add(struct maker *m, const uint8_t *p, size_t n, const char *text, const char *more)
{
    const uint16_t mark = (uint16_t)(m->out->n + 1);
    uint16_t *place = m->failed ? NULL : find(m, m->all, false, p, n);
    struct weak_key *key;
    struct text t;

    if (place == NULL || *place != 0) {
        return;
    }
    key = slot(m);
    if (key == NULL) {
        return;
    }
    *place = mark;
    *key = (struct weak_key){.len = (uint8_t)n, .source = m->source};
    memcpy(key->bytes, p, n);
    key->mac_len = (uint8_t)without_zeroes(p, n);
    place = find(m, m->macs, true, p, key->mac_len);
    key->same_mac = *place != 0;
    *place = key->same_mac ? *place : mark;
    t = text_of(key->text, sizeof key->text);
    text_add(&t, text);
    text_add(&t, more);
    m->out->n++;
    m->out->n_cipher += n == SHORT || n == LONG;
    m->out->n_mac += !key->same_mac;
}

/* A key of 16 bytes where one of 32 is wanted was seen filled up, and doubled. */
static void add_short(struct maker *m, const uint8_t p[static SHORT], const char *text)
{
    uint8_t wide[LONG] = {0};

    add(m, p, SHORT, text, "");
    memcpy(wide, p, SHORT);
    add(m, wide, LONG, text, ", then zeroes");
    memcpy(wide + SHORT, p, SHORT);
    add(m, wide, LONG, text, ", twice");
}

static void add_steps(struct maker *m, uint8_t first, uint8_t step, const char *text)
{
    uint8_t key[LONG];

    for (size_t i = 0; i < LONG; i++) {
        key[i] = (uint8_t)(first + i * step);
    }
    add(m, key, LONG, text, "");
    add_short(m, key, text);
}

static void add_counting(struct maker *m, const struct weak_key_entry *e)
{
    for (size_t i = 0; i < e->n; i++) {
        const bool up = e->kind == WEAK_KEY_UP;
        const uint8_t first = (uint8_t)e->bytes[i];
        char buffer[48];
        struct text t = text_of(buffer, sizeof buffer);

        text_addf(&t, "bytes counting %s from %02x", up ? "up" : "down", first);
        add_steps(m, first, up ? 1 : 0xff, buffer);
    }
}

static void add_constants(struct maker *m)
{
    for (unsigned i = 0; i < 256; i++) {
        char buffer[48];
        struct text t = text_of(buffer, sizeof buffer);

        text_addf(&t, "all bytes %02x", i);
        add_steps(m, (uint8_t)i, 0, buffer);
    }
}

static void add_repeated(struct maker *m, const uint8_t *p, size_t n, const char *text)
{
    uint8_t key[LONG];

    for (size_t i = 0; i < LONG; i++) {
        key[i] = p[i % n];
    }
    add(m, key, LONG, text, "");
    add_short(m, key, text);
}

static void add_pattern(struct maker *m, const struct weak_key_entry *e)
{
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, e->n == 1 ? "all bytes " : "repeated ");
    text_add_hex(&t, (const uint8_t *)e->bytes, e->n);
    add_repeated(m, (const uint8_t *)e->bytes, e->n, buffer);
}

static void add_bytes(struct maker *m, const struct weak_key_entry *e)
{
    const uint8_t *p = (const uint8_t *)e->bytes;
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    text_add_hex(&t, p, e->n < SHORT ? e->n : SHORT);
    text_add(&t, e->n > SHORT ? "..." : "");
    if (e->n == SHORT) {
        add_short(m, p, buffer);
    } else {
        add(m, p, e->n, buffer, "");
    }
}

/* The hash as bytes, cut to either length, and as text in hex. */
static void add_hash(struct maker *m, const struct weak_key_entry *e, const EVP_MD *hash,
                     const char *name)
{
    uint8_t digest[HASH_ROOM] = {0};
    unsigned len = 0;
    char buffer[64];
    char digits[2 * HASH_ROOM + 1];
    struct text t = text_of(buffer, sizeof buffer);
    struct text hex = text_of(digits, sizeof digits);

    if (EVP_Digest(e->bytes, e->n, digest, &len, hash, NULL) != 1) {
        m->failed = true;
        return;
    }
    text_addf(&t, "%s of \"%s\"", name, e->bytes);
    text_add_hex(&hex, digest, len);
    if (len >= LONG) {
        add(m, digest, LONG, buffer, "");
    }
    add_short(m, digest, buffer);
    add(m, (const uint8_t *)digits, LONG, buffer, " in hex");
    add(m, (const uint8_t *)digits, SHORT, buffer, " in hex");
}

static void add_word(struct maker *m, const struct weak_key_entry *e)
{
    const size_t n = e->n < LONG ? e->n : LONG;
    uint8_t key[LONG] = {0};
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "\"%s\"", e->bytes);
    memcpy(key, e->bytes, n);
    add(m, key, LONG, buffer, ", then zeroes");
    add(m, key, SHORT, buffer, ", then zeroes");
    if (n != 0) {
        add_repeated(m, (const uint8_t *)e->bytes, e->n, buffer);
    }
    add_hash(m, e, EVP_md5(), "MD5");
    add_hash(m, e, EVP_sha1(), "SHA-1");
    add_hash(m, e, EVP_sha256(), "SHA-256");
    add_hash(m, e, EVP_sha512(), "SHA-512");
}

static void add_entry(struct maker *m, const struct weak_key_entry *e)
{
    m->source = e->source;
    switch (e->kind) {
    case WEAK_KEY_BYTES:
        add_bytes(m, e);
        break;
    case WEAK_KEY_CONSTANT:
        add_constants(m);
        break;
    case WEAK_KEY_UP:
    case WEAK_KEY_DOWN:
        add_counting(m, e);
        break;
    case WEAK_KEY_PATTERN:
        add_pattern(m, e);
        break;
    case WEAK_KEY_WORD:
        add_word(m, e);
        break;
    }
}

enum rp_status weak_keys_new(struct weak_keys **out)
{
    struct maker m = {.out = memory_new(1, sizeof *m.out),
                      .all = memory_new(1, sizeof *m.all),
                      .macs = memory_new(1, sizeof *m.macs)};

    m.failed = m.out == NULL || m.all == NULL || m.macs == NULL;
    for (size_t i = 0; i < n_weak_key_entries && !m.failed; i++) {
        add_entry(&m, &weak_key_entries[i]);
    }
    memory_free(m.all);
    memory_free(m.macs);
    if (m.failed) {
        weak_keys_free(&m.out);
    }
    *out = m.out;
    return m.failed ? RP_NO_MEMORY : RP_OK;
}

void weak_keys_free(struct weak_keys **keys)
{
    if (*keys != NULL) {
        memory_free((*keys)->keys);
        memory_free(*keys);
        *keys = NULL;
    }
}
