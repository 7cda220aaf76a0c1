/* Hexadecimal digits, of either case. */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a digit; 16: it is none. */
unsigned hex_digit(char c);

/* Two digits a byte, nothing between. False: another character, an odd number of digits, or more
 * than room bytes; then *len is 0 and out is undefined. */
bool hex_decode(const char *s, size_t n, uint8_t *out, size_t room, size_t *len);

#endif
