#include "ticket_report.h"

#include <string.h>

#include "memory.h"
#include "ticket_content.h"

#define LINE_SIZE 512
#define DAY_S 86400
#define NAMES_SHOWN 16

void ticket_report_add_duration(struct text *t, uint64_t seconds)
{
    static const struct {
        uint64_t s;
        const char *word;
    } units[] = {{DAY_S, "d"}, {3600, "h"}, {60, "min"}};

    text_addf(t, "%llu s", (unsigned long long)seconds);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (seconds >= units[i].s) {
            text_addf(t, seconds % units[i].s == 0 ? " (%llu %s)" : " (over %llu %s)",
                      (unsigned long long)(seconds / units[i].s), units[i].word);
            return;
        }
    }
}

void ticket_report_head(struct sheet *s, const struct ticket_list *list, size_t i)
{
    const struct ticket_item *item = &list->items[i];
    char place[LINE_SIZE];
    struct text t = text_of(place, sizeof place);

    text_add(&t, item->source);
    if (item->line != 0) {
        text_addf(&t, ":%zu", item->line);
    }
    sheet_line(s, "%sticket %zu of %zu: %s", i != 0 ? "\n" : "", i + 1, list->n, place);
    sheet_text(s, "source", NULL, item->source, NULL);
    if (item->line != 0) {
        sheet_number(s, "line", NULL, item->line, NULL);
    }
    sheet_text(s, "form", NULL, ticket_form_word(item->form), NULL);
    sheet_text(s, "wrap", NULL, ticket_wrap_word(item->wrap), NULL);
    sheet_line(s, "  %-18s %s, %s", "read as", ticket_form_text(item->form),
               ticket_wrap_text(item->wrap));
}

static void warn(struct sheet *s, const char *sentence)
{
    struct sheet w = sheet_new();

    sheet_text(&w, "text", "warning", sentence, NULL);
    sheet_append(s, "warnings", &w);
}

static void lifetime(struct sheet *s, const struct ticket_item *item)
{
    const bool tls13 = item->version == 0x0304;
    const uint32_t value = item->lifetime_s;
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    ticket_report_add_duration(&t, value);
    sheet_number(s, "lifetime_s", tls13 ? "lifetime" : "lifetime hint", value, words);
    if (value == 0) {
        warn(s, tls13 ? "a lifetime of 0: the ticket is to be discarded at once"
                      : "a hint of 0: how long to keep it is left to the client");
    } else if (value > NEW_SESSION_TICKET_LIFETIME_MAX_S) {
        warn(s, tls13 ? "a lifetime over 7 days, which RFC 8446 section 4.6.1 forbids"
                      : "a lifetime over 7 days");
    } else if (value > DAY_S && !tls13) {
        warn(s, "a lifetime over the 24 hours that RFC 5246 appendix F.1.4 advises");
    }
}

static const char *extension_name(uint16_t type)
{
    return type == NEW_SESSION_TICKET_EARLY_DATA                     ? "early_data"
           : (type & 0x0f0f) == 0x0a0a && type >> 8 == (type & 0xff) ? "GREASE"
                                                                     : NULL;
}

static void extensions(struct sheet *s, const struct new_session_ticket *m)
{
    struct new_session_ticket_extension e;

    sheet_array(s, "extensions");
    for (size_t i = 0; new_session_ticket_extension(m, i, &e); i++) {
        struct sheet row = sheet_new();
        char words[LINE_SIZE];
        struct text t = text_of(words, sizeof words);
        const char *name = extension_name(e.type);

        text_addf(&t, "type %u%s%s%s, %zu bytes", e.type, name != NULL ? " (" : "",
                  name != NULL ? name : "", name != NULL ? ")" : "", e.len);
        sheet_number(&row, "type", "extension", e.type, words);
        sheet_text(&row, "name", NULL, name, NULL);
        sheet_hex(&row, "body", NULL, e.body, e.len);
        sheet_append(s, "extensions", &row);
    }
    if (m->has_early_data) {
        sheet_number(s, "max_early_data", "early data max", m->max_early_data, NULL);
    }
    if (m->has_duplicate) {
        warn(s, "an extension comes twice, which RFC 8446 section 4.2 forbids");
    }
}

