#include "ticket_open.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "error.h"
#include "memory.h"

#define NAME_LEN FOREIGN_KEY_NAME_LEN
#define SEED_LEN 32
#define SEED_PART 16
#define SEED_HASH_LEN 64

/* A key as the ciphers want it. */
struct ready_key {
    uint8_t name[NAME_LEN];
    uint8_t aes[32];
    size_t aes_len;
    uint8_t hmac[64];
    size_t hmac_len;
    bool counter; /* Go encrypts in counter mode */
    bool blank;   /* zeroes for the HMAC key: a MAC that comes out says nothing of the other key */
};

static bool ready(const struct foreign_key *key, struct ready_key *out)
{
    uint8_t hash[SEED_HASH_LEN];
    bool good;

    *out = (struct ready_key){.aes_len = key->aes_len, .hmac_len = key->hmac_len};
    if (key->order != KEY_ORDER_GO_SEED) {
        memcpy(out->name, key->name, sizeof out->name);
        memcpy(out->aes, key->aes, sizeof out->aes);
        memcpy(out->hmac, key->hmac, sizeof out->hmac);
        return true;
    }
    good = EVP_Digest(key->aes, SEED_LEN, hash, NULL, EVP_sha512(), NULL) == 1;
    if (good) {
        memcpy(out->name, hash, NAME_LEN);
        memcpy(out->aes, hash + NAME_LEN, SEED_PART);
        memcpy(out->hmac, hash + NAME_LEN + SEED_PART, SEED_PART);
        out->aes_len = out->hmac_len = SEED_PART;
        out->counter = true;
    }
    memory_wipe(hash, sizeof hash);
    return good;
}

bool ticket_key_name(const struct foreign_key *key, uint8_t out[static NAME_LEN])
{
    struct ready_key k;
    const bool good = ready(key, &k);

    memcpy(out, k.name, NAME_LEN);
    memory_wipe(&k, sizeof k);
    return good;
}

/* Where IV and ciphertext are in what the MAC covers. */
struct place {
    size_t iv_at;
    size_t at;
    size_t n;
};

/* name, IV, ciphertext; or with a length between; or, of newer Go, without a name. */
static size_t places(bool counter, const uint8_t *p, size_t covered, struct place out[static 3])
{
    size_t n = 0;

    if (covered > 32 && (counter || covered % TICKET_BLOCK == 0)) {
        out[n++] = (struct place){16, 32, covered - 32};
    }
    if (!counter && covered > 34 && (covered - 34) % TICKET_BLOCK == 0 &&
        (size_t)(p[32] << 8 | p[33]) == covered - 34) {
        out[n++] = (struct place){16, 34, covered - 34};
    }
    if (counter && covered > 16) {
        out[n++] = (struct place){0, 16, covered - 16};
    }
    return n;
}

/* PKCS 7: the last byte says how many bytes of its own value there are. */
static bool strip_padding(const uint8_t *p, size_t *n)
{
    const size_t pad = *n != 0 ? p[*n - 1] : 0;

    if (pad == 0 || pad > TICKET_BLOCK || pad > *n) {
        return false;
    }
    for (size_t i = 1; i <= pad; i++) {
        if (p[*n - i] != pad) {
            return false;
        }
    }
    *n -= pad;
    return true;
}

static bool recognise(struct ticket_opening *o)
{
    o->is_session = session_asn1_decode(o->plain, o->n_plain, &o->session);
    o->is_go = !o->is_session && go_state_detect(o->plain, o->n_plain, &o->go);
    return o->is_session || o->is_go;
}

/* GnuTLS pads with zeroes, not by PKCS 7. */
static bool decrypt_at(struct ticket_cipher *c, const struct ready_key *k, const uint8_t *p,
                       const struct place *place, bool any_padding, struct ticket_opening *o)
{
    const uint8_t *in = p + place->at;

    o->n_plain = place->n;
    if (k->counter) {
        return ticket_cipher_ctr(c, p + place->iv_at, in, place->n, o->plain) && recognise(o);
    }
    if (!ticket_cipher_cbc(c, p + place->iv_at, in, place->n, o->plain)) {
        return false;
    }
    if (!strip_padding(o->plain, &o->n_plain)) {
        return any_padding && !k->blank;
    }
    return recognise(o) || !k->blank;
}

static bool decrypt(struct ticket_cipher *c, const struct ready_key *k, const uint8_t *p,
                    size_t covered, struct ticket_opening *o)
{
    struct place all[3];
    const size_t n = places(k->counter, p, covered, all);

    if (!ticket_cipher_set_key(c, k->aes, k->aes_len)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (decrypt_at(c, k, p, &all[i], all[i].at == 34, o)) {
            o->mode = k->counter ? "AES-128-CTR" : k->aes_len == 16 ? "AES-128-CBC" : "AES-256-CBC";
            return true;
        }
    }
    return false;
}

