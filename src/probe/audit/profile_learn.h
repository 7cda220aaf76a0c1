/* Fills the profile of an auditor by a few connections. */
#ifndef PROFILE_LEARN_H
#define PROFILE_LEARN_H

#include "auditor.h"

void profile_learn(struct auditor *a);

#endif
