/* What the tests of the mailbox's messages share. */
#ifndef MAILBOX_FIXTURE_H
#define MAILBOX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mailbox.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Sixteen bytes that count up. */
static inline struct mailbox_id id_of(unsigned first)
{
    struct mailbox_id id;

    for (unsigned i = 0; i < sizeof id.bytes; i++) {
        id.bytes[i] = (uint8_t)(first + i);
    }
    return id;
}

/* Of exactly n bytes, so that a sanitizer sees a read past the end; freed by the caller. */
static inline uint8_t *exact(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n != 0 ? n : 1);

    assert_non_null(copy);
    memcpy(copy, p, n);
    return copy;
}

#endif
