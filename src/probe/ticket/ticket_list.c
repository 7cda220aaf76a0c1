#include "ticket_list.h"

#include <string.h>

#include "error.h"
#include "memory.h"
#include "reader.h"
#include "session_asn1.h"

#define GROW 32
#define RECORD_HANDSHAKE 22

static bool decode_body(struct ticket_item *item, struct reader r)
{
    struct new_session_ticket *m = &item->message;

    item->has_message = new_session_ticket_decode_13(r.at, reader_left(&r), m) ||
                        new_session_ticket_decode_12(r.at, reader_left(&r), m);
    if (item->has_message) {
        item->ticket = (struct ticket_bytes){m->ticket, m->ticket_len};
        item->version = m->version;
        item->has_lifetime = true;
        item->lifetime_s = m->lifetime_s;
    }
    return item->has_message;
}

/* A header whose length is that of all that follows. */
static bool skip_message(struct reader *r)
{
    return reader_u8(r) == NEW_SESSION_TICKET_TYPE && reader_u24(r) == reader_left(r) && !r->failed;
}

static bool skip_record(struct reader *r)
{
    return reader_u8(r) == RECORD_HANDSHAKE && reader_u8(r) == 3 && reader_u8(r) <= 4 &&
           reader_u16(r) == reader_left(r) && !r->failed;
}

static bool decode_message(struct ticket_item *item)
{
    const struct reader whole = reader_of(item->bytes, item->n_bytes);
    struct reader r = whole;

    item->wrap = TICKET_WRAP_RECORD;
    if (skip_record(&r) && skip_message(&r) && decode_body(item, r)) {
        return true;
    }
    r = whole;
    item->wrap = TICKET_WRAP_MESSAGE;
    if (skip_message(&r) && decode_body(item, r)) {
        return true;
    }
    item->wrap = TICKET_WRAP_BODY;
    return decode_body(item, whole);
}

/* A client's session holds the ticket; one without is what a server puts into tickets. */
static bool decode_session(struct ticket_item *item, bool *without_ticket)
{
    struct session_asn1 s;
    uint64_t lifetime;

    *without_ticket = false;
    if (!session_asn1_decode(item->bytes, item->n_bytes, &s)) {
        return false;
    }
    if (!session_asn1_octets(&s, SESSION_ASN1_TICKET, &item->ticket.p, &item->ticket.n) ||
        item->ticket.n == 0) {
        *without_ticket = true;
        return false;
    }
    item->wrap = TICKET_WRAP_SESSION;
    item->version = s.version;
    item->has_lifetime =
        session_asn1_number(&s, SESSION_ASN1_LIFETIME_HINT, &lifetime) && lifetime <= UINT32_MAX;
    item->lifetime_s = item->has_lifetime ? (uint32_t)lifetime : 0;
    memcpy(item->secret, s.master, s.master_len);
    item->secret_len = s.master_len;
    return true;
}

static bool classify(struct ticket_item *item, struct rp_error *err)
{
    bool without_ticket;

    if (decode_session(item, &without_ticket)) {
        return true;
    }
    if (item->form == TICKET_FORM_PEM) {
        error_set(err, without_ticket ? "the session has no ticket: it is resumed by session ID"
                                      : "the session file cannot be decoded");
        return false;
    }
    if (item->form != TICKET_FORM_DUMP && decode_message(item)) {
        return true;
    }
    if (item->n_bytes < TICKET_LEN_MIN) {
        error_set(err, "only %zu bytes: no ticket is so short", item->n_bytes);
        return false;
    }
    if (item->n_bytes > UINT16_MAX) {
        error_set(err, "%zu bytes: no ticket is so long", item->n_bytes);
        return false;
    }
    item->wrap = TICKET_WRAP_TICKET;
    item->ticket = (struct ticket_bytes){item->bytes, item->n_bytes};
    return true;
}

static struct ticket_item *slot(struct ticket_list *list)
{
    if (list->n == list->room) {
        struct ticket_item *grown =
            memory_new(2 * list->room + GROW, sizeof *grown); /* not resized: there are secrets */

        if (grown == NULL) {
            return NULL;
        }
        if (list->n != 0) {
            memcpy(grown, list->items, list->n * sizeof *grown);
            memory_wipe(list->items, list->n * sizeof *grown);
        }
        memory_free(list->items);
        list->items = grown;
        list->room = 2 * list->room + GROW;
    }
    return &list->items[list->n];
}

static void drop(struct ticket_item *item)
{
    if (item->bytes != NULL) {
        memory_wipe(item->bytes, item->n_bytes);
    }
    memory_free(item->bytes);
    memory_wipe(item, sizeof *item);
}

enum rp_status ticket_list_add(struct ticket_list *list, const struct ticket_item *like,
                               const uint8_t *p, size_t n, struct rp_error *err)
{
    struct ticket_item *item = slot(list);

    if (item == NULL) {
        return RP_NO_MEMORY;
    }
    *item = *like;
    item->bytes = memory_new(n != 0 ? n : 1, 1);
    item->n_bytes = n;
    if (item->bytes == NULL) {
        drop(item);
        return RP_NO_MEMORY;
    }
    if (n != 0) {
        memcpy(item->bytes, p, n);
    }
    if (!classify(item, err)) {
        drop(item);
        return RP_FORMAT;
    }
    list->n++;
    return RP_OK;
}

void ticket_list_fini(struct ticket_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        drop(&list->items[i]);
    }
    memory_free(list->items);
    *list = (struct ticket_list){0};
}

static const struct {
    const char *word, *text;
} forms[] = {
#define TICKET_FORM_TEXT(name, word, text) {word, text},
    TICKET_FORM_MAP(TICKET_FORM_TEXT)
#undef TICKET_FORM_TEXT
};

static const struct {
    const char *word, *text;
} wraps[] = {
#define TICKET_WRAP_TEXT(name, word, text) {word, text},
    TICKET_WRAP_MAP(TICKET_WRAP_TEXT)
#undef TICKET_WRAP_TEXT
};

const char *ticket_form_word(enum ticket_form form)
{
    return forms[form].word;
}

const char *ticket_form_text(enum ticket_form form)
{
    return forms[form].text;
}

const char *ticket_wrap_word(enum ticket_wrap wrap)
{
    return wraps[wrap].word;
}

const char *ticket_wrap_text(enum ticket_wrap wrap)
{
    return wraps[wrap].text;
}
