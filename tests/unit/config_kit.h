/* Configurations made of text, and what is said of broken ones. Included after cmocka.h. */
#ifndef CONFIG_KIT_H
#define CONFIG_KIT_H

#include <stddef.h>

#include "config.h"

/* Of a file dir/x.yaml; fails the test if it is refused. */
struct config *config_of(const char *text);

struct config_broken {
    const char *text;
    const char *complaint;
};

/* Of a file x.yaml: refused, with just this sentence. */
void expect_complaint(const char *text, const char *complaint);
void expect_complaint_n(const char *text, size_t n, const char *complaint);
void expect_complaints(const struct config_broken *broken, size_t n);

#define EXPECT_COMPLAINTS(broken) expect_complaints((broken), sizeof(broken) / sizeof(broken)[0])

/* Refused for want of memory, whichever allocation fails, until it is taken. */
void expect_survival(const char *text);

#endif
