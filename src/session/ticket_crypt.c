#include "ticket_crypt.h"

enum rp_status ticket_crypt_init(const struct algorithms *a, const struct stek *key,
                                 const uint8_t iv[static 16], bool seal, EVP_CIPHER_CTX *cipher,
                                 TICKET_MAC *mac)
{
    const EVP_CIPHER *const cbc = key->key_len == 16 ? a->aes_128_cbc : a->aes_256_cbc;

    if (key->key_len != 16 && key->key_len != 32) {
        return RP_INVALID;
    }
    if (EVP_CipherInit_ex2(cipher, cbc, key->aes, iv, seal ? 1 : 0, NULL) != 1) {
        return RP_CRYPTO;
    }
    return ticket_mac_init(mac, a, key->hmac, key->key_len);
}
