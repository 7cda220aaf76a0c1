/* Parts of the table for people, from top to bottom. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "report_pen.h"

struct audit;

void table_put_matrices(struct pen *pen, const struct facts *facts);
enum rp_status table_put_details(struct pen *pen, const struct facts *facts,
                                 const struct findings *findings) RP_MUST_USE;
void table_put_aged(struct pen *pen, const struct facts *facts);
void table_put_audit(struct pen *pen, const struct audit *audit);
/* audit may be NULL. */
void table_put_conclusion(struct pen *pen, const struct facts *facts,
                          const struct findings *findings, const struct audit *audit);

#endif
