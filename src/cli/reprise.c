/* Not written yet: reprise. */
typedef int reprise_pending;
