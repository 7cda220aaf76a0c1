/*
 * Early data where it does not fit the session that it is of: under another protocol or another
 * server name, with a wrong age, in a second ClientHello.
 */
#ifndef EARLY_MISFIT_H
#define EARLY_MISFIT_H

#include "auditor.h"

/* How many trials it took: tries each, and adds the findings. */
unsigned early_misfits(struct auditor *a);

#endif
