/* All bytes of a file, or of standard input. */
#ifndef FILE_READ_H
#define FILE_READ_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

struct file_bytes {
    uint8_t *p;
    size_t n;
    size_t room;
};

/* "-" is standard input. RP_SYSTEM: err says what failed; RP_FULL: there are more than max. */
enum rp_status file_read(const char *path, size_t max, struct file_bytes *out,
                         struct rp_error *err) RP_MUST_USE;
void file_bytes_fini(struct file_bytes *bytes); /* wipes */

#endif
