/* Not written yet: weak_key. */
typedef int weak_key_pending;
