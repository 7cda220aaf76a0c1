#include "seal.h"

#include <string.h>

#include <openssl/evp.h>

#include "aead.h"
#include "hkdf.h"
#include "memory.h"
#include "writer.h"

#define HASH_LEN 32
#define PLAIN_MAX (MAILBOX_MESSAGE_MAX - SEAL_OVERHEAD)

static const char prologue_label[] = "reprise/1 pull";

_Static_assert(AEAD_TAG_LEN == MAILBOX_TAG_LEN, "as documented");
_Static_assert(AEAD_KEY_LEN <= HKDF_MAX, "of one HMAC");
_Static_assert(SEAL_PROLOGUE_MAX ==
                   1 + sizeof prologue_label - 1 + 1 + MAILBOX_FLEET_MAX + MAILBOX_HEADER_LEN,
               "the longest");

static enum rp_status expand(const uint8_t *secret, const char *label,
                             const struct hkdf_field *fields, size_t n_fields, uint8_t *out,
                             size_t n)
{
    struct hkdf h = {0};
    enum rp_status status = hkdf_init(&h, secret, SEAL_SECRET_LEN);

    if (status == RP_OK) {
        status = hkdf_expand(&h, label, fields, n_fields, out, n);
    }
    hkdf_fini(&h);
    return status;
}

enum rp_status seal_init(struct seal *s, const uint8_t secret[static SEAL_SECRET_LEN],
                         const char *fleet)
{
    const size_t fleet_len = strlen(fleet);
    const struct hkdf_field fields[] = {{fleet, fleet_len}};
    enum rp_status status;

    *s = (struct seal){0};
    if (fleet_len == 0 || fleet_len > MAILBOX_FLEET_MAX) {
        return RP_INVALID;
    }
    memcpy(s->secret, secret, sizeof s->secret);
    memcpy(s->fleet, fleet, fleet_len);
    status = expand(secret, "reprise/1 mailbox psk", fields, 1, s->psk, sizeof s->psk);
    if (status == RP_OK) {
        status = expand(secret, "reprise/1 mailbox mark", fields, 1, s->mark, sizeof s->mark);
    }
    if (status != RP_OK) {
        seal_fini(s);
    }
    return status;
}

void seal_fini(struct seal *s)
{
    memory_wipe(s, sizeof *s);
}

/* header: MAILBOX_HEADER_LEN bytes. */
static enum rp_status message_key(const struct seal *s, const uint8_t *header,
                                  uint8_t key[static AEAD_KEY_LEN])
{
    uint8_t hash[HASH_LEN];
    const struct hkdf_field fields[] = {{s->fleet, strlen(s->fleet)}, {hash, sizeof hash}};

    if (EVP_Q_digest(NULL, "SHA256", NULL, header, MAILBOX_HEADER_LEN, hash, NULL) != 1) {
        return RP_CRYPTO;
    }
    return expand(s->secret, "reprise/1 mailbox seal", fields, 2, key, AEAD_KEY_LEN);
}

enum rp_status seal_message(const struct seal *s, const struct mailbox_header *header,
                            const uint8_t *plain, size_t n, uint8_t *out)
{
    uint8_t key[AEAD_KEY_LEN] = {0};
    enum rp_status status;

    if (n > PLAIN_MAX) {
        return RP_INVALID;
    }
    mailbox_header_encode(header, out);
    status = message_key(s, out, key);
    if (status == RP_OK) {
        status = aead_seal(key, out, MAILBOX_HEADER_LEN, plain, n, out + MAILBOX_HEADER_LEN);
    }
    memory_wipe(key, sizeof key);
    return status;
}

enum rp_status seal_open(const struct seal *s, const uint8_t *message, size_t n,
                         struct mailbox_header *header, uint8_t *plain)
{
    uint8_t key[AEAD_KEY_LEN] = {0};
    enum rp_status status = RP_FORMAT;

    *header = (struct mailbox_header){0};
    if (n < SEAL_OVERHEAD || n > MAILBOX_MESSAGE_MAX) {
        return RP_FORMAT;
    }
    if (mailbox_header_decode(message, n, header)) {
        status = message_key(s, message, key);
    }
    if (status == RP_OK) {
        status = aead_open(key, message, MAILBOX_HEADER_LEN, message + MAILBOX_HEADER_LEN,
                           n - MAILBOX_HEADER_LEN, plain);
    }
    if (status != RP_OK) {
        *header = (struct mailbox_header){0};
        memory_wipe(plain, n - SEAL_OVERHEAD);
    }
    memory_wipe(key, sizeof key);
    return status;
}

size_t seal_prologue(const struct seal *s, const struct mailbox_header *pull,
                     uint8_t out[static SEAL_PROLOGUE_MAX])
{
    struct writer w = writer_of(out, SEAL_PROLOGUE_MAX);
    uint8_t header[MAILBOX_HEADER_LEN];

    mailbox_header_encode(pull, header);
    writer_u8(&w, sizeof prologue_label - 1);
    writer_bytes(&w, prologue_label, sizeof prologue_label - 1);
    writer_u8(&w, (uint8_t)strlen(s->fleet));
    writer_bytes(&w, s->fleet, strlen(s->fleet));
    writer_bytes(&w, header, sizeof header);
    return writer_len(&w);
}
