#include "hkdf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "memory.h"
#include "writer.h"

#define INFO_MAX 128

enum rp_status hkdf_init(struct hkdf *h, const uint8_t *key, size_t n)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *const hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    h->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    h->key = key;
    h->key_len = n;
    if (h->mac == NULL || EVP_MAC_init(h->mac, key, n, params) != 1) {
        hkdf_fini(h);
        return RP_CRYPTO;
    }
    return RP_OK;
}

void hkdf_fini(struct hkdf *h)
{
    EVP_MAC_CTX_free(h->mac);
    *h = (struct hkdf){0};
}

static size_t write_info(uint8_t *info, const char *label, const struct hkdf_field *fields,
                         size_t n_fields)
{
    struct writer w = writer_of(info, INFO_MAX);
    const size_t label_len = strlen(label);

    writer_u8(&w, (uint8_t)label_len);
    writer_bytes(&w, label, label_len);
    for (size_t i = 0; i < n_fields; i++) {
        writer_u8(&w, (uint8_t)fields[i].n);
        writer_bytes(&w, fields[i].p, fields[i].n);
    }
    writer_u8(&w, 1); /* the number of the block, the only one */
    return writer_len(&w);
}

enum rp_status hkdf_expand(const struct hkdf *h, const char *label, const struct hkdf_field *fields,
                           size_t n_fields, uint8_t *out, size_t n)
{
    uint8_t info[INFO_MAX];
    uint8_t block[HKDF_MAX];
    const size_t info_len = write_info(info, label, fields, n_fields);
    size_t block_len = 0;
    enum rp_status status = RP_CRYPTO;

    if (info_len == 0 || n > HKDF_MAX) {
        memory_wipe(out, n);
        return RP_INVALID;
    }
    /* With the key each time: without one, OpenSSL before 3.0.3 begins nothing anew and says it did
     * (its issue 17811), so that hosts would derive different keys. */
    if (EVP_MAC_init(h->mac, h->key, h->key_len, NULL) == 1 &&
        EVP_MAC_update(h->mac, info, info_len) == 1 &&
        EVP_MAC_final(h->mac, block, &block_len, sizeof block) == 1 && block_len == HKDF_MAX) {
        memcpy(out, block, n);
        status = RP_OK;
    } else {
        memory_wipe(out, n);
    }
    memory_wipe(block, sizeof block);
    return status;
}
