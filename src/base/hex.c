#include "hex.h"

unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

bool hex_decode(const char *s, size_t n, uint8_t *out, size_t room, size_t *len)
{
    *len = 0;
    if (n % 2 != 0 || n / 2 > room) {
        return false;
    }
    for (size_t i = 0; i < n; i += 2) {
        const unsigned high = hex_digit(s[i]);
        const unsigned low = hex_digit(s[i + 1]);

        if (high > 15 || low > 15) {
            return false;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len = n / 2;
    return true;
}