static void fields(struct sheet *s, const struct ticket_item *item)
{
    const struct new_session_ticket *m = &item->message;
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    if (item->version != 0) {
        ticket_content_add_version(&t, item->version);
        sheet_text(s, "version", "version", words, NULL);
    }
    if (item->has_lifetime) {
        lifetime(s, item);
    }
    if (item->has_message && m->version == 0x0304) {
        t = text_of(words, sizeof words);
        text_addf(&t, "0x%08x", m->age_add);
        sheet_number(s, "age_add", "age_add", m->age_add, words);
        if (m->age_add == 0) {
            warn(s, "age_add is 0: it ought to be random, for each ticket its own");
        }
        sheet_hex(s, "nonce", "nonce", m->nonce, m->nonce_len);
        extensions(s, m);
    }
    t = text_of(words, sizeof words);
    text_addf(&t, "%zu bytes", item->ticket.n);
    sheet_number(s, "length", "ticket", item->ticket.n, words);
    if (item->ticket.n == 0) {
        warn(s, "an empty ticket: the server took back its word to issue one");
    }
}

static void part(struct sheet *s, const char *key, const char *label, struct ticket_bytes b)
{
    if (b.n != 0) {
        sheet_hex(s, key, label, b.p, b.n);
    }
}

static void layout(struct sheet *parent, const struct ticket_view *v, bool first)
{
    struct sheet s = sheet_new();
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    text_addf(&t, "%s (%s): %s", ticket_layout_word(v->layout), ticket_fit_word(v->fit),
              ticket_layout_stacks(v->layout));
    s.quiet = !first;
    sheet_text(&s, "layout", "layout", ticket_layout_word(v->layout), words);
    sheet_text(&s, "fit", NULL, ticket_fit_word(v->fit), NULL);
    sheet_text(&s, "stacks", NULL, ticket_layout_stacks(v->layout), NULL);
    sheet_text(&s, "shape", "", ticket_layout_shape(v->layout), NULL);
    sheet_text(&s, "ambiguity", "", ticket_layout_ambiguity(v->layout), NULL);
    part(&s, "key_name", v->layout == TICKET_LAYOUT_STATEFUL ? "session ID" : "key name", v->name);
    part(&s, "iv", "IV", v->iv);
    t = text_of(words, sizeof words);
    text_addf(&t, "%zu bytes", v->ciphertext.n);
    sheet_number(&s, "ciphertext_len",
                 v->ciphertext.n == 0               ? NULL
                 : v->layout == TICKET_LAYOUT_PLAIN ? "in clear"
                                                    : "ciphertext",
                 v->ciphertext.n, words);
    part(&s, "tag", "tag", v->tag);
    sheet_append(parent, "layouts", &s);
}

static void layouts(struct sheet *s, struct ticket_bytes ticket)
{
    struct ticket_view views[TICKET_LAYOUTS];
    const size_t n = ticket_layout_guess(ticket, views);
    char others[LINE_SIZE];
    struct text t = text_of(others, sizeof others);

    sheet_array(s, "layouts");
    for (size_t i = 0; i < n; i++) {
        layout(s, &views[i], i == 0);
        if (i != 0) {
            text_addf(&t, "%s%s (%s)", i > 1 ? ", " : "", ticket_layout_word(views[i].layout),
                      ticket_fit_word(views[i].fit));
        }
    }
    sheet_text(s, NULL, "or", n > 1 ? others : NULL, NULL);
    if (n == 0 && ticket.n != 0) {
        sheet_line(s, "  %-18s %s", "layout", "none that is known");
    }
}

