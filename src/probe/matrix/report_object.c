#include "report_object.h"

#include "report_text.h"
#include "text.h"

#define TEXT_SIZE 2304 /* the longest text of a server's, all of it escaped */

struct object object_new(void)
{
    json_t *json = json_object();

    return (struct object){json, json == NULL};
}

void object_put(struct object *o, const char *key, json_t *value)
{
    if (json_object_set_new(o->json, key, value) != 0) {
        o->failed = true;
    }
}

void object_put_count(struct object *o, const char *key, uint64_t value)
{
    object_put(o, key, json_integer((json_int_t)value));
}

void object_put_flag(struct object *o, const char *key, bool value)
{
    object_put(o, key, json_boolean(value));
}

void object_put_text(struct object *o, const char *key, const char *s)
{
    char buffer[TEXT_SIZE];
    struct text t = text_of(buffer, sizeof buffer);

    if (s == NULL || s[0] == '\0') {
        object_put(o, key, json_null());
    } else {
        report_text_add(&t, s);
        object_put(o, key, json_string(buffer));
    }
}

void object_put_own(struct object *o, const char *key, const char *s)
{
    object_put(o, key, s != NULL && s[0] != '\0' ? json_string(s) : json_null());
}

void object_put_hex(struct object *o, const char *key, const uint8_t *p, size_t n)
{
    char buffer[160];
    struct text t = text_of(buffer, sizeof buffer);

    text_add_hex(&t, p, n);
    object_put(o, key, json_string(buffer));
}

json_t *object_done(struct object *o)
{
    if (o->failed) {
        json_decref(o->json);
        return NULL;
    }
    return o->json;
}

struct list list_new(void)
{
    json_t *json = json_array();

    return (struct list){json, json == NULL};
}

void list_add(struct list *l, json_t *value)
{
    if (json_array_append_new(l->json, value) != 0) {
        l->failed = true;
    }
}

json_t *list_done(struct list *l)
{
    if (l->failed) {
        json_decref(l->json);
        return NULL;
    }
    return l->json;
}
