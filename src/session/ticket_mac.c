#include "ticket_mac.h"

#ifdef OPENSSL_NO_DEPRECATED_3_0

#include <openssl/core_names.h>
#include <openssl/params.h>

TICKET_MAC *ticket_mac_new(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    TICKET_MAC *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;

    EVP_MAC_free(hmac);
    return mac;
}

void ticket_mac_free(TICKET_MAC *mac)
{
    EVP_MAC_CTX_free(mac);
}

enum rp_status ticket_mac_init(TICKET_MAC *mac, const struct algorithms *a, const uint8_t *key,
                               size_t key_len)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    (void)a;
    return EVP_MAC_init(mac, key, key_len, params) == 1 ? RP_OK : RP_CRYPTO;
}

enum rp_status ticket_mac_make(TICKET_MAC *mac, const uint8_t *p, size_t n,
                               uint8_t out[static TICKET_MAC_LEN])
{
    size_t len = 0;

    return EVP_MAC_update(mac, p, n) == 1 && EVP_MAC_final(mac, out, &len, TICKET_MAC_LEN) == 1 &&
                   len == TICKET_MAC_LEN
               ? RP_OK
               : RP_CRYPTO;
}

#else

TICKET_MAC *ticket_mac_new(void)
{
    return HMAC_CTX_new();
}

void ticket_mac_free(TICKET_MAC *mac)
{
    HMAC_CTX_free(mac);
}

enum rp_status ticket_mac_init(TICKET_MAC *mac, const struct algorithms *a, const uint8_t *key,
                               size_t key_len)
{
    return HMAC_Init_ex(mac, key, (int)key_len, a->sha256, NULL) == 1 ? RP_OK : RP_CRYPTO;
}

enum rp_status ticket_mac_make(TICKET_MAC *mac, const uint8_t *p, size_t n,
                               uint8_t out[static TICKET_MAC_LEN])
{
    unsigned len = 0;

    return HMAC_Update(mac, p, n) == 1 && HMAC_Final(mac, out, &len) == 1 && len == TICKET_MAC_LEN
               ? RP_OK
               : RP_CRYPTO;
}

#endif
