#include "ticket_crack.h"

#include <string.h>

#include "memory.h"
#include "session_asn1.h"
#include "structure.h"
#include "ticket_content.h"

#define WINDOW 66    /* first bytes in which ciphertext may begin, and one block */
#define LENGTH_GAP 2 /* some write the ciphertext's length after the IV */
#define NONCE_LEN 12
#define GCM_FIRST 2 /* the counter of GCM's first block of text */
#define STARTS (WINDOW - TICKET_BLOCK + 1)
#define IVS (CRACK_IV_MAX + 1)

struct cracker {
    struct ticket_cipher *cipher;
    struct ticket_bytes key;
    uint8_t *plain; /* room for all of a ticket, wiped */
    size_t room;
};

/* A way to begin: where the ciphertext is, and from what block. */
struct beginning {
    const char *mode;
    size_t iv_at;
    size_t at; /* of the ciphertext */
    bool counter;
    bool no_iv;                  /* zeroes instead */
    uint8_t block[TICKET_BLOCK]; /* IV, or first counter */
};

enum rp_status cracker_new(size_t longest, struct cracker **out)
{
    struct cracker *c = memory_new(1, sizeof *c);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (c == NULL) {
        return RP_NO_MEMORY;
    }
    c->room = longest + TICKET_BLOCK;
    c->plain = memory_new(c->room, 1);
    if (c->plain != NULL) {
        status = ticket_cipher_new(&c->cipher);
    }
    if (status != RP_OK) {
        cracker_free(&c);
    }
    *out = c;
    return status;
}

void cracker_free(struct cracker **cracker)
{
    struct cracker *c = *cracker;

    if (c == NULL) {
        return;
    }
    ticket_cipher_free(&c->cipher);
    if (c->plain != NULL) {
        memory_wipe(c->plain, c->room);
    }
    memory_free(c->plain);
    memory_free(c);
    *cracker = NULL;
}

struct ticket_cipher *cracker_cipher(struct cracker *c)
{
    return c->cipher;
}

bool cracker_set_key(struct cracker *c, const uint8_t *key, size_t n)
{
    c->key = (struct ticket_bytes){key, n};
    return ticket_cipher_set_key(c->cipher, key, n);
}

static void say(const struct cracker *c, const struct beginning *b, struct text *t)
{
    text_addf(t, "AES-%zu-%s, ", 8 * c->key.n, b->mode);
    if (b->no_iv) {
        text_addf(t, "IV of zeroes, ciphertext from byte %zu on", b->at);
    } else {
        text_addf(t, "IV at byte %zu", b->iv_at);
    }
}

/* Decrypts from b on, n bytes or as many as there are; false if that fails or is less. */
static bool decrypt(struct cracker *c, const struct crack_ticket *t, const struct beginning *b,
                    size_t n)
{
    const uint8_t *in = t->ticket.p + b->at;
    const size_t left = t->ticket.n - b->at;
    const size_t whole = (n + TICKET_BLOCK - 1) / TICKET_BLOCK * TICKET_BLOCK;

    if (b->counter) {
        return n <= left && ticket_cipher_ctr(c->cipher, b->block, in, n, c->plain);
    }
    return whole <= left && ticket_cipher_cbc(c->cipher, b->block, in, whole, c->plain);
}

/* The first block looks like a session: is it a whole one? */
static bool confirm(struct cracker *c, const struct crack_ticket *t, const struct beginning *b,
                    size_t len, struct crack_result *out)
{
    struct session_asn1 session;
    struct text how = text_of(out->how, sizeof out->how);
    struct text content = text_of(out->content, sizeof out->content);

    if (len > c->room - TICKET_BLOCK || !decrypt(c, t, b, len) ||
        !session_asn1_decode(c->plain, len, &session)) {
        return false;
    }
    say(c, b, &how);
    ticket_content_describe(&content, &session);
    return true;
}

static bool look(struct cracker *c, const struct crack_ticket *t, const struct beginning *b,
                 const uint8_t first[static TICKET_BLOCK], struct crack_result *out)
{
    const size_t len = session_asn1_len(first);
    struct go_state go;
    struct text how = text_of(out->how, sizeof out->how);
    struct text content = text_of(out->content, sizeof out->content);

    if (len != 0) {
        return confirm(c, t, b, len, out);
    }
    if (b->counter && go_state_detect(first, TICKET_BLOCK, &go)) {
        say(c, b, &how);
        text_add(&content, "a ");
        ticket_content_add_version(&content, go.version);
        text_add(&content, " session of Go, cipher ");
        ticket_content_add_cipher(&content, go.cipher);
        return true;
    }
    return false;
}

