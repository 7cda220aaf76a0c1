#include "config_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "number.h"
#include "text.h"

#define QUOTED_SIZE 72
#define NAME_MAX_LEN 32 /* no directive is longer; longer ones resemble none */

enum rp_status config_refuse(const struct config_walk *walk, struct config_place place,
                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    config_complainv(walk->config, place, walk->err, format, args);
    va_end(args);
    return RP_FORMAT;
}

/* A value in quotes; a long one is cut, between two characters. */
static const char *quoted(const char *s, char out[static QUOTED_SIZE])
{
    struct text t = text_of(out, QUOTED_SIZE - 4);

    text_add_char(&t, '"');
    text_add(&t, s);
    if (t.cut) {
        while ((t.start[t.len - 1] & 0xc0) == 0x80) {
            t.len--;
        }
        t.len--;
    }
    t.size = QUOTED_SIZE;
    text_add(&t, t.cut ? "...\"" : "\"");
    return out;
}

static enum rp_status refuse_value(const struct config_walk *walk, const struct config_row *row,
                                   const struct config_item *item)
{
    char buffer[QUOTED_SIZE];
    const char *what = "nothing";

    if (item->kind == CONFIG_ITEM_LIST) {
        what = "a list";
    } else if (item->kind == CONFIG_ITEM_MAP) {
        what = "a map";
    } else if (item->text != NULL && item->text[0] != '\0') {
        what = quoted(item->text, buffer);
    }
    return config_refuse(walk, item->place, "%s takes %s, not %s", row->name, row->takes, what);
}

/* Scalars. */

static enum rp_status take_text(const struct config_walk *walk, const struct config_row *row,
                                const struct config_item *item, char **out)
{
    const size_t n = strlen(item->text);

    if (n < row->least || n > row->most) {
        return refuse_value(walk, row, item);
    }
    memory_free(*out); /* two maps may fill one struct */
    *out = memory_string_n(item->text, n);
    return *out != NULL ? RP_OK : RP_NO_MEMORY;
}

static bool parse_switch(const char *s, const char *yes, const char *no, bool *out)
{
    *out = strcmp(s, yes) == 0;
    return *out || strcmp(s, no) == 0;
}

