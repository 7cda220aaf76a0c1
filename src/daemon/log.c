/* Not written yet: log. */
typedef int log_pending;
