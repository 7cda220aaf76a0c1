#include "base64.h"

/* 64: not of the alphabet. */
static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : 64;
}

/* Padding, if any, fills the last four characters. */
static bool strip_padding(const char *s, size_t *n)
{
    size_t pad = 0;

    while (pad < *n && s[*n - 1 - pad] == '=') {
        pad++;
    }
    if (pad != 0 && (pad > 2 || *n % 4 != 0)) {
        return false;
    }
    *n -= pad;
    return *n % 4 != 1;
}

bool base64_decode(const char *s, size_t n, uint8_t *out, size_t room, size_t *len)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t at = 0;

    *len = 0;
    if (!strip_padding(s, &n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned value = value_of(s[i]);

        if (value > 63) {
            return false;
        }
        bits = bits << 6 | value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            if (at == room) {
                return false;
            }
            out[at++] = (uint8_t)(bits >> n_bits);
        }
    }
    if ((bits & ((1U << n_bits) - 1)) != 0) {
        return false;
    }
    *len = at;
    return true;
}

size_t base64_encode(const uint8_t *p, size_t n, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        const uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                              (i + 2 < n ? p[i + 2] : 0);

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = i + 1 < n ? alphabet[bits >> 6 & 63] : '=';
        *out++ = i + 2 < n ? alphabet[bits & 63] : '=';
    }
    return BASE64_TEXT_LEN(n);
}
