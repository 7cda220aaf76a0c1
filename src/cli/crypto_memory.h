/*
 * Where libcrypto and libssl get their memory. To most processes it is the C library's, as ever; a
 * worker keeps the blocks of a connection that ended for the next one (free_lists.h).
 */
#ifndef CRYPTO_MEMORY_H
#define CRYPTO_MEMORY_H

/* At the start of the program, before libcrypto allocated anything; else it changes nothing. */
void crypto_memory_set(void);

/*
 * From now on this thread keeps blocks, also those that others took. Changes nothing where a tool
 * that checks the use of memory has taken the allocator's place, so that it sees every block end
 * where it ends, nor without memory or randomness.
 */
void crypto_memory_keep(void);

#endif
