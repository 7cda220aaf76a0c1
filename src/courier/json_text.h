/* An object as the admin socket shows it. */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stddef.h>

#include <jansson.h>

#include <reprise/status.h>

/*
 * Indented, with a newline at its end and a NUL after it; n without that. Takes object over, NULL
 * too: no memory. The caller frees *out by memory_free.
 */
enum rp_status json_text_new(json_t *object, char **out, size_t *n) RP_MUST_USE;

#endif
