/* JSON objects and lists, built without a look at every step: one at the end is enough. */
#ifndef REPORT_OBJECT_H
#define REPORT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct object {
    json_t *json;
    bool failed;
};

struct object object_new(void);
void object_put(struct object *o, const char *key, json_t *value); /* taken over, NULL fails */
void object_put_count(struct object *o, const char *key, uint64_t value);
void object_put_flag(struct object *o, const char *key, bool value);
/* Made printable (report_text.h); NULL or empty: null. */
void object_put_text(struct object *o, const char *key, const char *s);
/* What this program wrote itself, or escaped before. */
void object_put_own(struct object *o, const char *key, const char *s);
void object_put_hex(struct object *o, const char *key, const uint8_t *p, size_t n);
json_t *object_done(struct object *o); /* NULL if anything failed on the way */

struct list {
    json_t *json;
    bool failed;
};

struct list list_new(void);
void list_add(struct list *l, json_t *value); /* taken over, NULL fails */
json_t *list_done(struct list *l);

#endif
