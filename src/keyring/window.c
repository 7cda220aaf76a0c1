/* Not written yet: window. */
typedef int window_pending;
