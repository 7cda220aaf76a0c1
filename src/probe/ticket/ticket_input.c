#include "ticket_input.h"

#include <string.h>

#include "base64.h"
#include "error.h"
#include "hex.h"
#include "memory.h"
#include "ticket_lines.h"
#include "ticket_print.h"

#define WHOLE_LINE 160 /* characters; so long a line is a ticket of its own */

struct paragraph {
    struct ticket_lines lines;
    struct ticket_list *list;
    struct rp_error *err;
    const char *source;
    char *text; /* characters of the ticket being read, without what is between */
    size_t n;
    size_t room;
    size_t line; /* where it begins */
    uint8_t *bytes;
};

static bool is_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((p[i] < ' ' || p[i] > '~') && p[i] != '\n' && p[i] != '\r' && p[i] != '\t') {
            return false;
        }
    }
    return true;
}

static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == ':' || c == ',' || c == ';' || c == '{' || c == '}' ||
           c == '"';
}

/* 0x or \x before digits, up to where the word ends: base64 may have the same letters inside. */
static bool is_prefix(const char *s, size_t n, bool begins)
{
    size_t digits = 0;

    if (n < 4 || (s[0] != '\\' && (s[0] != '0' || !begins)) || (s[1] != 'x' && s[1] != 'X')) {
        return false;
    }
    while (digits < n - 2 && hex_digit(s[2 + digits]) < 16) {
        digits++;
    }
    return digits >= 2 && (digits == n - 2 || s[2 + digits] == '\\' || is_between(s[2 + digits]));
}

/* Drops what stands between the digits or characters. */
static void take_characters(struct paragraph *p)
{
    const char *s = p->lines.line;
    size_t left = p->lines.n;
    bool begins = true;

    while (left != 0) {
        const size_t skipped = is_prefix(s, left, begins) ? 2 : is_between(*s) ? 1 : 0;

        begins = skipped == 1;
        if (skipped == 0) {
            p->text[p->n++] = *s;
        }
        s += skipped != 0 ? skipped : 1;
        left -= skipped != 0 ? skipped : 1;
    }
}

static enum rp_status fail(struct paragraph *p, const char *what)
{
    error_set(p->err, "%s:%zu: %s", p->source, p->line, what);
    return RP_FORMAT;
}

/* Digits in pairs may have hyphens between them; base64 may have hyphens that mean something. */
static bool decode_hex(struct paragraph *p, size_t *n)
{
    size_t len = 0;

    for (size_t i = 0; i < p->n; i++) {
        if (p->text[i] != '-') {
            p->bytes[len++] = (uint8_t)p->text[i];
        }
    }
    return hex_decode((const char *)p->bytes, len, p->bytes, p->room, n);
}

static enum rp_status end_ticket(struct paragraph *p)
{
    struct ticket_item like = {.source = p->source, .line = p->line};
    struct rp_error why = {{0}};
    enum rp_status status;
    size_t n;

    if (p->n == 0) {
        return RP_OK;
    }
    if (decode_hex(p, &n)) {
        like.form = TICKET_FORM_HEX;
    } else if (base64_decode(p->text, p->n, p->bytes, p->room, &n)) {
        like.form = TICKET_FORM_BASE64;
    } else {
        return fail(p, "neither hexadecimal nor base64, nor a session file, nor what openssl "
                       "s_client prints");
    }
    p->n = 0;
    status = ticket_list_add(p->list, &like, p->bytes, n, &why);
    return status == RP_FORMAT ? fail(p, why.text) : status;
}

/* Tickets are a paragraph each, or a long line each. */
static enum rp_status read_paragraphs(struct paragraph *p)
{
    enum rp_status status = RP_OK;

    while (status == RP_OK && ticket_lines_next(&p->lines)) {
        const bool whole = p->lines.n >= WHOLE_LINE;

        if (p->lines.n != 0 && p->lines.line[0] == '#') {
            continue;
        }
        if (p->lines.n == 0 || whole) {
            status = end_ticket(p);
        }
        if (p->n == 0) {
            p->line = p->lines.number;
        }
        if (status == RP_OK) {
            take_characters(p);
        }
        if (status == RP_OK && whole) {
            status = end_ticket(p);
        }
    }
    return status == RP_OK ? end_ticket(p) : status;
}

static enum rp_status read_text(const char *source, const uint8_t *p, size_t n,
                                struct ticket_list *list, struct rp_error *err)
{
    struct paragraph state = {
        .lines = ticket_lines_of(p, n), .list = list, .err = err, .source = source, .room = n + 1};
    enum rp_status status = RP_NO_MEMORY;

    state.text = memory_new(state.room, 1);
    state.bytes = memory_new(state.room, 1);
    if (state.text != NULL && state.bytes != NULL) {
        status = read_paragraphs(&state);
    }
    if (state.bytes != NULL) {
        memory_wipe(state.bytes, state.room);
    }
    memory_free(state.text);
    memory_free(state.bytes);
    return status;
}

static enum rp_status read_raw(const char *source, const uint8_t *p, size_t n,
                               struct ticket_list *list, struct rp_error *err)
{
    const struct ticket_item like = {.source = source, .form = TICKET_FORM_RAW};
    struct rp_error why = {{0}};
    const enum rp_status status = ticket_list_add(list, &like, p, n, &why);

    if (status == RP_FORMAT) {
        error_set(err, "%s: %s", source, why.text);
    }
    return status;
}

enum rp_status ticket_input_read(const char *source, const uint8_t *p, size_t n,
                                 struct ticket_list *list, struct rp_error *err)
{
    const size_t before = list->n;
    const struct ticket_print_marks marks = ticket_print_marks(p, n);
    enum rp_status status;

    if (n > TICKET_INPUT_MAX) {
        error_set(err, "%s: more than %u MB", source, TICKET_INPUT_MAX >> 20);
        return RP_FORMAT;
    }
    if (marks.session_file || marks.ticket_headed || (marks.dump && is_text(p, n))) {
        status = ticket_print_read(source, p, n, &marks, list, err);
    } else if (marks.s_client) {
        error_set(err,
                  "%s: what openssl s_client printed, but no ticket: the server issued none, or, "
                  "in TLS 1.3, s_client ended before it came",
                  source);
        return RP_FORMAT;
    } else {
        status =
            is_text(p, n) ? read_text(source, p, n, list, err) : read_raw(source, p, n, list, err);
    }
    if (status == RP_OK && list->n == before) {
        error_set(err, "%s: no ticket in it", source);
        return RP_FORMAT;
    }
    return status;
}
