#include "ticket_lines.h"

#include <string.h>

struct ticket_lines ticket_lines_of(const void *p, size_t n)
{
    static const char nothing[1];
    const char *at = n != 0 ? p : nothing;

    return (struct ticket_lines){.at = at, .end = at + n};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool ticket_lines_next(struct ticket_lines *l)
{
    const size_t left = (size_t)(l->end - l->at);
    const char *newline = left != 0 ? memchr(l->at, '\n', left) : NULL;

    if (left == 0) {
        return false;
    }
    l->line = l->at;
    l->n = newline != NULL ? (size_t)(newline - l->at) : left;
    l->at += newline != NULL ? l->n + 1 : l->n;
    l->number++;
    while (l->n != 0 && is_space(l->line[l->n - 1])) {
        l->n--;
    }
    return true;
}

bool ticket_line_begins(const struct ticket_lines *l, const char *word, const char **rest,
                        size_t *n_rest)
{
    const size_t n = strlen(word);
    const char *p = l->line;
    size_t left = l->n;

    while (left != 0 && is_space(*p)) {
        p++;
        left--;
    }
    if (left < n || memcmp(p, word, n) != 0) {
        return false;
    }
    *rest = p + n;
    *n_rest = left - n;
    return true;
}
