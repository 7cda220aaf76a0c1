/* Not written yet: cached. */
typedef int cached_pending;