static bool parse_choice(const char *s, const char *const *choices, unsigned *out)
{
    for (unsigned i = 0; choices[i] != NULL; i++) {
        if (strcmp(s, choices[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take_plain(const struct config_row *row, const char *text, void *at)
{
    uint64_t number = 0;
    int64_t ms = 0;
    bool on = false;

    switch (row->type) {
    case CONFIG_NUMBER:
        if (!number_parse(text, row->most, &number) || number < row->least) {
            return false;
        }
        *(unsigned *)at = (unsigned)number;
        return true;
    case CONFIG_DURATION_OFF:
    case CONFIG_DURATION:
        if (row->type == CONFIG_DURATION_OFF && strcmp(text, "off") == 0) {
            *(int64_t *)at = 0;
            return true;
        }
        if (!number_parse_duration(text, (int64_t)row->most, &ms) || ms < (int64_t)row->least) {
            return false;
        }
        *(int64_t *)at = ms;
        return true;
    case CONFIG_SIZE:
        if (strcmp(text, "off") != 0 &&
            (!number_parse_size(text, row->most, &number) || number < row->least)) {
            return false;
        }
        *(uint64_t *)at = number;
        return true;
    case CONFIG_SWITCH:
        return parse_switch(text, "on", "off", at);
    case CONFIG_CHOICE:
        return parse_choice(text, row->choices, at);
    case CONFIG_FORMAT:
        if (!parse_switch(text, "json", "text", &on)) {
            return false;
        }
        *(enum config_log_format *)at = on ? CONFIG_LOG_JSON : CONFIG_LOG_TEXT;
        return true;
    case CONFIG_TEXT:
    case CONFIG_TEXTS:
    case CONFIG_FILES:
    case CONFIG_FILE:
    case CONFIG_MAP:
    case CONFIG_MAPS:
    case CONFIG_OFF:
        break;
    }
    return false;
}

/* Lists of texts and of files. */

/* name, or, where it is relative, as seen from the configuration's folder. */
static char *file_name(const struct config *config, const char *name)
{
    const char *slash = config->file != NULL ? strrchr(config->file, '/') : NULL;
    const size_t folder = slash != NULL ? (size_t)(slash - config->file) + 1 : 0;
    const size_t size = folder + strlen(name) + 1;
    char *path;

    if (name[0] == '/' || folder == 0) {
        return memory_string(name);
    }
    path = memory_new(size, 1);
    if (path != NULL) {
        struct text t = text_of(path, size);

        text_add_n(&t, config->file, folder);
        text_add(&t, name);
    }
    return path;
}

static enum rp_status take_file(const struct config_walk *walk, const struct config_row *row,
                                const struct config_item *item, char **out)
{
    if (item->text[0] == '\0') {
        return refuse_value(walk, row, item);
    }
    *out = file_name(walk->config, item->text);
    return *out != NULL ? RP_OK : RP_NO_MEMORY;
}

static enum rp_status add_text(const struct config_walk *walk, const struct config_row *row,
                               const struct config_item *item, struct config_strings *out)
{
    char **grown;

    if (item->kind != CONFIG_ITEM_SCALAR || item->text[0] == '\0' ||
        (row->valid != NULL && !row->valid(item->text))) {
        return refuse_value(walk, row, item);
    }
    if (out->n == row->most) {
        return config_refuse(walk, item->place, "%s takes %s; this is one more", row->name,
                             row->takes);
    }
    grown = memory_resize(out->items, out->n, out->n + 1, sizeof *out->items);
    if (grown == NULL) {
        return RP_NO_MEMORY;
    }
    out->items = grown;
    out->items[out->n] =
        row->type == CONFIG_FILES ? file_name(walk->config, item->text) : memory_string(item->text);
    return out->items[out->n++] != NULL ? RP_OK : RP_NO_MEMORY;
}

static enum rp_status take_list(struct config_walk *walk, const struct config_row *row,
                                const struct config_item *first, struct config_strings *out)
{
    const struct config_place place = first->place;
    struct config_item item;
    enum rp_status status;

    out->place = place;
    if (first->kind != CONFIG_ITEM_LIST) {
        return add_text(walk, row, first, out);
    }
    while ((status = config_yaml_next(&walk->yaml, &item)) == RP_OK) {
        if (item.kind == CONFIG_ITEM_END) {
            break;
        }
        status = add_text(walk, row, &item, out);
        if (status != RP_OK) {
            return status;
        }
    }
    if (status == RP_OK && out->n == 0) {
        return config_refuse(walk, place, "%s takes %s, not an empty list", row->name, row->takes);
    }
    return status;
}

/* Names. */

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, left out or changed to make one of the other. */
static unsigned distance(const char *a, const char *b)
{
    const size_t n = strlen(b);
    unsigned row[NAME_MAX_LEN + 1];

    if (strlen(a) > NAME_MAX_LEN || n > NAME_MAX_LEN) {
        return NAME_MAX_LEN;
    }
    for (unsigned j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const unsigned change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = least_of(change, least_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

static const struct config_row *nearest(const struct config_table *table, const char *name)
{
    const struct config_row *found = NULL;
    unsigned least = 3;

    for (size_t i = 0; i < table->n_rows; i++) {
        const unsigned d = distance(name, table->rows[i].name);

        if (d < least && d < strlen(name)) {
            least = d;
            found = &table->rows[i];
        }
    }
    return found;
}

/* The table that knows the name, among those within. */
static const struct config_table *home_of(const struct config_table *table, const char *name)
{
    const struct config_table *found = NULL;

    for (size_t i = 0; found == NULL && i < table->n_rows; i++) {
        if (strcmp(table->rows[i].name, name) == 0) {
            found = table;
        } else if (table->rows[i].within != NULL) {
            found = home_of(table->rows[i].within, name);
        }
    }
    return found;
}

static enum rp_status refuse_name(const struct config_walk *walk, const struct config_table *root,
                                  const struct config_table *table, const struct config_item *item)
{
    const struct config_row *near = nearest(table, item->text);
    const struct config_table *home = home_of(root, item->text);
    char buffer[QUOTED_SIZE];
    char known[256];
    struct text t = text_of(known, sizeof known);
    const char *name = quoted(item->text, buffer);

    if (home != NULL) {
        return config_refuse(walk, item->place, "%s does not stand %s but %s", name, table->where,
                             home->where);
    }
    if (near != NULL) {
        return config_refuse(walk, item->place, "unknown directive %s %s; did you mean \"%s\"?",
                             name, table->where, near->name);
    }
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].type != CONFIG_OFF) {
            text_addf(&t, "%s%s", t.len != 0 ? ", " : "", table->rows[i].name);
        }
    }
    return config_refuse(walk, item->place, "unknown directive %s %s; it takes %s", name,
                         table->where, known);
}

/* Of a name that is there. */
static size_t row_of(const struct config_table *table, const char *name)
{
    size_t i = 0;

    while (i < table->n_rows && strcmp(table->rows[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Maps. */

struct walk_place {
    struct config_walk *walk;
    const struct config_table *root;
};

static enum rp_status walk_map(const struct walk_place *at, const struct config_table *table,
                               void *target, struct config_place place);

static enum rp_status walk_maps(const struct walk_place *at, const struct config_row *row,
                                void *target, const struct config_item *list)
{
    char *const base = target;
    size_t *const n = (size_t *)(base + row->n_offset);
    void *array;
    const struct config_place place = list->place;
    const size_t size = row->within->size;
    struct config_item item;
    enum rp_status status;

    if (list->kind != CONFIG_ITEM_LIST) {
        return refuse_value(at->walk, row, list);
    }
    while ((status = config_yaml_next(&at->walk->yaml, &item)) == RP_OK &&
           item.kind != CONFIG_ITEM_END) {
        if (item.kind != CONFIG_ITEM_MAP) {
            return refuse_value(at->walk, row, &item);
        }
        if (*n == row->most) {
            return config_refuse(at->walk, item.place, "%s takes %s; this is one more", row->name,
                                 row->takes);
        }
        if ((*n & (*n - 1)) == 0) { /* at 0, 1, 2, 4, ...: room for twice as many */
            void *grown;

            memcpy(&array, base + row->offset, sizeof array);
            grown = memory_resize(array, *n, *n != 0 ? *n * 2 : 1, size);
            if (grown == NULL) {
                return RP_NO_MEMORY;
            }
            memcpy(base + row->offset, &grown, sizeof grown);
        }
        ++*n;
        memcpy(&array, base + row->offset, sizeof array);
        status = walk_map(at, row->within, (char *)array + (*n - 1) * size, item.place);
        if (status != RP_OK) {
            return status;
        }
    }
    if (status == RP_OK && *n == 0) {
        return config_refuse(at->walk, place, "%s takes %s, not an empty list", row->name,
                             row->takes);
    }
    return status;
}

static enum rp_status refuse_feature(const struct config_walk *walk, const struct config_row *row,
                                     const struct config_item *value)
{
    char buffer[QUOTED_SIZE];

    if (value->kind != CONFIG_ITEM_SCALAR) {
        return refuse_value(walk, row, value);
    }
    return config_refuse(walk, value->place,
                         "%s: %s is not available in this version; the only value is off",
                         row->name, quoted(value->text, buffer));
}

static enum rp_status take_value(const struct walk_place *at, const struct config_row *row,
                                 void *target, const struct config_item *item)
{
    void *const place = (char *)target + row->offset;

    if (row->type == CONFIG_MAPS) {
        return walk_maps(at, row, target, item);
    }
    if (row->type == CONFIG_MAP) {
        return item->kind == CONFIG_ITEM_MAP ? walk_map(at, row->within, target, item->place)
                                             : refuse_value(at->walk, row, item);
    }
    if (row->type == CONFIG_FILES || row->type == CONFIG_TEXTS) {
        return take_list(at->walk, row, item, place);
    }
    if (item->kind != CONFIG_ITEM_SCALAR) {
        return refuse_value(at->walk, row, item);
    }
    if (row->type == CONFIG_FILE) {
        return take_file(at->walk, row, item, place);
    }
    if (row->type == CONFIG_TEXT) {
        return take_text(at->walk, row, item, place);
    }
    return take_plain(row, item->text, place) ? RP_OK : refuse_value(at->walk, row, item);
}

static enum rp_status walk_entry(const struct walk_place *at, const struct config_table *table,
                                 void *target, const struct config_item *name,
                                 struct config_place *places)
{
    const size_t i = row_of(table, name->text);
    const struct config_row *row = &table->rows[i];
    struct config_item item;
    enum rp_status status;

    if (i == table->n_rows) {
        return refuse_name(at->walk, at->root, table, name);
    }
    if (places[i].line != 0) {
        return config_refuse(at->walk, name->place, "%s stands in line %u already", row->name,
                             places[i].line);
    }
    status = config_yaml_next(&at->walk->yaml, &item);
    if (status != RP_OK) {
        return status;
    }
    places[i] = item.place;
    if (row->type == CONFIG_OFF) {
        return item.kind == CONFIG_ITEM_SCALAR && strcmp(item.text, "off") == 0
                   ? RP_OK
                   : refuse_feature(at->walk, row, &item);
    }
    return take_value(at, row, target, &item);
}

static enum rp_status walk_map(const struct walk_place *at, const struct config_table *table,
                               void *target, struct config_place place)
{
    struct config_place places[CONFIG_ROWS_MAX] = {{0, 0}};
    struct config_item name;
    enum rp_status status;

    if (table->begin != NULL) {
        table->begin(target, place);
    }
    while ((status = config_yaml_next(&at->walk->yaml, &name)) == RP_OK &&
           name.kind != CONFIG_ITEM_END) {
        if (name.kind != CONFIG_ITEM_SCALAR) {
            return config_refuse(at->walk, name.place, "here the name of a directive is missing");
        }
        status = walk_entry(at, table, target, &name, places);
        if (status != RP_OK) {
            return status;
        }
    }
    if (status == RP_OK && table->end != NULL) {
        status = table->end(at->walk, target, places);
    }
    return status;
}

enum rp_status config_table_walk(struct config_walk *walk, const struct config_table *table,
                                 void *target)
{
    const struct walk_place at = {walk, table};
    struct config_item item;
    enum rp_status status = config_yaml_next(&walk->yaml, &item);

    if (status != RP_OK) {
        return status;
    }
    if (item.kind == CONFIG_ITEM_NOTHING) {
        return config_refuse(walk, (struct config_place){1, 1},
                             "the configuration is empty; give at least listen");
    }
    if (item.kind != CONFIG_ITEM_MAP) {
        return config_refuse(walk, item.place,
                             "a configuration is a map of directives, such as \"workers: 2\"");
    }
    status = walk_map(&at, table, target, item.place);
    if (status != RP_OK) {
        return status;
    }
    return config_yaml_next(&walk->yaml, &item); /* a second document, trailing nonsense */
}
