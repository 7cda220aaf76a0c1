/* Not written yet: load. */
typedef int load_pending;