/*
 * How sessions begin: OpenSSL's in DER, Go's with a version. All but one attempt in a hundred end
 * here, so that this decides how long an audit takes.
 */
static bool may_begin(uint8_t first, bool counter)
{
    return first == 0x30 || (counter && first == 0x03);
}

static void mix(uint8_t out[static TICKET_BLOCK], const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < TICKET_BLOCK; i++) {
        out[i] = a[i] ^ b[i];
    }
}

static bool look_cbc(struct cracker *c, const struct crack_ticket *t, size_t at, size_t iv_at,
                     const uint8_t *decrypted, struct crack_result *out)
{
    struct beginning b = {.mode = "CBC", .at = at, .iv_at = iv_at};
    uint8_t first[TICKET_BLOCK];

    memcpy(b.block, t->ticket.p + iv_at, TICKET_BLOCK);
    mix(first, decrypted, b.block);
    return look(c, t, &b, first, out);
}

/* With the IV right before the ciphertext, before it and a length, or none at all. */
static bool look_cbc_at(struct cracker *c, const struct crack_ticket *t, size_t at,
                        const uint8_t *decrypted, uint64_t *n_tried, struct crack_result *out)
{
    const struct beginning without = {.mode = "CBC", .at = at, .no_iv = true};

    for (size_t gap = 0; gap <= LENGTH_GAP; gap += LENGTH_GAP) {
        const size_t iv_at = at - TICKET_BLOCK - gap;

        if (at >= TICKET_BLOCK + gap && iv_at <= CRACK_IV_MAX) {
            *n_tried += 1;
            if (may_begin(decrypted[0] ^ t->ticket.p[iv_at], false) &&
                look_cbc(c, t, at, iv_at, decrypted, out)) {
                return true;
            }
        }
    }
    *n_tried += 1;
    return may_begin(decrypted[0], false) && look(c, t, &without, decrypted, out);
}

static bool try_cbc(struct cracker *c, const struct crack_ticket *t, uint64_t *n_tried,
                    struct crack_result *out)
{
    uint8_t blocks[STARTS * TICKET_BLOCK];
    size_t n = 0;

    for (size_t at = 0; at < STARTS && at + TICKET_BLOCK <= t->ticket.n; at++) {
        memcpy(blocks + n, t->ticket.p + at, TICKET_BLOCK);
        n += TICKET_BLOCK;
    }
    if (!ticket_cipher_decrypt_blocks(c->cipher, blocks, n, blocks)) {
        return false;
    }
    for (size_t at = 0; at * TICKET_BLOCK < n; at++) {
        if (look_cbc_at(c, t, at, blocks + at * TICKET_BLOCK, n_tried, out)) {
            return true;
        }
    }
    return false;
}

/* What the counter of a mode is made of, the IV being at this byte. */
static bool counter_of(const struct crack_ticket *t, bool gcm, size_t iv_at,
                       uint8_t out[static TICKET_BLOCK])
{
    const size_t len = gcm ? NONCE_LEN : TICKET_BLOCK;

    if (iv_at + len > t->ticket.n) {
        return false;
    }
    memset(out, 0, TICKET_BLOCK);
    memcpy(out, t->ticket.p + iv_at, len);
    if (gcm) {
        out[TICKET_BLOCK - 1] = GCM_FIRST;
    }
    return true;
}

static bool look_counter(struct cracker *c, const struct crack_ticket *t, struct beginning *b,
                         const uint8_t *stream, struct crack_result *out)
{
    uint8_t first[TICKET_BLOCK];

    (void)counter_of(t, b->mode[0] == 'G', b->iv_at, b->block);
    mix(first, stream, t->ticket.p + b->at);
    return look(c, t, b, first, out);
}

