#include "ticket_print.h"

#include <string.h>

#include "base64.h"
#include "error.h"
#include "hex.h"
#include "memory.h"
#include "number.h"
#include "ticket_dump.h"
#include "ticket_lines.h"

#define PEM_BEGIN "-----BEGIN SSL SESSION PARAMETERS-----"
#define PEM_END "-----END SSL SESSION PARAMETERS-----"
#define DUMP_HEAD "TLS session ticket:"

struct printed {
    struct ticket_lines lines;
    const struct ticket_print_marks *marks;
    struct ticket_list *list;
    struct rp_error *err;
    struct ticket_item like; /* what was said so far about the next ticket */
    char *pem;               /* room for all of a file; borrowed */
    uint8_t *bytes;          /* the same */
    size_t n;                /* bytes of the dump so far */
    size_t room;
    bool in_dump;
    bool expects_dump;
};

struct ticket_print_marks ticket_print_marks(const uint8_t *p, size_t n)
{
    struct ticket_lines l = ticket_lines_of(p, n);
    struct ticket_print_marks m = {0};
    struct ticket_dump_line dump;
    const char *rest;
    size_t n_rest;

    while (ticket_lines_next(&l)) {
        m.session_file = m.session_file || ticket_line_begins(&l, PEM_BEGIN, &rest, &n_rest);
        m.ticket_headed = m.ticket_headed || ticket_line_begins(&l, DUMP_HEAD, &rest, &n_rest);
        m.dump = m.dump || ticket_dump_line_parse(l.line, l.n, &dump);
        m.s_client = m.s_client || ticket_line_begins(&l, "SSL-Session:", &rest, &n_rest) ||
                     ticket_line_begins(&l, "CONNECTED(", &rest, &n_rest);
    }
    return m;
}

/* Puts the place before what is wrong. */
static enum rp_status fail(struct printed *p, size_t line, const char *what)
{
    error_set(p->err, "%s:%zu: %s", p->like.source, line, what);
    return RP_FORMAT;
}

static enum rp_status add(struct printed *p, size_t n)
{
    struct rp_error why = {{0}};
    const enum rp_status status = ticket_list_add(p->list, &p->like, p->bytes, n, &why);

    return status == RP_FORMAT ? fail(p, p->like.line, why.text) : status;
}

static enum rp_status take_pem(struct printed *p)
{
    const size_t first = p->lines.number;
    size_t n_text = 0;
    size_t n = 0;
    const char *rest;
    size_t n_rest;

    while (ticket_lines_next(&p->lines)) {
        if (ticket_line_begins(&p->lines, PEM_END, &rest, &n_rest)) {
            p->like.form = TICKET_FORM_PEM;
            p->like.line = first;
            if (!base64_decode(p->pem, n_text, p->bytes, p->room, &n)) {
                return fail(p, first, "the session file is not base64 inside");
            }
            return add(p, n);
        }
        memcpy(p->pem + n_text, p->lines.line, p->lines.n);
        n_text += p->lines.n;
    }
    return fail(p, first, "the session file has no end");
}

static enum rp_status end_dump(struct printed *p)
{
    enum rp_status status = RP_OK;

    if (p->in_dump) {
        p->like.form = TICKET_FORM_DUMP;
        status = add(p, p->n);
        p->in_dump = false;
        p->n = 0;
    }
    return status;
}

static enum rp_status take_dump(struct printed *p, const struct ticket_dump_line *dump)
{
    enum rp_status status = RP_OK;

    if (dump->trimmed) {
        return fail(p, p->lines.number,
                    "this OpenSSL left out the ticket's last bytes, spaces or zeroes; use "
                    "s_client -sess_out");
    }
    if (dump->offset == 0 && p->in_dump) {
        status = end_dump(p);
    }
    if (status == RP_OK && dump->offset != p->n) {
        return fail(p, p->lines.number, "a line of the hex dump before this one is missing");
    }
    if (!p->in_dump) {
        p->like.line = p->lines.number;
    }
    p->in_dump = true;
    memcpy(p->bytes + p->n, dump->bytes, dump->n);
    p->n += dump->n;
    return status;
}

static void skip_blank(const char **s, size_t *n)
{
    while (*n != 0 && (**s == ' ' || **s == ':')) {
        *s += 1;
        *n -= 1;
    }
}

