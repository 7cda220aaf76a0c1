#include "structure.h"

#include <string.h>

#define COMMON_MIN 16
#define COMMON_SHARE 8
#define TEXT_MIN 40

static bool is_printable(uint8_t c)
{
    return c >= ' ' && c <= '~';
}

struct structure structure_of(const uint8_t *p, size_t n)
{
    struct structure s = {.n = n};
    uint32_t counts[256] = {0};
    size_t run = 0;

    for (size_t i = 0; i < n; i++) {
        counts[p[i]]++;
        run = is_printable(p[i]) ? run + 1 : 0;
        if (run > s.text_len) {
            s.text_len = run;
            s.text_at = i + 1 - run;
        }
    }
    for (unsigned c = 0; c < 256; c++) {
        if (counts[c] > s.n_common) {
            s.n_common = counts[c];
            s.common = (uint8_t)c;
        }
    }
    return s;
}

bool structure_is_strong(const struct structure *s)
{
    return s->text_len >= TEXT_MIN ||
           (s->n_common >= COMMON_MIN && s->n_common >= s->n / COMMON_SHARE);
}

void structure_describe(const struct structure *s, struct text *t)
{
    if (s->text_len >= TEXT_MIN) {
        text_addf(t, "%zu printable characters in a row from byte %zu on", s->text_len, s->text_at);
    } else {
        text_addf(t, "byte %02x comes %zu times in %zu", s->common, s->n_common, s->n);
    }
}

size_t structure_find(const uint8_t *p, size_t len, const uint8_t *needle, size_t n)
{
    const uint8_t *found = len >= n ? memmem(p, len, needle, n) : NULL;

    return found != NULL ? (size_t)(found - p) : SIZE_MAX;
}

bool structure_is_constant(const uint8_t *p, size_t n)
{
    return memcmp(p, p + 1, n - 1) == 0;
}
