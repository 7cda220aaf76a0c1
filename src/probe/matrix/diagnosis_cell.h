/* The cause for one cell that is not all green. */
#ifndef DIAGNOSIS_CELL_H
#define DIAGNOSIS_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis.h"
#include "diagnosis_view.h"

#define CELL_NOWHERE ((size_t)-1)

/* Cells whose cause and detail are equal are told together. */
struct judged {
    bool any; /* else: green, or not looked at */
    enum cause cause;
    unsigned detail; /* an alert's number or a visit's end, by cause; else 0 */
    size_t at;       /* the address at fault; CELL_NOWHERE: it lies between the two */
};

struct judged cell_judge(const struct view *view, size_t issued_at, size_t offered_at);

/* What is to be said of an address though its cell may be green: it does not always issue, is not
 * always there, or resumes a session once only. */
struct judged address_judge(const struct view *view, size_t address);

#endif
