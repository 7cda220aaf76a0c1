/* Not written yet: window_write. */
typedef int window_write_pending;
