/*
 * A line of the hex dump that OpenSSL prints (BIO_dump): an offset, up to 16 bytes, the same bytes
 * as text. `openssl s_client` shows tickets so:
 *
 *     0000 - 4e 6d 12 0f 6a 30 66 0b-c2 a1 5e 8e 3d 02 99 a0   Nm..j0f...^.=...
 */
#ifndef TICKET_DUMP_H
#define TICKET_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_DUMP_WIDTH 16

struct ticket_dump_line {
    uint32_t offset;
    uint8_t bytes[TICKET_DUMP_WIDTH];
    size_t n;
    bool trimmed; /* OpenSSL before 1.1: spaces and zeroes at the end are left out; n is 0 */
};

/* False: it is no such line. s need not end with a NUL; without the newline. */
bool ticket_dump_line_parse(const char *s, size_t n, struct ticket_dump_line *out);

#endif