static bool mac_comes_out(struct ticket_cipher *c, const struct ready_key *k,
                          struct ticket_bytes ticket, enum ticket_hash hash)
{
    const size_t len = ticket_hash_len(hash);
    uint8_t mac[TICKET_MAC_MAX];

    return ticket.n > len + NAME_LEN && ticket_cipher_set_mac_key(c, hash, k->hmac, k->hmac_len) &&
           ticket_cipher_mac(c, hash, ticket.p, ticket.n - len, mac) &&
           CRYPTO_memcmp(mac, ticket.p + ticket.n - len, len) == 0;
}

static bool has_name(struct ticket_bytes ticket, const struct ready_key *k)
{
    return ticket.n >= NAME_LEN && memcmp(ticket.p, k->name, NAME_LEN) == 0;
}

/* An end that says more than the one before it; the key is the one it is about. */
static void end(struct ticket_opening *o, enum ticket_open_end end,
                const struct ticket_key_file *file, const struct foreign_key *key)
{
    if (end == TICKET_OPENED || end > o->end || o->key == NULL) {
        o->end = end;
        o->file = file;
        o->key = key;
    }
}

static bool try_hashes(struct ticket_cipher *c, const struct ticket_key_file *file,
                       const struct foreign_key *key, const struct ready_key *k,
                       struct ticket_bytes ticket, struct ticket_opening *o)
{
    bool opened = false;

    for (unsigned h = 0; h < TICKET_HASHES && !opened; h++) {
        const enum ticket_hash hash = (enum ticket_hash)h;

        if (!mac_comes_out(c, k, ticket, hash)) {
            continue;
        }
        o->hash = hash;
        end(o, TICKET_NOT_SEALED_SO, file, key);
        opened = decrypt(c, k, ticket.p, ticket.n - ticket_hash_len(hash), o);
    }
    return opened;
}

static bool try_key(struct ticket_cipher *c, const struct ticket_key_file *file,
                    const struct foreign_key *key, struct ticket_bytes ticket,
                    struct ticket_opening *o)
{
    struct ready_key k;
    bool opened;

    if (!ready(key, &k)) {
        return false;
    }
    opened = try_hashes(c, file, key, &k, ticket, o);
    if (!opened && has_name(ticket, &k)) {
        end(o, TICKET_MAC_DIFFERS, file, key);
        k.hmac_len = 0;
        k.blank = true;
        opened = try_hashes(c, file, key, &k, ticket, o);
        o->mac_is_blank = opened;
    }
    if (opened) {
        end(o, TICKET_OPENED, file, key);
        o->name_differs = !has_name(ticket, &k) && !k.counter;
    }
    memory_wipe(&k, sizeof k);
    return opened;
}

enum rp_status ticket_open(struct ticket_cipher *c, const struct ticket_key_file *files,
                           size_t n_files, struct ticket_bytes ticket, struct ticket_opening *out)
{
    *out = (struct ticket_opening){.end = TICKET_NAME_DIFFERS};
    out->plain = memory_new(ticket.n + TICKET_BLOCK, 1);
    if (out->plain == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n_files; i++) {
        for (size_t k = 0; k < files[i].n; k++) {
            if (try_key(c, &files[i], &files[i].keys[k], ticket, out)) {
                return RP_OK;
            }
        }
    }
    memory_wipe(out->plain, ticket.n + TICKET_BLOCK);
    out->n_plain = 0;
    return RP_OK;
}

void ticket_opening_fini(struct ticket_opening *opening)
{
    if (opening->plain != NULL) {
        memory_wipe(opening->plain, opening->n_plain);
    }
    memory_free(opening->plain);
    *opening = (struct ticket_opening){0};
}

enum rp_status ticket_key_file_decode(const char *path, const uint8_t *p, size_t n,
                                      struct ticket_key_file *out, struct rp_error *err)
{
    *out = (struct ticket_key_file){.path = path};
    out->keys = memory_new(KEY_FILE_FOREIGN_READINGS, sizeof *out->keys);
    if (out->keys == NULL) {
        return RP_NO_MEMORY;
    }
    out->n = key_file_foreign_decode(p, n, out->keys, KEY_FILE_FOREIGN_READINGS);
    if (out->n == 0) {
        ticket_key_file_fini(out);
        error_set(err,
                  "%s: %zu bytes are no session ticket key file: 48 or 80 bytes a key (nginx, "
                  "Apache, Node.js, Envoy), 92 (lighttpd), 32 (Go), lines of base64 (HAProxy), or "
                  "h2o's YAML",
                  path, n);
        return RP_FORMAT;
    }
    return RP_OK;
}

void ticket_key_file_fini(struct ticket_key_file *file)
{
    if (file->keys != NULL) {
        memory_wipe(file->keys, KEY_FILE_FOREIGN_READINGS * sizeof *file->keys);
    }
    memory_free(file->keys);
    *file = (struct ticket_key_file){0};
}
