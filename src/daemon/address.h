/* Numeric addresses as the configuration writes them. Nothing is ever looked up by name. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE 64 /* of any HOST:PORT, with its NUL */

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* 127.0.0.1:443 or [::1]:443; port 0 to 65535. */
bool address_parse(const char *s, struct address *out);

/* The same, or unix:/path; a port of 0 is refused. */
bool address_parse_backend(const char *s, struct address *out);

/* The port of an internet address. */
unsigned address_port(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* Whether a listener at a takes what comes to b: equal, or 0.0.0.0 or [::] with the same port. */
bool address_covers(const struct address *a, const struct address *b);

/* HOST:PORT or [HOST]:PORT of an internet address. */
void address_text(const struct address *address, char out[static ADDRESS_TEXT_SIZE]);

#endif
