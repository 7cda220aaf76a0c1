#include "key_lines.h"

#include <string.h>

bool key_lines_are_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((p[i] < ' ' || p[i] > '~') && p[i] != '\n' && p[i] != '\r' && p[i] != '\t') {
            return false;
        }
    }
    return n != 0;
}

bool key_lines_next(struct reader *r, const char **line, size_t *n)
{
    const size_t left = reader_left(r);
    const uint8_t *p = r->at;
    const uint8_t *end = left != 0 ? memchr(p, '\n', left) : NULL;
    size_t len = end != NULL ? (size_t)(end - p) : left;

    if (left == 0) {
        return false;
    }
    (void)reader_bytes(r, end != NULL ? len + 1 : len);
    while (len != 0 && (p[len - 1] == ' ' || p[len - 1] == '\r' || p[len - 1] == '\t')) {
        len--;
    }
    while (len != 0 && (*p == ' ' || *p == '\t')) {
        p++;
        len--;
    }
    *line = (const char *)p;
    *n = len;
    return true;
}
