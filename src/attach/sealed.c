/* Not written yet: sealed. */
typedef int sealed_pending;
