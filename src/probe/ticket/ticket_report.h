/* What `reprise ticket` shows, for people and as JSON (docs/formats/tickets.md). */
#ifndef TICKET_REPORT_H
#define TICKET_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sheet.h"
#include "text.h"
#include "ticket_audit.h"
#include "ticket_list.h"
#include "ticket_open.h"

/* Where the ith ticket of a list is from, and what it was: a heading, and the first fields. */
void ticket_report_head(struct sheet *s, const struct ticket_list *list, size_t i);

/* All tickets, each by itself and then together. */
void ticket_report_decode(struct sheet *s, const struct ticket_list *list);

/* One ticket, opened or not. now_s: Unix time. */
struct ticket_open_view {
    const struct ticket_key_file *files;
    size_t n_files;
    int64_t now_s;
    bool secrets;
};

void ticket_report_open(struct sheet *s, const struct ticket_list *list, size_t i,
                        const struct ticket_opening *opening, const struct ticket_open_view *view);

void ticket_report_audit(struct sheet *s, const struct ticket_list *list,
                         const struct ticket_audit *audit);

/* "300 s (5 min)", "7200 s (2 h)". */
void ticket_report_add_duration(struct text *t, uint64_t seconds);

#endif
