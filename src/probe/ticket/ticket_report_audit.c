#include "ticket_report.h"

#define LINE_SIZE 512

static void place(struct text *t, const struct ticket_list *list, size_t i)
{
    const struct ticket_item *item = &list->items[i];

    text_addf(t, "ticket %zu (%s", i + 1, item->source);
    if (item->line != 0) {
        text_addf(t, ":%zu", item->line);
    }
    text_add(t, ")");
}

static void finding(struct sheet *parent, const struct ticket_list *list,
                    const struct ticket_finding *f)
{
    struct sheet s = sheet_new();
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    const bool fault = ticket_finding_is_fault(f->kind);

    sheet_line(&s, "%s: %s: %s", fault ? "finding" : "note", ticket_finding_word(f->kind),
               ticket_finding_text(f->kind));
    sheet_text(&s, "finding", NULL, ticket_finding_word(f->kind), NULL);
    sheet_text(&s, "severity", NULL, fault ? "fault" : "note", NULL);
    sheet_text(&s, "evidence", "evidence", f->evidence, NULL);
    place(&t, list, f->first);
    if (f->second != f->first) {
        text_add(&t, ", ");
        place(&t, list, f->second);
    }
    if (f->n_tickets > 1) {
        text_addf(&t, ", and %zu more of them", f->n_tickets - 1);
    }
    sheet_text(&s, NULL, "seen in", words, NULL);
    sheet_number(&s, "first", NULL, f->first + 1, NULL);
    sheet_number(&s, "second", NULL, f->second + 1, NULL);
    sheet_number(&s, "tickets", NULL, f->n_tickets, NULL);
    sheet_append(parent, "findings", &s);
}

void ticket_report_audit(struct sheet *s, const struct ticket_list *list,
                         const struct ticket_audit *audit)
{
    size_t n_faults = 0;

    sheet_array(s, "findings");
    for (size_t i = 0; i < audit->n_findings; i++) {
        n_faults += ticket_finding_is_fault(audit->findings[i].kind);
        finding(s, list, &audit->findings[i]);
    }
    if (n_faults == 0) {
        sheet_line(s, "no finding");
    }
    sheet_line(s,
               "tried: %zu keys and %zu HMAC keys on %zu ticket%s (%llu decryptions, %llu MACs); "
               "%zu pairs of tickets compared",
               audit->n_cipher_keys, audit->n_mac_keys, audit->n_different,
               audit->n_different == 1 ? "" : "s", (unsigned long long)audit->n_decryptions,
               (unsigned long long)audit->n_macs, audit->n_pairs);
    sheet_number(s, "faults", NULL, n_faults, NULL);
    sheet_number(s, "tickets", NULL, audit->n_tickets, NULL);
    sheet_number(s, "different", NULL, audit->n_different, NULL);
    sheet_number(s, "cipher_keys", NULL, audit->n_cipher_keys, NULL);
    sheet_number(s, "mac_keys", NULL, audit->n_mac_keys, NULL);
    sheet_number(s, "decryptions", NULL, audit->n_decryptions, NULL);
    sheet_number(s, "macs", NULL, audit->n_macs, NULL);
    sheet_number(s, "pairs", NULL, audit->n_pairs, NULL);
}
