/* Addresses that belong together: by the key that names their tickets, by resuming each other's
 * sessions. */
#ifndef GROUP_H
#define GROUP_H

#include "diagnosis.h"
#include "diagnosis_view.h"

enum rp_status group_keys(struct findings *findings, const struct view *view) RP_MUST_USE;
enum rp_status group_resumes(struct findings *findings, const struct view *view) RP_MUST_USE;

#endif
