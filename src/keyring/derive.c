#include "derive.h"

#include <string.h>

#include <openssl/evp.h>

#include "hkdf.h"
#include "memory.h"
#include "writer.h"

#define SHORT_KEY_LEN 16
#define LONG_KEY_LEN 32

/* One value to derive: its label and where it goes. */
struct wanted {
    const char *label;
    uint8_t *out;
    size_t n;
};

static enum rp_status derive_all(const uint8_t *key, size_t key_len,
                                 const struct hkdf_field *fields, size_t n_fields,
                                 const struct wanted *wanted, size_t n_wanted)
{
    struct hkdf h = {0};
    enum rp_status status = hkdf_init(&h, key, key_len);

    for (size_t i = 0; i < n_wanted && status == RP_OK; i++) {
        status = hkdf_expand(&h, wanted[i].label, fields, n_fields, wanted[i].out, wanted[i].n);
    }
    hkdf_fini(&h);
    return status;
}

enum rp_status derive_domain_id(const char *name, uint8_t id[static DERIVE_DOMAIN_LEN])
{
    static const char label[] = "reprise/1 domain";
    const size_t name_len = strlen(name);
    uint8_t input[1 + sizeof label + 1 + 255];
    uint8_t hash[32];
    struct writer w = writer_of(input, sizeof input);

    if (name_len == 0 || name_len > 255) {
        return RP_INVALID;
    }
    writer_u8(&w, sizeof label - 1);
    writer_bytes(&w, label, sizeof label - 1);
    writer_u8(&w, (uint8_t)name_len);
    writer_bytes(&w, name, name_len);
    if (EVP_Q_digest(NULL, "SHA256", NULL, input, writer_len(&w), hash, NULL) != 1) {
        return RP_CRYPTO;
    }
    memcpy(id, hash, DERIVE_DOMAIN_LEN);
    return RP_OK;
}

enum rp_status derive_domain_keys(const uint8_t root[static DERIVE_ROOT_LEN],
                                  const uint8_t domain[static DERIVE_DOMAIN_LEN],
                                  struct domain_keys *out)
{
    const struct hkdf_field fields[] = {{domain, DERIVE_DOMAIN_LEN}};
    const struct wanted wanted[] = {
        {"reprise/1 ticket name", out->stek.name, sizeof out->stek.name},
        {"reprise/1 ticket aes", out->stek.aes, LONG_KEY_LEN},
        {"reprise/1 ticket hmac", out->stek.hmac, LONG_KEY_LEN},
        {"reprise/1 record", out->record, sizeof out->record},
        {"reprise/1 id mac", out->id_mac, sizeof out->id_mac},
        {"reprise/1 id hint", out->id_hint, sizeof out->id_hint},
    };
    enum rp_status status;

    memset(out, 0, sizeof *out);
    out->stek.key_len = LONG_KEY_LEN;
    status = derive_all(root, DERIVE_ROOT_LEN, fields, 1, wanted, sizeof wanted / sizeof wanted[0]);
    if (status != RP_OK) {
        memory_wipe(out, sizeof *out);
    }
    return status;
}

/* AES key and HMAC key in one piece; the length. The caller wipes it. */
static size_t join_keys(const struct stek *stek, uint8_t out[static 2 * LONG_KEY_LEN])
{
    memcpy(out, stek->aes, stek->key_len);
    memcpy(out + stek->key_len, stek->hmac, stek->key_len);
    return 2 * (size_t)stek->key_len;
}

enum rp_status derive_static_keys(const struct stek *stek,
                                  const uint8_t domain[static DERIVE_DOMAIN_LEN],
                                  struct domain_keys *out)
{
    const struct hkdf_field fields[] = {{stek->name, sizeof stek->name},
                                        {domain, DERIVE_DOMAIN_LEN}};
    const struct wanted wanted[] = {
        {"reprise/1 static record", out->record, sizeof out->record},
        {"reprise/1 static id mac", out->id_mac, sizeof out->id_mac},
        {"reprise/1 static id hint", out->id_hint, sizeof out->id_hint},
    };
    uint8_t key[2 * LONG_KEY_LEN];
    enum rp_status status;

    if (stek->key_len != SHORT_KEY_LEN && stek->key_len != LONG_KEY_LEN) {
        return RP_INVALID;
    }
    memset(out, 0, sizeof *out);
    out->stek = *stek;
    status =
        derive_all(key, join_keys(stek, key), fields, 2, wanted, sizeof wanted / sizeof wanted[0]);
    if (status != RP_OK) {
        memory_wipe(out, sizeof *out);
    }
    memory_wipe(key, sizeof key);
    return status;
}

/* Name, AES key and HMAC key of key_len bytes each, from a key that is not out. */
static enum rp_status derive_stek(const struct stek *from, const char *const labels[static 3],
                                  uint8_t key_len, struct stek *out)
{
    const struct hkdf_field field = {from->name, sizeof from->name};
    const struct wanted wanted[] = {
        {labels[0], out->name, sizeof out->name},
        {labels[1], out->aes, key_len},
        {labels[2], out->hmac, key_len},
    };
    uint8_t key[2 * LONG_KEY_LEN];
    enum rp_status status;

    memset(out, 0, sizeof *out);
    out->key_len = key_len;
    status =
        derive_all(key, join_keys(from, key), &field, 1, wanted, sizeof wanted / sizeof wanted[0]);
    if (status != RP_OK) {
        memory_wipe(out, sizeof *out);
    }
    memory_wipe(key, sizeof key);
    return status;
}

enum rp_status derive_short_stek(const struct stek *long_key, struct stek *out)
{
    static const char *const labels[] = {
        "reprise/1 short ticket name", "reprise/1 short ticket aes", "reprise/1 short ticket hmac"};

    if (long_key->key_len != LONG_KEY_LEN) {
        return RP_INVALID;
    }
    return derive_stek(long_key, labels, SHORT_KEY_LEN, out);
}

enum rp_status derive_filler_stek(const struct stek *of, struct stek *out)
{
    static const char *const labels[] = {"reprise/1 filler name", "reprise/1 filler aes",
                                         "reprise/1 filler hmac"};

    if (of->key_len != SHORT_KEY_LEN && of->key_len != LONG_KEY_LEN) {
        return RP_INVALID;
    }
    return derive_stek(of, labels, of->key_len, out);
}
