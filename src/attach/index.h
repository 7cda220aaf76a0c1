/*
 * The ex_data indices under which an SSL_CTX knows its attachment and an SSL its resumption.
 * Obtained once in the life of the process, then only read; any thread may ask.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>

/* False when libcrypto has no memory for them: then nothing can be attached. */
bool index_ready(void);

/* Of the SSL_CTX and of the SSL; good after index_ready. */
int index_ctx(void);
int index_ssl(void);

#endif
