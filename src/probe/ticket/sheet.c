#include "sheet.h"

#include <stdarg.h>
#include <string.h>

#include "memory.h"
#include "text.h"

#define GROW 4096
#define LINE_SIZE 4096
#define LABEL_WIDTH 18

struct sheet sheet_new(void)
{
    json_t *json = json_object();

    return (struct sheet){.json = json, .failed = json == NULL};
}

void sheet_free(struct sheet *s)
{
    json_decref(s->json);
    if (s->text != NULL) {
        memory_wipe(s->text, s->room);
    }
    memory_free(s->text);
    *s = (struct sheet){0};
}

static void add(struct sheet *s, const char *p, size_t n)
{
    if (s->failed) {
        return;
    }
    if (s->len + n > s->room) {
        const size_t room = s->room + (n > GROW ? n : GROW);
        char *grown = memory_new(room, 1); /* not resized: there may be secrets */

        if (grown == NULL) {
            s->failed = true;
            return;
        }
        if (s->len != 0) {
            memcpy(grown, s->text, s->len);
            memory_wipe(s->text, s->len);
        }
        memory_free(s->text);
        s->text = grown;
        s->room = room;
    }
    memcpy(s->text + s->len, p, n);
    s->len += n;
}

static void row(struct sheet *s, const char *label, const char *words)
{
    char line[LINE_SIZE];
    struct text t = text_of(line, sizeof line);

    if (label == NULL || words == NULL || s->quiet) {
        return;
    }
    text_addf(&t, "  %-*s ", LABEL_WIDTH, label);
    add(s, line, t.len);
    add(s, words, strlen(words));
    add(s, "\n", 1);
    memory_wipe(line, sizeof line);
}

static void put(struct sheet *s, const char *key, json_t *value)
{
    if (key == NULL) {
        json_decref(value);
    } else if (json_object_set_new(s->json, key, value) != 0) {
        s->failed = true;
    }
}

/* The names of files may be no UTF-8, which JSON wants. */
static json_t *string_of(const char *value)
{
    json_t *json = json_string(value);
    char *copy = json == NULL ? memory_string(value) : NULL;

    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    if (copy != NULL) {
        json = json_string(copy);
    }
    memory_free(copy);
    return json;
}

void sheet_text(struct sheet *s, const char *key, const char *label, const char *value,
                const char *words)
{
    put(s, key, value != NULL ? string_of(value) : json_null());
    row(s, label, words != NULL ? words : value);
}

void sheet_number(struct sheet *s, const char *key, const char *label, uint64_t value,
                  const char *words)
{
    char digits[24];
    struct text t = text_of(digits, sizeof digits);

    text_addf(&t, "%llu", (unsigned long long)value);
    put(s, key, json_integer((json_int_t)value));
    row(s, label, words != NULL ? words : digits);
}

void sheet_signed(struct sheet *s, const char *key, const char *label, int64_t value)
{
    char digits[24];
    struct text t = text_of(digits, sizeof digits);

    text_addf(&t, "%lld", (long long)value);
    put(s, key, json_integer((json_int_t)value));
    row(s, label, digits);
}

void sheet_flag(struct sheet *s, const char *key, const char *label, bool value)
{
    put(s, key, json_boolean(value));
    row(s, label, value ? "yes" : "no");
}

void sheet_hex(struct sheet *s, const char *key, const char *label, const uint8_t *p, size_t n)
{
    char *digits = memory_new(2 * n + 1, 1);
    struct text t;

    if (digits == NULL) {
        s->failed = true;
        return;
    }
    t = text_of(digits, 2 * n + 1);
    text_add_hex(&t, p, n);
    sheet_text(s, key, label, digits, n != 0 ? NULL : "empty");
    memory_wipe(digits, 2 * n + 1);
    memory_free(digits);
}

void sheet_line(struct sheet *s, const char *format, ...)
{
    char line[LINE_SIZE];
    struct text t = text_of(line, sizeof line - 1);
    va_list args;

    if (s->quiet) {
        return;
    }
    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    line[t.len] = '\n';
    add(s, line, t.len + 1);
    memory_wipe(line, sizeof line);
}

void sheet_array(struct sheet *s, const char *key)
{
    if (json_object_get(s->json, key) == NULL) {
        put(s, key, json_array());
    }
}

void sheet_append(struct sheet *s, const char *key, struct sheet *child)
{
    sheet_array(s, key);
    if (child->failed || json_array_append(json_object_get(s->json, key), child->json) != 0) {
        s->failed = true;
    }
    if (child->len != 0 && !s->quiet) {
        add(s, child->text, child->len);
    }
    sheet_free(child);
}

enum rp_status sheet_put(const struct sheet *s, bool json, FILE *out)
{
    if (s->failed) {
        return RP_NO_MEMORY;
    }
    if (!json) {
        return fwrite(s->text, 1, s->len, out) == s->len ? RP_OK : RP_SYSTEM;
    }
    return json_dumpf(s->json, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF ? RP_OK
                                                                                    : RP_SYSTEM;
}
