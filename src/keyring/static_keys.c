/* Not written yet: static_keys. */
typedef int static_keys_pending;
