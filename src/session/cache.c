/* Not written yet: cache. */
typedef int cache_pending;
