#include "greeting.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <reprise/attach.h>

#include "text.h"

#define KEY_ALG_SIZE 32

_Static_assert(PROXY_V1_MAX <= PROXY_V2_MAX, "one buffer serves both versions");

/* The first of a subject's common names; false if there is none that can be told. */
static bool common_name(const X509 *x, char out[static PROXY_TEXT_MAX + 1])
{
    const X509_NAME *subject = X509_get_subject_name(x);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    struct text t = text_of(out, PROXY_TEXT_MAX + 1);
    unsigned char *utf8;
    bool good;
    int n;

    if (at < 0) {
        return false;
    }
    n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n < 0) {
        return false;
    }
    /* A name with a zero byte would be read as a shorter one, which is somebody else's. */
    good = n > 0 && n <= PROXY_TEXT_MAX && memchr(utf8, '\0', (size_t)n) == NULL;
    if (good) {
        text_add_n(&t, (const char *)utf8, (size_t)n);
    }
    OPENSSL_free(utf8);
    return good;
}

/* As HAProxy has it: RSA2048, EC256; others by their name alone. */
static bool key_alg(const X509 *x, char out[static KEY_ALG_SIZE])
{
    const EVP_PKEY *key = X509_get0_pubkey(x);
    const char *name = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
    struct text t = text_of(out, KEY_ALG_SIZE);

    if (name == NULL) {
        return false;
    }
    text_add(&t, name);
    if (strcmp(name, "RSA") == 0 || strcmp(name, "EC") == 0) {
        text_addf(&t, "%d", EVP_PKEY_get_bits(key));
    }
    return !t.cut;
}

static const char *sig_alg(const X509 *x)
{
    const int nid = X509_get_signature_nid(x);

    return nid != NID_undef ? OBJ_nid2sn(nid) : NULL;
}

/* As the page says, whatever the library's own numbers are. */
static uint8_t mechanism_of(const struct rp_ssl_info *info)
{
    if (!info->resumed) {
        return 0;
    }
    switch (info->mechanism) {
    case RP_MECHANISM_SESSION_ID:
        return 1;
    case RP_MECHANISM_TICKET:
        return 2;
    case RP_MECHANISM_PSK:
        return 3;
    case RP_MECHANISM_NONE:
    case RP_N_MECHANISMS:
        break;
    }
    return 0;
}

static size_t write_v2(const struct proxy_addresses *addresses, const SSL *ssl,
                       const struct sites_visit *visit, uint8_t out[static PROXY_V2_MAX])
{
    const X509 *client = SSL_get0_peer_certificate(ssl);
    const X509 *ours = SSL_get_certificate(ssl);
    struct proxy_facts facts = {.version = SSL_get_version(ssl),
                                .cipher = SSL_get_cipher_name(ssl),
                                .authority = visit->has_sni ? visit->sni : NULL,
                                .verify = X509_V_ERR_UNSPECIFIED};
    char name[PROXY_TEXT_MAX + 1];
    char key[KEY_ALG_SIZE];
    struct rp_ssl_info info;
    unsigned alpn_len;

    rp_ssl_info(ssl, &info);
    facts.resumed = info.resumed;
    facts.mechanism = mechanism_of(&info);
    SSL_get0_alpn_selected(ssl, &facts.alpn, &alpn_len);
    facts.alpn_len = alpn_len;
    if (client != NULL) {
        facts.has_certificate = true;
        facts.presented = !info.resumed;
        facts.verify = (uint32_t)SSL_get_verify_result(ssl);
        facts.common_name = common_name(client, name) ? name : NULL;
    }
    if (ours != NULL && !info.resumed) {
        facts.sig_alg = sig_alg(ours);
        facts.key_alg = key_alg(ours, key) ? key : NULL;
    }
    return proxy_encode_v2(addresses, &facts, out);
}

size_t greeting_write(enum config_proxy_protocol version, const struct proxy_addresses *addresses,
                      const SSL *ssl, const struct sites_visit *visit,
                      uint8_t out[static PROXY_V2_MAX])
{
    return version == CONFIG_PROXY_V1 ? proxy_encode_v1(addresses, out)
                                      : write_v2(addresses, ssl, visit, out);
}
