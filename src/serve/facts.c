#include "facts.h"

#include <string.h>

#include "text.h"

static void write_key(char out[static FACTS_KEY_SIZE], bool there, const uint8_t name[static 16])
{
    struct text t = text_of(out, FACTS_KEY_SIZE);

    if (there) {
        text_add_hex(&t, name, 16);
    }
}

static void write_client(const SSL *ssl, char out[static SUBJECT_SIZE])
{
    const X509 *x = SSL_get0_peer_certificate(ssl);

    if (x != NULL) {
        (void)subject_text(X509_get_subject_name(x), out);
    }
}

void facts_read(const SSL *ssl, const struct sites_visit *visit, struct facts *out)
{
    *out = (struct facts){.version = SSL_get_version(ssl), .cipher = SSL_get_cipher_name(ssl)};
    out->has_sni = visit->has_sni;
    memcpy(out->sni, visit->sni, sizeof out->sni);
    rp_ssl_info(ssl, &out->info);
    write_key(out->key, out->info.has_key, out->info.key_name);
    write_key(out->issued, out->info.issued, out->info.issued_name);
    write_client(ssl, out->client);
}

const char *facts_session(const struct facts *f)
{
    return f->info.resumed ? "Reused" : "New";
}
