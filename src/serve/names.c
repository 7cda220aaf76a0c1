/*
 * A hash table with linear probing, at most half full. Its names come from the configuration, so
 * nobody outside chooses what collides.
 */
#include "names.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"

struct entry {
    char *name; /* NULL: free; of a wildcard what follows the asterisk */
    bool is_wildcard;
    size_t place;
};

struct names {
    struct entry *entries;
    size_t mask;
};

/* FNV-1a; wildcards begin elsewhere, so that "*.a" and ".a" are apart. */
static uint64_t hash(bool is_wildcard, const char *s)
{
    uint64_t h = 14695981039346656037u ^ (is_wildcard ? 1u : 0u);

    for (; *s != '\0'; s++) {
        h = (h ^ (uint8_t)*s) * 1099511628211u;
    }
    return h ^ (h >> 32);
}

/* The entry that holds the name, or the free one where it would be. */
static struct entry *entry_of(const struct names *names, bool is_wildcard, const char *s)
{
    size_t i = (size_t)hash(is_wildcard, s) & names->mask;

    while (names->entries[i].name != NULL && (names->entries[i].is_wildcard != is_wildcard ||
                                              strcmp(names->entries[i].name, s) != 0)) {
        i = (i + 1) & names->mask;
    }
    return &names->entries[i];
}

static bool add(struct names *names, const char *name, size_t place)
{
    const bool is_wildcard = name[0] == '*' && name[1] == '.';
    const char *key = is_wildcard ? name + 1 : name;
    struct entry *entry = entry_of(names, is_wildcard, key);

    if (entry->name != NULL) {
        return true;
    }
    entry->name = memory_string(key);
    entry->is_wildcard = is_wildcard;
    entry->place = place;
    return entry->name != NULL;
}

enum rp_status names_new(const char *const *list, size_t n, struct names **out)
{
    struct names *names = memory_new(1, sizeof *names);
    enum rp_status status = RP_NO_MEMORY;
    size_t size = 4;

    *out = NULL;
    if (names == NULL) {
        return RP_NO_MEMORY;
    }
    while (size < n * 2) {
        size *= 2;
    }
    names->mask = size - 1;
    names->entries = memory_new(size, sizeof *names->entries);
    if (names->entries == NULL) {
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i] != NULL && !add(names, list[i], i)) {
            goto done;
        }
    }
    *out = names;
    names = NULL; /* transferred */
    status = RP_OK;
done:
    names_free(&names);
    return status;
}

void names_free(struct names **out)
{
    struct names *names = *out;

    *out = NULL;
    if (names == NULL) {
        return;
    }
    for (size_t i = 0; names->entries != NULL && i <= names->mask; i++) {
        memory_free(names->entries[i].name);
    }
    memory_free(names->entries);
    memory_free(names);
}

size_t names_find(const struct names *names, const char *name)
{
    const struct entry *entry;
    const char *dot;

    if (name == NULL) {
        return NAMES_NONE;
    }
    entry = entry_of(names, false, name);
    if (entry->name != NULL) {
        return entry->place;
    }
    dot = strchr(name, '.');
    if (dot == NULL || dot == name) {
        return NAMES_NONE;
    }
    entry = entry_of(names, true, dot);
    return entry->name != NULL ? entry->place : NAMES_NONE;
}
