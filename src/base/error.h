/* Fills a struct rp_error; every function takes NULL and then does nothing. */
#ifndef ERROR_H
#define ERROR_H

#include <reprise/status.h>

void error_set(struct rp_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_add(struct rp_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_clear(struct rp_error *err);

#endif
