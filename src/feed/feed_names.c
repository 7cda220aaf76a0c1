#include "feed_names.h"

#include <string.h>

#include "hex.h"
#include "text.h"

#define ASIDE_SUFFIX ".new"
#define LOCK_SUFFIX ".lock"
#define KEY_NAME_DIGITS 32
#define NUMBER_DIGITS_MAX 4

static bool is_digits(const char *s, size_t n, unsigned base)
{
    for (size_t i = 0; i < n; i++) {
        if (hex_digit(s[i]) >= base || (s[i] >= 'A' && s[i] <= 'F')) {
            return false;
        }
    }
    return true;
}

/* Those of a whole folder: what nginx is given, and what `files` gives. */
static bool is_given(const char *name)
{
    const char *const suffix = strchr(name, '.');
    const size_t n = suffix != NULL ? (size_t)(suffix - name) : 0;

    if (strcmp(name, FEED_NAME_LIST) == 0 || strcmp(name, FEED_NAME_ALL) == 0) {
        return true;
    }
    return suffix != NULL && strcmp(suffix, FEED_NAME_SUFFIX) == 0 &&
           ((n == KEY_NAME_DIGITS && is_digits(name, n, 16)) ||
            (n != 0 && n <= NUMBER_DIGITS_MAX && is_digits(name, n, 10)));
}

bool feed_name_is_ours(const char *name, const char *only)
{
    return only != NULL ? strcmp(name, only) == 0 : is_given(name);
}

bool feed_name_is_aside(const char *name, const char *only)
{
    const size_t len = strlen(name);
    const size_t suffix_len = strlen(ASIDE_SUFFIX);
    char inner[FEED_FILE_NAME_MAX + 1];
    struct text t = text_of(inner, sizeof inner);

    if (name[0] != '.' || len < 1 + suffix_len ||
        strcmp(name + len - suffix_len, ASIDE_SUFFIX) != 0) {
        return false;
    }
    text_add_n(&t, name + 1, len - 1 - suffix_len);
    return !t.cut && feed_name_is_ours(inner, only);
}

void feed_name_aside(const char *name, char out[static FEED_ASIDE_MAX + 1])
{
    struct text t = text_of(out, FEED_ASIDE_MAX + 1);

    text_add_char(&t, '.');
    text_add(&t, name);
    text_add(&t, ASIDE_SUFFIX);
}

void feed_name_lock(const char *only, char out[static FEED_ASIDE_MAX + 1])
{
    struct text t = text_of(out, FEED_ASIDE_MAX + 1);

    if (only != NULL) {
        text_add_char(&t, '.');
        text_add(&t, only);
    }
    text_add(&t, LOCK_SUFFIX);
}
