/*
 * A result that is told twice: as lines for people and as a JSON object for programs, in the same
 * order. What fails on the way makes the sheet fail as a whole; one look at the end is enough.
 */
#ifndef SHEET_H
#define SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <reprise/status.h>

struct sheet {
    json_t *json;
    char *text;
    size_t len, room;
    bool failed;
    bool quiet; /* rows are for programs only, while this is set */
};

struct sheet sheet_new(void);
void sheet_free(struct sheet *s); /* wipes the text */

/*
 * A row each. key: in JSON, NULL: none; label: for people, NULL: none. sheet_text shows value in
 * both, or in words to people if words is not NULL; value NULL is null, and no line.
 */
void sheet_text(struct sheet *s, const char *key, const char *label, const char *value,
                const char *words);
void sheet_number(struct sheet *s, const char *key, const char *label, uint64_t value,
                  const char *words);
void sheet_signed(struct sheet *s, const char *key, const char *label, int64_t value);
void sheet_flag(struct sheet *s, const char *key, const char *label, bool value);
void sheet_hex(struct sheet *s, const char *key, const char *label, const uint8_t *p, size_t n);

/* A line for people alone. */
void sheet_line(struct sheet *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the child into an array of this name, and its lines after ours; frees it. */
void sheet_append(struct sheet *s, const char *key, struct sheet *child);

/* An array that may stay empty. */
void sheet_array(struct sheet *s, const char *key);

/* As text or as JSON. RP_NO_MEMORY: the sheet failed. RP_SYSTEM: it cannot be written. */
enum rp_status sheet_put(const struct sheet *s, bool json, FILE *out) RP_MUST_USE;

#endif
