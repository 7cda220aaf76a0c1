#include "ticket_dump.h"

#include <string.h>

#include "hex.h"

#define OFFSET_DIGITS_MIN 4
#define OFFSET_DIGITS_MAX 8

struct cursor {
    const char *at;
    const char *end;
};

static bool skip(struct cursor *c, const char *word)
{
    const size_t n = strlen(word);

    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

static bool take_offset(struct cursor *c, uint32_t *out)
{
    size_t n = 0;

    *out = 0;
    while (c->at < c->end && hex_digit(*c->at) < 16 && n < OFFSET_DIGITS_MAX) {
        *out = *out << 4 | hex_digit(*c->at);
        c->at++;
        n++;
    }
    return n >= OFFSET_DIGITS_MIN;
}

/* A pair of digits and what stands between pairs; the columns of bytes that are missing are blank.
 */
static bool take_byte(struct cursor *c, uint8_t *out)
{
    size_t len;

    if (c->end - c->at < 2 || !hex_decode(c->at, 2, out, 1, &len)) {
        return false;
    }
    if (c->end - c->at > 2 && c->at[2] != ' ' && c->at[2] != '-') {
        return false;
    }
    c->at += c->end - c->at > 2 ? 3 : 2;
    return true;
}

bool ticket_dump_line_parse(const char *s, size_t n, struct ticket_dump_line *out)
{
    struct cursor c = {s, s + n};

    *out = (struct ticket_dump_line){0};
    while (skip(&c, " ") || skip(&c, "\t")) {
    }
    if (take_offset(&c, &out->offset) && skip(&c, " - ")) {
        out->trimmed = skip(&c, "<SPACES/NULS>");
        while (!out->trimmed && out->n < sizeof out->bytes && take_byte(&c, &out->bytes[out->n])) {
            out->n++;
        }
        if (out->trimmed || out->n != 0) {
            return true;
        }
    }
    *out = (struct ticket_dump_line){0};
    return false;
}
