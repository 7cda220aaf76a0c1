#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read as a host reads as itself, and finds the same site. */
static void check(const struct names *names, const char *value)
{
    char host[AUTHORITY_HOST_MAX + 1];
    char again[AUTHORITY_HOST_MAX + 1];
    const size_t place = names_find(names, value);

    if (place != NAMES_NONE && place > 3) {
        abort();
    }
    if (!authority_host(value, host)) {
        return;
    }
    if (strlen(host) == 0 || strlen(host) > AUTHORITY_HOST_MAX || strpbrk(host, "/?#@ ,") != NULL) {
        abort();
    }
    /* One trailing dot is removed, so a host with more of them is still shortened. */
    if (host[strlen(host) - 1] == '.') {
        return;
    }
    if (!authority_host(host, again) || strcmp(host, again) != 0 ||
        names_find(names, host) != names_find(names, again)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const list[] = {"a.example", "*.example", "*.b.example", "localhost"};
    struct names *names;
    char *value = malloc(size + 1);

    if (value == NULL || names_new(list, 4, &names) != RP_OK) {
        abort();
    }
    if (size != 0) {
        memcpy(value, data, size);
    }
    value[size] = '\0';
    check(names, value);
    names_free(&names);
    free(value);
    return 0;
}
