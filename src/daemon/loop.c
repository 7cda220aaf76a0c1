/* Not written yet: loop. */
typedef int loop_pending;