static void note_version(struct ticket_item *like, const char *s, size_t n)
{
    static const struct {
        const char *word;
        uint16_t version;
    } words[] = {{"TLSv1.3", 0x0304}, {"TLSv1.2", 0x0303}, {"TLSv1.1", 0x0302}, {"TLSv1", 0x0301}};

    skip_blank(&s, &n);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (n == strlen(words[i].word) && memcmp(s, words[i].word, n) == 0) {
            like->version = words[i].version;
        }
    }
}

static void note_lifetime(struct ticket_item *like, const char *s, size_t n)
{
    char digits[16] = {0};
    uint64_t value;
    size_t len = 0;

    skip_blank(&s, &n);
    while (len < n && len < sizeof digits - 1 && s[len] >= '0' && s[len] <= '9') {
        digits[len] = s[len];
        len++;
    }
    like->has_lifetime = number_parse(digits, UINT32_MAX, &value);
    like->lifetime_s = (uint32_t)value;
}

static void note_secret(struct ticket_item *like, const char *s, size_t n)
{
    skip_blank(&s, &n);
    if (!hex_decode(s, n, like->secret, sizeof like->secret, &like->secret_len)) {
        like->secret_len = 0;
    }
}

/* What SSL_SESSION_print says before the ticket; each session begins anew. */
static void note(struct printed *p)
{
    struct ticket_item *like = &p->like;
    const char *rest;
    size_t n;

    if (ticket_line_begins(&p->lines, "SSL-Session:", &rest, &n)) {
        const struct ticket_item fresh = {.source = like->source};

        memory_wipe(like, sizeof *like);
        *like = fresh;
    } else if (ticket_line_begins(&p->lines, "Protocol  :", &rest, &n)) {
        note_version(like, rest, n);
    } else if (ticket_line_begins(&p->lines, "TLS session ticket lifetime hint:", &rest, &n)) {
        note_lifetime(like, rest, n);
    } else if (ticket_line_begins(&p->lines, "Master-Key:", &rest, &n) ||
               ticket_line_begins(&p->lines, "Resumption PSK:", &rest, &n)) {
        note_secret(like, rest, n);
    }
}

static enum rp_status take_line(struct printed *p)
{
    struct ticket_dump_line dump;
    const char *rest;
    size_t n;
    enum rp_status status = RP_OK;

    if (p->marks->ticket_headed && ticket_line_begins(&p->lines, DUMP_HEAD, &rest, &n)) {
        status = end_dump(p);
        p->expects_dump = true;
        return status;
    }
    if ((p->expects_dump || !p->marks->ticket_headed) &&
        ticket_dump_line_parse(p->lines.line, p->lines.n, &dump)) {
        return take_dump(p, &dump);
    }
    p->expects_dump = false;
    status = end_dump(p);
    if (status == RP_OK && ticket_line_begins(&p->lines, PEM_BEGIN, &rest, &n)) {
        status = take_pem(p);
    }
    note(p);
    return status;
}

enum rp_status ticket_print_read(const char *source, const uint8_t *p, size_t n,
                                 const struct ticket_print_marks *marks, struct ticket_list *list,
                                 struct rp_error *err)
{
    struct printed state = {.lines = ticket_lines_of(p, n),
                            .marks = marks,
                            .list = list,
                            .err = err,
                            .like = {.source = source},
                            .room = n + TICKET_DUMP_WIDTH};
    enum rp_status status = RP_NO_MEMORY;

    state.pem = memory_new(state.room, 1);
    state.bytes = memory_new(state.room, 1);
    if (state.pem == NULL || state.bytes == NULL) {
        goto done;
    }
    status = RP_OK;
    while (status == RP_OK && ticket_lines_next(&state.lines)) {
        status = take_line(&state);
    }
    if (status == RP_OK) {
        status = end_dump(&state);
    }

done:
    if (state.pem != NULL) {
        memory_wipe(state.pem, state.room);
    }
    if (state.bytes != NULL) {
        memory_wipe(state.bytes, state.room);
    }
    memory_free(state.pem);
    memory_free(state.bytes);
    memory_wipe(&state.like, sizeof state.like);
    return status;
}
