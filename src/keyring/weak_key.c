#include "weak_key.h"

#include <stdbool.h>
#include <string.h>

#define RUN_MAX 8       /* equal bytes in a row; a random key of 32 has them once in 2^51 */
#define TEXT_LEN_MIN 32 /* fewer random bytes may all be printable by chance */

/* The keys of published examples; each is one half of a 32-byte key too. */
static const struct {
    const char *why;
    uint8_t bytes[16];
} known[] = {
    {"it is the example key of FIPS-197 and SP 800-38A",
     {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
      0x3c}},
    {"it is the example key of FIPS-197 and SP 800-38A",
     {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77,
      0x81}},
    {"it is the example key of FIPS-197 and SP 800-38A",
     {0x8e, 0x73, 0xb0, 0xf7, 0xda, 0x0e, 0x64, 0x52, 0xc8, 0x10, 0xf3, 0x2b, 0x80, 0x90, 0x79,
      0xe5}},
    {"it is a test vector of AES-GCM",
     {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83,
      0x08}},
    {"it is a test vector of RFC 3602",
     {0x06, 0xa9, 0x21, 0x40, 0x36, 0xb8, 0xa1, 0x5b, 0x51, 0x2e, 0x03, 0xd5, 0x34, 0x12, 0x00,
      0x06}},
    {"it is a test vector of RFC 3602",
     {0xc2, 0x86, 0x69, 0x6d, 0x88, 0x7c, 0x9a, 0xa0, 0x61, 0x1b, 0xbb, 0x3e, 0x20, 0x25, 0xa4,
      0x5a}},
    {"it is a test vector of RFC 3602",
     {0x6c, 0x3e, 0xa0, 0x47, 0x76, 0x30, 0xce, 0x21, 0xa2, 0xce, 0x33, 0x4a, 0xa7, 0x46, 0xc2,
      0xcd}},
    {"it is a test vector of RFC 3602",
     {0x56, 0xe4, 0x7a, 0x38, 0xc5, 0x59, 0x89, 0x74, 0xbc, 0x46, 0x90, 0x3d, 0xba, 0x29, 0x03,
      0x49}},
    {"it is a test vector of RFC 3686",
     {0xae, 0x68, 0x52, 0xf8, 0x12, 0x10, 0x67, 0xcc, 0x4b, 0xf7, 0xa5, 0x76, 0x55, 0x77, 0xf3,
      0x9e}},
    {"it is a test vector of RFC 3686",
     {0x7e, 0x24, 0x06, 0x78, 0x17, 0xfa, 0xe0, 0xd7, 0x43, 0xd6, 0xce, 0x1f, 0x32, 0x53, 0x91,
      0x63}},
    {"it is the MD5 of nothing",
     {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42,
      0x7e}},
    {"it is the SHA-1 of nothing",
     {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60, 0x18,
      0x90}},
    {"it is the SHA-256 of nothing",
     {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
      0x24}},
};

/* Each byte is its predecessor plus the same step: constant, counting up, counting down. */
static bool is_progression(const uint8_t *key, size_t n)
{
    for (size_t i = 2; i < n; i++) {
        if ((uint8_t)(key[i] - key[i - 1]) != (uint8_t)(key[1] - key[0])) {
            return false;
        }
    }
    return true;
}

/* Any period up to half the key: such a key has half its length at most. */
static bool is_periodic(const uint8_t *key, size_t n)
{
    for (size_t period = 1; period <= n / 2; period++) {
        if (n % period == 0 && memcmp(key, key + period, n - period) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_run(const uint8_t *key, size_t n)
{
    size_t run = 1;

    for (size_t i = 1; i < n && run < RUN_MAX; i++) {
        run = key[i] == key[i - 1] ? run + 1 : 1;
    }
    return run >= RUN_MAX;
}

/* One of the halves counts, as in 10..1f and 20..2f with 16 zeroes behind. */
static bool half_counts(const uint8_t *key, size_t n)
{
    return is_progression(key, n / 2) || is_progression(key + n / 2, n / 2);
}

static bool is_hex_text(const uint8_t *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = key[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            return false;
        }
    }
    return true;
}

static bool is_text(const uint8_t *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = key[i];

        if ((c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t') {
            return false;
        }
    }
    return true;
}

static const char *find_known(const uint8_t *key, size_t n)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const size_t len = sizeof known[i].bytes;

        for (size_t at = 0; at + len <= n; at += len) {
            if (memcmp(key + at, known[i].bytes, len) == 0) {
                return known[i].why;
            }
        }
    }
    return NULL;
}

const char *weak_key_bytes(const uint8_t *key, size_t n)
{
    if (n < 16) {
        return "it is shorter than 16 bytes";
    }
    if (is_progression(key, n)) {
        return key[0] != key[1] ? "its bytes count"
               : key[0] == 0    ? "all its bytes are zero"
                                : "all its bytes are equal";
    }
    if (is_periodic(key, n)) {
        return "it repeats one pattern";
    }
    if (has_run(key, n)) {
        return "8 or more of its bytes in a row are equal";
    }
    if (half_counts(key, n)) {
        return "the bytes of one half count";
    }
    if (is_hex_text(key, n)) {
        return "it is hexadecimal text, not random bytes";
    }
    if (n >= TEXT_LEN_MIN && is_text(key, n)) {
        return "it is text, not random bytes";
    }
    return find_known(key, n);
}

const char *weak_key_stek(const struct stek *k)
{
    const char *why = weak_key_bytes(k->aes, k->key_len);

    if (why == NULL) {
        why = weak_key_bytes(k->hmac, k->key_len);
    }
    if (why == NULL && memcmp(k->aes, k->hmac, k->key_len) == 0) {
        why = "its AES key and its HMAC key are equal";
    }
    if (why == NULL && is_text(k->aes, k->key_len) && is_text(k->hmac, k->key_len)) {
        why = "it is text, not random bytes";
    }
    return why;
}
