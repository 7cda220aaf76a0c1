#include "comma_list.h"

#include <string.h>

#include "text.h"

bool comma_list_next(const char **at, char *item, size_t size)
{
    struct text t = text_of(item, size);
    const char *s = *at;
    size_t len;

    if (s == NULL) {
        return false;
    }
    len = strcspn(s, ",");
    text_add_n(&t, s, len);
    *at = s[len] == ',' ? s + len + 1 : NULL;
    return true;
}
