/* Items with commas between, as options take them. */
#ifndef COMMA_LIST_H
#define COMMA_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Copies the next item, cut if it is too long, and moves *at behind it; NULL is the end. An empty
 * list has one empty item. */
bool comma_list_next(const char **at, char *item, size_t size);

#endif
