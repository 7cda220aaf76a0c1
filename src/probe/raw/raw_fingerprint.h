/* Writes down, in short words, what a server sent (raw_result.h has the form). */
#ifndef RAW_FINGERPRINT_H
#define RAW_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct raw_fingerprint {
    struct text text;
    size_t record_at;   /* where the record begins */
    size_t last_at;     /* and the one before it */
    size_t n_in_record; /* words */
    bool open;
};

struct raw_fingerprint raw_fingerprint_of(char *buffer, size_t size);

/* A record begins and ends; words come between. */
void raw_fingerprint_open(struct raw_fingerprint *f, uint8_t outer_type);
void raw_fingerprint_close(struct raw_fingerprint *f);

void raw_fingerprint_message(struct raw_fingerprint *f, uint8_t type, size_t len);
void raw_fingerprint_alert(struct raw_fingerprint *f, uint8_t level, uint8_t description);
void raw_fingerprint_word(struct raw_fingerprint *f, const char *word);

/* A word of its own, after all records. */
void raw_fingerprint_end(struct raw_fingerprint *f, const char *word);

#endif
