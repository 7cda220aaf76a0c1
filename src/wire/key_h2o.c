#include "key_h2o.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "hex.h"
#include "key_lines.h"
#include "memory.h"
#include "number.h"
#include "order.h"
#include "text.h"

#define DATE_DIGITS 19

_Static_assert(KEY_H2O_HMAC_LEN - 16 == KEY_HMAC_REST,
               "a short key's HMAC key has the longest rest");

/* A piece of a line, borrowed. */
struct piece {
    const char *s;
    size_t n;
};

static bool is_mark(char c)
{
    return c == ' ' || c == '\t' || c == '"' || c == '\'';
}

/* "name: value", with quotes around the value or none. */
static bool is_setting(const struct piece *line, const char *name, struct piece *value)
{
    const size_t name_len = strlen(name);

    if (line->n <= name_len || memcmp(line->s, name, name_len) != 0 || line->s[name_len] != ':') {
        return false;
    }
    *value = (struct piece){line->s + name_len + 1, line->n - name_len - 1};
    while (value->n != 0 && is_mark(*value->s)) {
        value->s++;
        value->n--;
    }
    while (value->n != 0 && is_mark(value->s[value->n - 1])) {
        value->n--;
    }
    return true;
}

static bool is_word(const struct piece *value, const char *word)
{
    return value->n == strlen(word) && strncasecmp(value->s, word, value->n) == 0;
}

static bool take_date(const struct piece *value, int64_t *out)
{
    char digits[DATE_DIGITS + 1] = {0};
    uint64_t seconds = 0;

    if (value->n > DATE_DIGITS) {
        return false;
    }
    memcpy(digits, value->s, value->n);
    if (!number_parse(digits, INT64_MAX, &seconds)) {
        return false;
    }
    *out = (int64_t)seconds;
    return true;
}

static bool take_cipher(const struct piece *value, uint8_t *aes_len)
{
    *aes_len = is_word(value, "aes-256-cbc") ? 32 : is_word(value, "aes-128-cbc") ? 16 : 0;
    return *aes_len != 0;
}

static bool take_hex(const struct piece *value, uint8_t *out, size_t room, size_t *n)
{
    return hex_decode(value->s, value->n, out, room, n);
}

static bool take_value(enum key_h2o_field field, const struct piece *value,
                       struct key_h2o_entry *out)
{
    size_t n;

    switch (field) {
    case KEY_H2O_NAME:
        return take_hex(value, out->name, sizeof out->name, &n) && n == sizeof out->name;
    case KEY_H2O_CIPHER:
        return take_cipher(value, &out->aes_len);
    case KEY_H2O_HASH:
        return is_word(value, "sha256");
    case KEY_H2O_KEY:
        return take_hex(value, out->secret, sizeof out->secret, &out->secret_len);
    case KEY_H2O_NOT_BEFORE:
        return take_date(value, &out->not_before_s);
    case KEY_H2O_NOT_AFTER:
        return take_date(value, &out->not_after_s);
    case KEY_H2O_ALL:
        break;
    }
    return false;
}

/* h2o passes over settings that it does not know. */
static void take_line(const struct piece *line, struct key_h2o_entry *out)
{
    static const struct {
        const char *name;
        enum key_h2o_field field;
    } settings[] = {
        {"name", KEY_H2O_NAME},
        {"cipher", KEY_H2O_CIPHER},
        {"hash", KEY_H2O_HASH},
        {"key", KEY_H2O_KEY},
        {"not_before", KEY_H2O_NOT_BEFORE},
        {"not_after", KEY_H2O_NOT_AFTER},
    };
    struct piece value;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (is_setting(line, settings[i].name, &value)) {
            const bool good = take_value(settings[i].field, &value, out);

            out->is_clean = out->is_clean && good && (out->has & settings[i].field) == 0;
            out->has = good ? out->has | settings[i].field : out->has & ~settings[i].field;
            return;
        }
    }
    out->is_clean = out->is_clean && memchr(line->s, ':', line->n) != NULL;
}

static bool is_skipped(const struct piece *line)
{
    return line->n == 0 || line->s[0] == '#' || is_word(line, "---");
}

bool key_h2o_next(struct reader *r, struct key_h2o_entry *out)
{
    struct reader before = *r;
    struct piece line;
    bool begun = false;

    *out = (struct key_h2o_entry){0};
    while (key_lines_next(r, &line.s, &line.n)) {
        if (is_skipped(&line)) {
            continue;
        }
        if (line.s[0] == '-') {
            if (begun) {
                *r = before;
                return true;
            }
            out->is_clean = true;
            do {
                line.s++;
                line.n--;
            } while (line.n != 0 && *line.s == ' ');
        }
        begun = true;
        if (line.n != 0) {
            take_line(&line, out);
        }
        before = *r;
    }
    return begun;
}

bool key_h2o_key(const struct key_h2o_entry *entry, struct format_key *out)
{
    const size_t len = entry->aes_len;
    const uint8_t *hmac = entry->secret + len;

    *out = (struct format_key){.role = KEY_OPENS};
    if (!entry->is_clean || entry->has != KEY_H2O_ALL ||
        entry->secret_len != len + KEY_H2O_HMAC_LEN || entry->not_before_s > entry->not_after_s) {
        return false;
    }
    memcpy(out->stek.name, entry->name, sizeof out->stek.name);
    memcpy(out->stek.aes, entry->secret, len);
    memcpy(out->stek.hmac, hmac, len);
    memcpy(out->hmac_rest, hmac + len, KEY_H2O_HMAC_LEN - len);
    out->stek.key_len = (uint8_t)len;
    out->begins_s = entry->not_before_s;
    out->ends_s = entry->not_after_s;
    return true;
}

void key_h2o_write(struct writer *w, const struct format_key *k)
{
    char buffer[KEY_H2O_ENTRY_MAX];
    const size_t len = k->stek.key_len;
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, "- name: ");
    text_add_hex(&t, k->stek.name, sizeof k->stek.name);
    text_addf(&t, "\n  cipher: AES-%zu-CBC\n  hash: SHA256\n  key: ", len * 8);
    text_add_hex(&t, k->stek.aes, len);
    text_add_hex(&t, k->stek.hmac, len);
    text_add_hex(&t, k->hmac_rest, KEY_H2O_HMAC_LEN - len);
    text_addf(&t, "\n  not_before: %" PRId64 "\n  not_after: %" PRId64 "\n",
              order_most(k->begins_s, 0), order_most(k->ends_s, 0));
    writer_bytes(w, buffer, t.len);
    memory_wipe(buffer, sizeof buffer);
}
