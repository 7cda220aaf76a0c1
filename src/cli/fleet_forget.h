/* Takes a member's presence out of the store of its fleet. */
#ifndef FLEET_FORGET_H
#define FLEET_FORGET_H

#include <reprise/status.h>

#include "mailbox.h"

#define FLEET_FORGET_ID_LEAST 6 /* digits of an id that are taken for one */

/* Either config, or store and fleet, which know no names. */
struct fleet_forget_request {
    const char *config; /* a file of reprised */
    const char *store;  /* URL */
    const char *fleet;
    const char *who; /* a name, or the beginning of an id */
};

struct fleet_forgotten {
    char name[MAILBOX_TEXT_MAX + 1]; /* empty: not known */
    char id[2 * MAILBOX_ID_LEN + 1];
};

/*
 * Waits for the store, a few seconds at most. RP_NOT_FOUND: nobody is there by this name, or more
 * than one; RP_INVALID: what was asked makes no sense; RP_SYSTEM: the store cannot be reached. err
 * says which.
 */
enum rp_status fleet_forget(const struct fleet_forget_request *request, struct fleet_forgotten *out,
                            struct rp_error *err) RP_MUST_USE;

#endif
