/* The facts of a connection, written for people (HTML) and for programs (JSON). */
#ifndef PAGE_TEXT_H
#define PAGE_TEXT_H

#include <stddef.h>

#include <reprise/status.h>

#include "facts.h"

/*
 * The template with each {{name}} replaced by that fact, escaped; a name that is no fact is
 * replaced by nothing. *out is memory_free's, NUL-terminated.
 */
enum rp_status page_text_html(const char *template, const struct facts *f, char **out,
                              size_t *out_len) RP_MUST_USE;

/* An object of one line. *out is memory_free's, NUL-terminated. */
enum rp_status page_text_json(const struct facts *f, char **out, size_t *out_len) RP_MUST_USE;

#endif
