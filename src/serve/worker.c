/* Not written yet: worker. */
typedef int worker_pending;
