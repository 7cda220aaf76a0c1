#include "words_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

void words_split(struct words *w, const char *command, const char *line)
{
    struct text t = text_of(w->text, sizeof w->text);
    char *at = w->text;

    text_addf(&t, "%s %s", command, line);
    assert_int_equal(t.len, strlen(command) + 1 + strlen(line));
    w->argc = 0;
    while (*at != '\0' && w->argc < WORDS_MAX) {
        const size_t len = strcspn(at, " ");

        w->argv[w->argc++] = at;
        at += len;
        if (*at == ' ') {
            *at++ = '\0';
        }
    }
    w->argv[w->argc] = NULL;
}

void words_unescape(struct words *w)
{
    for (int i = 0; i < w->argc; i++) {
        for (char *c = strchr(w->argv[i], '_'); c != NULL; c = strchr(c, '_')) {
            *c = ' ';
        }
    }
}