static bool try_counters(struct cracker *c, const struct crack_ticket *t, bool gcm,
                         uint64_t *n_tried, struct crack_result *out)
{
    const size_t iv_len = gcm ? NONCE_LEN : TICKET_BLOCK;
    uint8_t stream[IVS * TICKET_BLOCK];
    size_t n = 0;

    while (n < IVS && counter_of(t, gcm, n, stream + n * TICKET_BLOCK)) {
        n++;
    }
    if (!ticket_cipher_encrypt_blocks(c->cipher, stream, n * TICKET_BLOCK, stream)) {
        return false;
    }
    for (size_t i = 0; i < 2 * n; i++) {
        const uint8_t *block = stream + i / 2 * TICKET_BLOCK;
        const size_t at = i / 2 + iv_len + (i % 2 != 0 ? LENGTH_GAP : 0);

        if (at + TICKET_BLOCK > t->ticket.n) {
            continue;
        }
        *n_tried += 1;
        if (may_begin(block[0] ^ t->ticket.p[at], true)) {
            struct beginning b = {
                .mode = gcm ? "GCM" : "CTR", .iv_at = i / 2, .at = at, .counter = true};

            if (look_counter(c, t, &b, block, out)) {
                return true;
            }
        }
    }
    return false;
}

static bool try_tag(struct cracker *c, const struct ticket_view *v, enum ticket_aead aead,
                    struct ticket_bytes aad, uint64_t *n_tried, struct crack_result *out)
{
    struct text how = text_of(out->how, sizeof out->how);

    *n_tried += 1;
    if (!ticket_cipher_aead(c->cipher, aead, c->key, v->iv, aad, v->ciphertext, v->tag, c->plain)) {
        return false;
    }
    out->content[0] = '\0';
    text_addf(&how, "%s with a key of %zu bits, laid out as %s, its tag verifies",
              ticket_aead_text(aead), 8 * c->key.n, ticket_layout_word(v->layout));
    return true;
}

/* The layouts that seal by AEAD with the key itself; s2n-tls's newer and Botan's derive another. */
static bool try_tags(struct cracker *c, const struct crack_ticket *t, uint64_t *n_tried,
                     struct crack_result *out)
{
    for (size_t i = 0; i < t->n_views; i++) {
        const struct ticket_view *v = &t->views[i];
        const bool mbedtls = v->layout == TICKET_LAYOUT_MBEDTLS;
        const bool rustls = v->layout == TICKET_LAYOUT_RUSTLS;
        const bool gcm =
            mbedtls || v->layout == TICKET_LAYOUT_S2N_OLD || v->layout == TICKET_LAYOUT_JSSE;

        if ((gcm && try_tag(c, v, TICKET_AEAD_GCM, v->authenticated, n_tried, out)) ||
            (v->layout == TICKET_LAYOUT_S2N_OLD &&
             try_tag(c, v, TICKET_AEAD_GCM, v->name, n_tried, out)) ||
            (mbedtls && try_tag(c, v, TICKET_AEAD_CCM, v->authenticated, n_tried, out)) ||
            ((mbedtls || rustls) && c->key.n == 32 &&
             try_tag(c, v, TICKET_AEAD_CHACHA, v->authenticated, n_tried, out))) {
            return true;
        }
    }
    return false;
}

/* Contents that we have no reader for: they show by not being random. */
static bool try_look(struct cracker *c, const struct crack_ticket *t, uint64_t *n_tried,
                     struct crack_result *out)
{
    for (size_t i = 0; i < t->n_views && !t->structured; i++) {
        const struct ticket_view *v = &t->views[i];
        struct beginning b = {.mode = "CBC"};
        struct structure s;
        struct text how = text_of(out->how, sizeof out->how);
        struct text content = text_of(out->content, sizeof out->content);

        if ((v->layout != TICKET_LAYOUT_GNUTLS && v->layout != TICKET_LAYOUT_NSS &&
             v->layout != TICKET_LAYOUT_OPENSSL) ||
            v->fit < TICKET_FIT_LIKELY) {
            continue;
        }
        *n_tried += 1;
        b.iv_at = (size_t)(v->iv.p - t->ticket.p);
        b.at = (size_t)(v->ciphertext.p - t->ticket.p);
        memcpy(b.block, v->iv.p, TICKET_BLOCK);
        if (!decrypt(c, t, &b, v->ciphertext.n)) {
            continue;
        }
        s = structure_of(c->plain, v->ciphertext.n);
        if (structure_is_strong(&s)) {
            say(c, &b, &how);
            text_add(&content, "bytes that are not random: ");
            structure_describe(&s, &content);
            return true;
        }
    }
    return false;
}

bool cracker_try(struct cracker *c, const struct crack_ticket *t, uint64_t *n_tried,
                 struct crack_result *out)
{
    return try_cbc(c, t, n_tried, out) || try_counters(c, t, false, n_tried, out) ||
           try_counters(c, t, true, n_tried, out) ||
           (!t->briefly && (try_look(c, t, n_tried, out) || try_tags(c, t, n_tried, out)));
}