static bool named(const struct ticket_list *list, size_t i, enum ticket_layout layout,
                  struct ticket_bytes *name)
{
    struct ticket_view view;

    *name = (struct ticket_bytes){0};
    if (ticket_layout_split(layout, list->items[i].ticket, &view)) {
        *name = view.name;
    }
    return name->n != 0;
}

static bool same(struct ticket_bytes a, struct ticket_bytes b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* How many tickets have this name, if the ith is the first of them; else 0. */
static size_t count_from(const struct ticket_list *list, size_t i, enum ticket_layout layout,
                         struct ticket_bytes name)
{
    size_t n = 0;

    for (size_t j = 0; j < list->n; j++) {
        struct ticket_bytes other;

        if (named(list, j, layout, &other) && same(name, other)) {
            if (j < i) {
                return 0;
            }
            n++;
        }
    }
    return n;
}

static void key_names(struct sheet *s, const struct ticket_list *list, enum ticket_layout layout)
{
    size_t shown = 0;

    sheet_array(s, "key_names");
    for (size_t i = 0; i < list->n && shown < NAMES_SHOWN; i++) {
        struct ticket_bytes name;
        size_t n;

        if (!named(list, i, layout, &name)) {
            continue;
        }
        n = count_from(list, i, layout, name);
        if (n != 0) {
            struct sheet row = sheet_new();

            sheet_hex(&row, "name", "key name", name.p, name.n);
            sheet_number(&row, "tickets", "  in tickets", n, NULL);
            sheet_append(s, "key_names", &row);
            shown++;
        }
    }
    if (shown == NAMES_SHOWN) {
        sheet_line(s, "  the first %d key names are shown", NAMES_SHOWN);
    }
}

static void together(struct sheet *parent, const struct ticket_list *list,
                     const struct ticket_judgement *j)
{
    struct sheet s = sheet_new();
    char words[LINE_SIZE];
    struct text t;

    sheet_line(&s, "\nthe %zu tickets together", list->n);
    sheet_array(&s, "layouts");
    for (size_t i = 0; i < j->n_candidates; i++) {
        struct sheet row = sheet_new();
        const enum ticket_layout l = j->candidates[i].layout;

        t = text_of(words, sizeof words);
        text_addf(&t, "%s (%s)", ticket_layout_word(l), ticket_fit_word(j->candidates[i].fit));
        sheet_text(&row, "layout", i == 0 ? "layout" : "or", ticket_layout_word(l), words);
        sheet_text(&row, "fit", NULL, ticket_fit_word(j->candidates[i].fit), NULL);
        sheet_append(&s, "layouts", &row);
    }
    if (j->n_candidates == 0) {
        sheet_line(&s, "  %-18s %s", "layout", "none fits all: they are of several servers");
    }
    sheet_number(&s, "shared_prefix", "equal first bytes", j->shared_prefix, NULL);
    sheet_number(&s, "repeated", "repeated tickets", j->n_repeated, NULL);
    if (j->n_candidates != 0) {
        key_names(&s, list, j->candidates[0].layout);
    }
    sheet_append(parent, "together", &s);
}

void ticket_report_decode(struct sheet *s, const struct ticket_list *list)
{
    struct ticket_bytes *tickets = memory_new(list->n != 0 ? list->n : 1, sizeof *tickets);
    struct ticket_judgement judgement;

    if (tickets == NULL) {
        s->failed = true;
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct sheet child = sheet_new();

        tickets[i] = list->items[i].ticket;
        ticket_report_head(&child, list, i);
        sheet_array(&child, "warnings");
        fields(&child, &list->items[i]);
        layouts(&child, tickets[i]);
        sheet_append(s, "tickets", &child);
    }
    if (list->n > 1) {
        ticket_layout_judge(tickets, list->n, &judgement);
        together(s, list, &judgement);
    }
    memory_free(tickets);
}
