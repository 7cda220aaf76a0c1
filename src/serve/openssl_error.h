/* What OpenSSL's error queue says, in words. */
#ifndef OPENSSL_ERROR_H
#define OPENSSL_ERROR_H

#include <stddef.h>

#define OPENSSL_ERROR_SIZE 128

/* The newest error's reason, or fallback if there is none; empties the queue. Returns out. */
const char *openssl_error_take(char out[static OPENSSL_ERROR_SIZE], const char *fallback);

#endif
