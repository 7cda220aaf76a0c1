#include "raw_fingerprint.h"

#include <string.h>

#include "handshake.h"

struct raw_fingerprint raw_fingerprint_of(char *buffer, size_t size)
{
    return (struct raw_fingerprint){.text = text_of(buffer, size)};
}

void raw_fingerprint_open(struct raw_fingerprint *f, uint8_t outer_type)
{
    f->last_at = f->record_at;
    if (f->text.len != 0) {
        text_add_char(&f->text, ' ');
    }
    f->record_at = f->text.len;
    f->n_in_record = 0;
    f->open = true;
    text_addf(&f->text, "%u", outer_type);
}

/* How a stream of application data falls into records depends on the instant: like records in a row
 * count as one. */
static void merge(struct raw_fingerprint *f)
{
    static const char data[] = "23[d]";
    struct text *const t = &f->text;

    if (!t->cut && strcmp(t->start + f->record_at, data) == 0 &&
        strncmp(t->start + f->last_at, data, sizeof data - 1) == 0 &&
        f->record_at == f->last_at + sizeof data) {
        t->len = f->record_at - 1;
        t->start[t->len] = '\0';
        f->record_at = f->last_at;
    }
}

void raw_fingerprint_close(struct raw_fingerprint *f)
{
    if (!f->open) {
        return;
    }
    if (f->n_in_record != 0) {
        text_add_char(&f->text, ']');
    }
    f->open = false;
    merge(f);
}

static void next_word(struct raw_fingerprint *f)
{
    text_add_char(&f->text, f->n_in_record++ == 0 ? '[' : ',');
}

void raw_fingerprint_word(struct raw_fingerprint *f, const char *word)
{
    next_word(f);
    text_add(&f->text, word);
}

static unsigned bits(size_t n)
{
    unsigned count = 0;

    for (; n != 0; n >>= 1) {
        count++;
    }
    return count;
}

void raw_fingerprint_message(struct raw_fingerprint *f, uint8_t type, size_t len)
{
    next_word(f);
    text_addf(&f->text, "%u", type);
    if (type != HANDSHAKE_SERVER_KEY_EXCHANGE && type != HANDSHAKE_CERTIFICATE_VERIFY) {
        text_addf(&f->text, ".%u", bits(len));
    }
}

void raw_fingerprint_alert(struct raw_fingerprint *f, uint8_t level, uint8_t description)
{
    next_word(f);
    text_addf(&f->text, "a%u.%u", level, description);
}

void raw_fingerprint_end(struct raw_fingerprint *f, const char *word)
{
    raw_fingerprint_close(f);
    if (f->text.len != 0) {
        text_add_char(&f->text, ' ');
    }
    text_add(&f->text, word);
}
