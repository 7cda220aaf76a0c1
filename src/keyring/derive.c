/* Not written yet: derive. */
typedef int derive_pending;
