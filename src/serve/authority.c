#include "authority.h"

#include <string.h>

#include "text.h"

#define PORT_DIGITS_MAX 5

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("-._~%!$&'()*+;=", c) != NULL);
}

static bool is_address_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* After the host: nothing, or a colon and at most five digits (an empty port is allowed). */
static bool is_port(const char *s)
{
    size_t n = 0;

    if (*s == '\0') {
        return true;
    }
    if (*s++ != ':') {
        return false;
    }
    while (n <= PORT_DIGITS_MAX && is_digit(s[n])) {
        n++;
    }
    return n <= PORT_DIGITS_MAX && s[n] == '\0';
}

/* The length of the host in front; 0 if there is none. */
static size_t host_len(const char *s)
{
    size_t n = 0;

    if (*s == '[') {
        n++;
        while (is_address_char(s[n])) {
            n++;
        }
        return n > 1 && s[n] == ']' ? n + 1 : 0;
    }
    while (is_name_char(s[n])) {
        n++;
    }
    return n;
}

bool authority_host(const char *value, char out[static AUTHORITY_HOST_MAX + 1])
{
    struct text t = text_of(out, AUTHORITY_HOST_MAX + 1);
    size_t n = host_len(value);

    if (n == 0 || !is_port(value + n)) {
        return false;
    }
    if (value[n - 1] == '.') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        text_add_char(&t, lower(value[i]));
    }
    return n != 0 && !t.cut;
}
