/* The session ID that comes back beside a ticket: RFC 5077 section 3.4, CVE-2016-9244. */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What came back begins with all that was sent, and more follows. No ID, or one of the server's
 * own, is no such thing: nothing of ours was copied.
 */
bool echo_is_wrong(const uint8_t *sent, size_t sent_len, const uint8_t *back, size_t back_len);

#endif
