#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session_asn1.h"
#include "ticket_kit.h"

#include <openssl/ssl.h>

static void what_session_der_writes_is_read(void **state)
{
    uint8_t der[KIT_TICKET_MAX];
    const size_t n = kit_session(7, der);
    uint8_t secret[48];
    struct session_asn1 s;
    const uint8_t *p;
    size_t len;
    uint64_t value;

    (void)state;
    kit_secret(7, secret);
    assert_int_equal(session_asn1_len(der), n);
    assert_true(session_asn1_decode(der, n, &s));
    assert_int_equal(s.version, 0x0303);
    assert_int_equal(s.cipher, 0xc030);
    assert_int_equal(s.session_id_len, 32);
    assert_int_equal(s.master_len, 48);
    assert_memory_equal(s.master, secret, 48);
    assert_true(session_asn1_number(&s, SESSION_ASN1_TIME, &value));
    assert_int_equal(value, 1700000000);
    assert_true(session_asn1_number(&s, SESSION_ASN1_TIMEOUT, &value));
    assert_int_equal(value, 300);
    assert_true(session_asn1_octets(&s, SESSION_ASN1_ID_CONTEXT, &p, &len));
    assert_int_equal(len, 8);
    assert_memory_equal(p, "context!", 8);
    assert_true(session_asn1_ems(&s));
    assert_false(s.boring);
    assert_false(session_asn1_octets(&s, SESSION_ASN1_HOSTNAME, &p, &len));
    assert_null(p);
    assert_false(session_asn1_number(&s, SESSION_ASN1_ID_CONTEXT, &value));
}

/* Every field that libssl has a setter for. */
static void what_libssl_writes_is_read(void **state)
{
    static const uint8_t master[48] = {1, 2, 3};
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ctx);
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, (const uint8_t *)"\x13\x02");
    uint8_t *der = NULL;
    struct session_asn1 s;
    uint64_t value;
    const uint8_t *p;
    size_t len;
    int n;

    (void)state;
    assert_int_equal(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION), 1);
    assert_int_equal(SSL_SESSION_set_cipher(session, cipher), 1);
    assert_int_equal(SSL_SESSION_set1_master_key(session, master, sizeof master), 1);
    assert_int_equal(SSL_SESSION_set1_hostname(session, "www.example.com"), 1);
    assert_int_equal(SSL_SESSION_set1_alpn_selected(session, (const uint8_t *)"h2", 2), 1);
    assert_int_equal(SSL_SESSION_set1_ticket_appdata(session, "appdata", 7), 1);
    assert_int_equal(SSL_SESSION_set_max_early_data(session, 16384), 1);
    n = i2d_SSL_SESSION(session, &der);
    assert_true(n > 0);
    assert_int_equal(session_asn1_len(der), n);
    assert_true(session_asn1_decode(der, (size_t)n, &s));
    assert_int_equal(s.version, 0x0304);
    assert_int_equal(s.cipher, 0x1302);
    assert_true(session_asn1_octets(&s, SESSION_ASN1_HOSTNAME, &p, &len));
    assert_int_equal(len, 15);
    assert_memory_equal(p, "www.example.com", len);
    assert_true(session_asn1_octets(&s, SESSION_ASN1_ALPN, &p, &len));
    assert_memory_equal(p, "h2", 2);
    assert_true(session_asn1_octets(&s, SESSION_ASN1_APPDATA, &p, &len));
    assert_memory_equal(p, "appdata", 7);
    assert_true(session_asn1_number(&s, SESSION_ASN1_MAX_EARLY_DATA, &value));
    assert_int_equal(value, 16384);
    assert_false(session_asn1_ems(&s));
    OPENSSL_free(der);
    SSL_SESSION_free(session);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void what_is_cut_longer_or_changed_is_refused(void **state)
{
    uint8_t der[KIT_TICKET_MAX + 1] = {0};
    const size_t n = kit_session(7, der);
    struct session_asn1 s;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_false(session_asn1_decode(der, i, &s));
        assert_null(s.master);
    }
    assert_false(session_asn1_decode(der, n + 1, &s));
    der[4] = 2; /* version of the structure */
    assert_false(session_asn1_decode(der, n, &s));
    assert_int_equal(session_asn1_len(der), 0);
}

/* Written by hand: BoringSSL's [13] is an OCTET STRING and its [17] a BOOLEAN. */
static void the_form_of_boringssl_is_told(void **state)
{
    static const uint8_t der[] = {0x30, 0x81, 0x80, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03,
                                  0x03, 0x04, 0x02, 0xc0, 0x2f, 0x04, 0x00, 0x04, 0x30};
    static const uint8_t tail[] = {0xa2, 0x04, 0x02, 0x02, 0x1c, 0x20, 0xad, 0x22, 0x04, 0x20};
    static const uint8_t ems[] = {0xb1, 0x03, 0x01, 0x01, 0xff};
    uint8_t bytes[200] = {0};
    struct session_asn1 s;
    size_t n = 0;

    (void)state;
    memcpy(bytes, der, sizeof der);
    n = sizeof der + 48;
    memcpy(bytes + n, tail, sizeof tail);
    n += sizeof tail + 32;
    memcpy(bytes + n, ems, sizeof ems);
    n += sizeof ems;
    bytes[2] = (uint8_t)(n - 3);
    assert_true(session_asn1_len(bytes) == 0 || session_asn1_len(bytes) == n);
    /* A length under 128 in two bytes is no DER. */
    if (n - 3 < 0x80) {
        memmove(bytes + 2, bytes + 3, n - 3);
        bytes[1] = (uint8_t)(n - 3);
        n--;
    }
    assert_true(session_asn1_decode(bytes, n, &s));
    assert_true(s.boring);
    assert_true(session_asn1_ems(&s));
}

static void fields_out_of_range_are_refused(void **state)
{
    uint8_t der[KIT_TICKET_MAX];
    const size_t n = kit_session(7, der);
    struct session_asn1 s;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        uint8_t changed[KIT_TICKET_MAX];

        memcpy(changed, der, n);
        changed[i] ^= 0x80;
        /* Whatever comes out of it, nothing points elsewhere. */
        if (session_asn1_decode(changed, n, &s)) {
            assert_true(s.master >= changed && s.master + s.master_len <= changed + n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_session_der_writes_is_read),
        cmocka_unit_test(what_libssl_writes_is_read),
        cmocka_unit_test(what_is_cut_longer_or_changed_is_refused),
        cmocka_unit_test(the_form_of_boringssl_is_told),
        cmocka_unit_test(fields_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
