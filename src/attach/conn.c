/* Not written yet: conn. */
typedef int conn_pending;
