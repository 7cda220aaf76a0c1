#include "algorithms.h"

#include <sodium.h>

enum rp_status algorithms_init(struct algorithms *a)
{
    a->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    a->aes_128_cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    a->aes_256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    a->aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (a->sha256 == NULL || a->aes_128_cbc == NULL || a->aes_256_cbc == NULL ||
        a->aes_256_gcm == NULL || sodium_init() < 0) {
        algorithms_fini(a);
        return RP_CRYPTO;
    }
    a->gcm_by_sodium = crypto_aead_aes256gcm_is_available() == 1;
    return RP_OK;
}

enum rp_status algorithms_init_ticket(struct algorithms *a, size_t key_len)
{
    EVP_CIPHER *cbc;

    *a = (struct algorithms){.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)};
    if (key_len == 16) {
        cbc = a->aes_128_cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    } else {
        cbc = a->aes_256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    }
    if (a->sha256 == NULL || cbc == NULL) {
        algorithms_fini(a);
        return RP_CRYPTO;
    }
    return RP_OK;
}

void algorithms_fini(struct algorithms *a)
{
    EVP_MD_free(a->sha256);
    EVP_CIPHER_free(a->aes_128_cbc);
    EVP_CIPHER_free(a->aes_256_cbc);
    EVP_CIPHER_free(a->aes_256_gcm);
    *a = (struct algorithms){0};
}
