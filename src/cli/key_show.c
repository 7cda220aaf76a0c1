#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "key_actions.h"
#include "key_input.h"
#include "key_words.h"
#include "memory.h"
#include "sheet.h"
#include "text.h"

#define SERVERS_SIZE 256

/* Nothing but the keys themselves tells the two readings apart. */
static bool looks_alike(const struct key_reading *a, const struct key_reading *b)
{
    if (a->n != b->n ||
        key_format_traits(a->format)->dated != key_format_traits(b->format)->dated) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct format_key *x = &a->keys[i];
        const struct format_key *y = &b->keys[i];

        if (memcmp(x->stek.name, y->stek.name, sizeof x->stek.name) != 0 ||
            x->stek.key_len != y->stek.key_len || x->role != y->role ||
            key_words_hmac_len(a->format, x) != key_words_hmac_len(b->format, y)) {
            return false;
        }
    }
    return true;
}

static bool is_shown_before(const struct key_request *r, const struct key_input *input, size_t i)
{
    for (size_t j = 0; j < i && !r->secrets; j++) {
        if (looks_alike(&input->readings[j], &input->readings[i])) {
            return true;
        }
    }
    return false;
}

/* "nginx, nghttpx": those that look as this one does. */
static void put_heading(const struct key_request *r, const struct key_input *input, size_t i,
                        struct sheet *s)
{
    const struct key_reading *reading = &input->readings[i];
    char buffer[SERVERS_SIZE];
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, key_format_text(reading->format));
    for (size_t j = i + 1; j < input->n && !r->secrets; j++) {
        if (looks_alike(reading, &input->readings[j])) {
            text_addf(&t, ", %s", key_format_text(input->readings[j].format));
        }
    }
    sheet_line(s, " %s: %zu key%s", buffer, reading->n, reading->n == 1 ? "" : "s");
}

/* As the file has them. */
static void put_secrets(enum key_format format, const struct format_key *k, struct sheet *s)
{
    uint8_t hmac[KEY_H2O_HMAC_LEN];
    const unsigned hmac_len = key_words_hmac(format, k, hmac);

    sheet_hex(s, "aes_key", "  AES key", k->stek.aes, k->stek.key_len);
    sheet_hex(s, "hmac_key", "  HMAC key", hmac, hmac_len);
    memory_wipe(hmac, sizeof hmac);
}

static void put_key(const struct key_request *r, const struct key_reading *reading,
                    const struct format_key *k, struct sheet *out)
{
    const unsigned hmac_len = key_words_hmac_len(reading->format, k);
    const bool dated = key_format_traits(reading->format)->dated;
    char name[KEY_WORDS_NAME_SIZE];
    char begins[KEY_WORDS_TIME_SIZE];
    char ends[KEY_WORDS_TIME_SIZE];
    struct sheet s = sheet_new();

    s.quiet = out->quiet;
    if (!s.quiet) {
        sheet_line(&s, "  %s  AES-%u, HMAC %u bytes  %s", key_words_name(&k->stek, name),
                   k->stek.key_len * 8U, hmac_len, key_words_role(k->role));
    }
    sheet_hex(&s, "name", NULL, k->stek.name, sizeof k->stek.name);
    sheet_number(&s, "aes_bits", NULL, k->stek.key_len * 8U, NULL);
    sheet_number(&s, "hmac_bytes", NULL, hmac_len, NULL);
    sheet_text(&s, "role", NULL, key_words_role(k->role), NULL);
    if (dated) {
        sheet_signed(&s, "begins", NULL, k->begins_s);
        sheet_signed(&s, "ends", NULL, k->ends_s);
    }
    if (dated && !s.quiet) {
        sheet_line(&s, "    from %s to %s", key_words_time(k->begins_s, begins),
                   key_words_time(k->ends_s, ends));
    }
    if (r->secrets) {
        put_secrets(reading->format, k, &s);
    }
    sheet_append(out, "keys", &s);
}

static void put_reading(const struct key_request *r, const struct key_input *input, size_t i,
                        struct sheet *out)
{
    const struct key_reading *reading = &input->readings[i];
    struct sheet s = sheet_new();

    s.quiet = is_shown_before(r, input, i);
    if (!s.quiet) {
        put_heading(r, input, i, &s);
    }
    sheet_text(&s, "format", NULL, key_format_text(reading->format), NULL);
    sheet_text(&s, "servers", NULL, key_format_servers(reading->format), NULL);
    for (size_t k = 0; k < reading->n; k++) {
        put_key(r, reading, &reading->keys[k], &s);
    }
    sheet_append(out, "readings", &s);
}

static void put_file(const struct key_request *r, const struct key_input *input, struct sheet *out)
{
    struct sheet s = sheet_new();
    char name[KEY_WORDS_PLAIN_SIZE];

    sheet_text(&s, "file", NULL, input->name, NULL);
    sheet_number(&s, "bytes", NULL, input->len, NULL);
    sheet_line(&s, "%s: %zu bytes%s", key_words_plain(input->name, name), input->len,
               input->n > 1 ? ", a key file of one of these; nothing in it says which" : "");
    for (size_t i = 0; i < input->n; i++) {
        put_reading(r, input, i, &s);
    }
    sheet_append(out, "files", &s);
}

int key_show(const struct key_request *r)
{
    const enum key_format *format = r->has_format ? &r->format : NULL;
    struct sheet s = sheet_new();
    struct rp_error err = {{0}};
    enum rp_status status = RP_OK;
    int code = CMD_OK;

    sheet_array(&s, "files");
    for (size_t i = 0; i < r->n_files && status == RP_OK; i++) {
        struct key_input input;

        status = key_input_read(r->files[i], format, r->now_s, &input, &err);
        if (status == RP_OK) {
            put_file(r, &input, &s);
            key_input_fini(&input);
        }
    }
    if (status != RP_OK) {
        code = key_fail(err.text, status == RP_FORMAT ? CMD_BAD : CMD_USAGE);
    } else if (sheet_put(&s, r->json, stdout) != RP_OK) {
        code = key_fail("the result cannot be written", CMD_USAGE);
    }
    sheet_free(&s);
    return code;
}
