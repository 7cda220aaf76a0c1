#include "raw_buffer.h"

#include <string.h>

#include "memory.h"

#define SIZE_MIN 256

void raw_buffer_fini(struct raw_buffer *b)
{
    if (b->bytes != NULL) {
        memory_wipe(b->bytes, b->size);
        memory_free(b->bytes);
    }
    *b = (struct raw_buffer){0};
}

uint8_t *raw_buffer_room(struct raw_buffer *b, size_t n)
{
    size_t size = b->size > SIZE_MIN ? b->size : SIZE_MIN;
    uint8_t *bytes;

    if (b->bytes != NULL && n <= b->size - b->len) {
        return b->bytes + b->len;
    }
    while (size - b->len < n) {
        if (size > SIZE_MAX / 2) {
            return NULL;
        }
        size *= 2;
    }
    /* No resize: it would leave a copy behind. */
    bytes = memory_new(size, 1);
    if (bytes == NULL) {
        return NULL;
    }
    if (b->bytes != NULL) {
        memcpy(bytes, b->bytes, b->len);
        memory_wipe(b->bytes, b->size);
        memory_free(b->bytes);
    }
    b->bytes = bytes;
    b->size = size;
    return bytes + b->len;
}

bool raw_buffer_add(struct raw_buffer *b, const void *p, size_t n)
{
    uint8_t *at;

    if (n == 0) {
        return true;
    }
    at = raw_buffer_room(b, n);
    if (at == NULL) {
        return false;
    }
    memcpy(at, p, n);
    b->len += n;
    return true;
}

void raw_buffer_take(struct raw_buffer *b, size_t n)
{
    if (n == 0 || b->bytes == NULL) {
        return;
    }
    memmove(b->bytes, b->bytes + n, b->len - n);
    memory_wipe(b->bytes + b->len - n, n);
    b->len -= n;
}
