/* Strict parsers of whole strings: no sign, no space, nothing left over, nothing out of range. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits, at most max. */
bool number_parse(const char *s, uint64_t max, uint64_t *out);

/* A duration with its unit: 500ms, 2s, 10m, 1h, 7d. In milliseconds, at most max_ms. */
bool number_parse_duration(const char *s, int64_t max_ms, int64_t *out_ms);

/* A size with its unit: 512, 64kb, 50mb, 1gb (1 kb = 1024 bytes). At most max. */
bool number_parse_size(const char *s, uint64_t max, uint64_t *out);

#endif
