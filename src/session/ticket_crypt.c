#include "ticket_crypt.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

enum rp_status ticket_crypt_init(const struct algorithms *a, const struct stek *key,
                                 const uint8_t iv[static 16], bool seal, EVP_CIPHER_CTX *cipher,
                                 EVP_MAC_CTX *mac)
{
    const EVP_CIPHER *const cbc = key->key_len == 16 ? a->aes_128_cbc : a->aes_256_cbc;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (key->key_len != 16 && key->key_len != 32) {
        return RP_INVALID;
    }
    if (EVP_CipherInit_ex2(cipher, cbc, key->aes, iv, seal ? 1 : 0, NULL) != 1 ||
        EVP_MAC_init(mac, key->hmac, key->key_len, params) != 1) {
        return RP_CRYPTO;
    }
    return RP_OK;
}
